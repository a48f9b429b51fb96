"""What an interrupted or failed release needs before it can be upgraded."""

from __future__ import annotations

import pytest

from harness.helm.history import Repair, Revision, repair_of

LEFT_ALONE, REMOVED = "left alone", "removed"


def revisions(*statuses: str) -> list[Revision]:
    return [
        Revision(number, status, "shop-1.0.0", "1", "why", "now")
        for number, status in enumerate(statuses, 1)
    ]


@pytest.mark.parametrize(
    ("statuses", "holds_data", "expected"),
    [
        ((), False, LEFT_ALONE),
        (("deployed",), False, LEFT_ALONE),
        (("superseded", "deployed"), True, LEFT_ALONE),
        (("uninstalled",), False, LEFT_ALONE),
        (("pending-install",), False, REMOVED),
        (("pending-install",), True, 1),
        (("failed",), False, REMOVED),
        (("failed",), True, LEFT_ALONE),
        (("deployed", "pending-upgrade"), False, 1),
        (("superseded", "deployed", "failed"), True, 2),
        (("superseded", "deployed", "failed", "pending-rollback"), False, 2),
        (("failed", "pending-upgrade"), True, 2),
        (("deployed", "uninstalling"), False, REMOVED),
    ],
)
def test_the_repair(
    statuses: tuple[str, ...],
    holds_data: bool,  # noqa: FBT001
    expected: int | str,
) -> None:
    needed = repair_of(revisions(*statuses), holds_data=holds_data)
    if expected == LEFT_ALONE:
        assert needed is None
    else:
        assert isinstance(needed, Repair)
        assert needed.to == (None if expected == REMOVED else expected)


def test_the_reason_says_what_happened() -> None:
    failed = repair_of(revisions("deployed", "failed"), holds_data=False)
    assert failed == Repair(1, "revision 2 had failed (why)")
    pending = repair_of(revisions("pending-install"), holds_data=False)
    assert pending == Repair(None, "revision 1 was interrupted")
    going = repair_of(revisions("uninstalling"), holds_data=True)
    assert going == Repair(None, "the removal of revision 1 was interrupted")
