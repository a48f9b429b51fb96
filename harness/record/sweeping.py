"""Attachments of runs whose records are gone: taken away, those of other runs left alone."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from harness.record.attachments import FOLDER, owner
from harness.record.place import lock_file, numbered

_OURS = re.compile(r"(?:run\d+-)?(?:gw\d+-)?\d+-")
_NAMED = re.compile(rf"{FOLDER}/([\w.-]+)")


def sweep(record: Path) -> int:
    """Remove attachments that no record in the folder speaks of, and return how many.

    Those of a place that another run has claimed are left, also those that its record does not
    yet speak of: an attachment is there before the line that says so.

    Args:
        record: that of a place which the caller has claimed, whole.

    """
    by_place: dict[Path, list[Path]] = defaultdict(list)
    for file in sorted((record.parent / FOLDER).glob("*")):
        if _OURS.match(file.name) and file.is_file() and not file.is_symlink():
            by_place[numbered(record.parent, owner(file.name))].append(file)
    removed = _remove(by_place.pop(record, []), record.parent)
    for other, files in by_place.items():
        # Records are read while nobody can write to that place.
        with suppress(Timeout), FileLock(lock_file(other), timeout=0):
            removed += _remove(files, record.parent)
    return removed


def _remove(files: list[Path], folder: Path) -> int:
    if not files:
        return 0
    kept = {name for path in folder.glob("*.ndjson") for name in _named_in(path)}
    left = [file for file in files if file.name not in kept]
    for file in left:
        file.unlink(missing_ok=True)
    return len(left)


def _named_in(record: Path) -> set[str]:
    """Return the attachments that a record speaks of anywhere, in a damaged line as well."""
    with record.open(encoding="utf-8", errors="replace") as lines:
        return {name for line in lines for name in _NAMED.findall(line)}
