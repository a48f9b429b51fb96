"""The revisions of a release, and what an interrupted one needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_GOOD = ("deployed", "superseded")
_PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


@dataclass(frozen=True)
class Revision:
    """One revision, as `helm history` tells it. `updated`: Helm's own time stamp."""

    number: int
    status: str
    chart: str
    app_version: str
    description: str
    updated: str

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Revision:
        """Return the revision of an entry of `helm history -o json`."""
        return cls(
            number=int(entry["revision"]),
            status=str(entry["status"]),
            chart=str(entry.get("chart", "")),
            app_version=str(entry.get("app_version", "")),
            description=str(entry.get("description", "")),
            updated=str(entry.get("updated", "")),
        )


@dataclass(frozen=True)
class Repair:
    """What has to be done before an upgrade: roll back to a revision, or uninstall.

    `to` is None for uninstall. `reason` is a clause for people.
    """

    to: int | None
    reason: str


def repair_of(history: Sequence[Revision], *, holds_data: bool) -> Repair | None:
    """Return what the last revision needs, or None when an upgrade may go over it.

    Helm refuses to work over a pending revision, and leaves behind what only a failed
    one has made; both end by going back to the last good revision. Where none was ever
    good, the release is removed and begun anew, so that its install hooks run, unless
    that would delete data: then Helm is made to finish the revision that it began.

    Args:
        history: all revisions, oldest first.
        holds_data: whether the release owns a volume claim that would go with it.

    """
    if not history:
        return None
    last = history[-1]
    interrupted = last.status in _PENDING
    if last.status == "uninstalling":
        return Repair(None, f"the removal of revision {last.number} was interrupted")
    if not interrupted and last.status != "failed":
        return None
    word = "was interrupted" if interrupted else f"had failed ({last.description})"
    reason = f"revision {last.number} {word}"
    good = [revision.number for revision in history if revision.status in _GOOD]
    if good:
        return Repair(good[-1], reason)
    if not holds_data:
        return Repair(None, reason)
    # Over a failed revision Helm can upgrade by itself.
    return Repair(last.number, reason) if interrupted else None
