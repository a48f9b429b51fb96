"""Attachments of records that are gone: taken away, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.record.attachments import Attachments, owner, prefix_of
from harness.record.journal import dump
from harness.record.place import Place
from harness.record.reading import part_path
from harness.record.sweeping import sweep


def attach(record: Path, name: str, *, tell: bool = True) -> Path:
    """Put an attachment beside a record, and say so in it."""
    attachments = Attachments(record.parent, str, prefix_of(record))
    messages = attachments.text(name, "x" * 100_000)
    lines = "".join(f"{dump(message)}\n" for message in messages) if tell else ""
    with record.open("a") as file:
        file.write(lines)
    return record.parent / messages[1]["externalAttachment"]["url"]


def test_what_no_record_speaks_of_goes(tmp_path: Path) -> None:
    old = attach(Place.claim(tmp_path).record, "old.log")
    place = Place.claim(tmp_path)
    place.record.unlink(missing_ok=True)
    new = attach(place.record, "new.log")
    assert sweep(place.record) == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_attachments_of_a_run_beside_stay(tmp_path: Path) -> None:
    ours, theirs = Place.claim(tmp_path), Place.claim(tmp_path)
    assert theirs.record.name == "messages-2.ndjson"
    # It has been written, and the line that says so has not.
    early = [attach(theirs.record, "a.log", tell=False)]
    early.append(attach(part_path(theirs.record, "gw0"), "b.log", tell=False))
    assert sweep(ours.record) == 0
    assert all(file.exists() for file in early)
    theirs.release()
    assert sweep(ours.record) == 2


def test_run_beside_does_not_sweep_the_first(tmp_path: Path) -> None:
    ours, theirs = Place.claim(tmp_path), Place.claim(tmp_path)
    early = attach(ours.record, "a.log", tell=False)
    assert sweep(theirs.record) == 0
    assert early.exists()


def test_other_records_keep_theirs_though_nobody_writes_to_them(tmp_path: Path) -> None:
    place = Place.claim(tmp_path)
    beside = attach(tmp_path / "messages-2.ndjson", "a.log")
    copied = attach(tmp_path / "before.ndjson", "b.log")
    part = attach(tmp_path / "messages-3-gw1.ndjson", "c.log")
    cut = attach(tmp_path / "messages-4.ndjson", "d.log")
    text = (tmp_path / "messages-4.ndjson").read_text()
    (tmp_path / "messages-4.ndjson").write_text(text[: text.rindex(cut.name) + len(cut.name)])
    assert sweep(place.record) == 0
    assert all(file.exists() for file in (beside, copied, part, cut))


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    place = Place.claim(tmp_path)
    ours = attach(place.record, "a.log", tell=False)
    other = ours.with_name("notes.txt")
    other.write_text("mine")
    link = ours.with_name("9-link")
    link.symlink_to(other)
    assert sweep(place.record) == 1
    assert other.exists()
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("record", "prefix", "place"),
    [
        ("messages.ndjson", "", 1),
        ("messages-gw0.ndjson", "gw0-", 1),
        ("messages-2.ndjson", "run2-", 2),
        ("messages-12-gw1.ndjson", "run12-gw1-", 12),
    ],
)
def test_names_tell_whose_an_attachment_is(record: str, prefix: str, place: int) -> None:
    assert prefix_of(Path(record)) == prefix
    assert owner(f"{prefix}1-app.log") == place
    assert owner(f"{prefix}2-run7-1-app.log") == place, "whatever it is called itself"


def test_nothing_is_swept_where_nothing_is(tmp_path: Path) -> None:
    assert sweep(Place.claim(tmp_path).record) == 0
