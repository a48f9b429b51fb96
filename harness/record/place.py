"""Where a run's record and page lie, so that two runs of one folder do not write the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from harness.record.messages import NAME
from harness.record.reading import worker_parts

PAGE = "report.html"


@dataclass(frozen=True)
class Place:
    """The files of one run, claimed until it is released.

    Attributes:
        record: the messages.
        page: what is made of them.

    """

    record: Path
    page: Path
    _lock: FileLock = field(repr=False)

    @classmethod
    def claim(cls, folder: Path) -> Place:
        """Return the first place in a folder that no run writes to now.

        What a run that was ended by force left of workers' parts is removed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            record = numbered(folder, number)
            lock = FileLock(lock_file(record))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            for part in worker_parts(record).values():
                part.unlink(missing_ok=True)
            return cls(record, numbered(folder, number, PAGE), lock)
        raise AssertionError

    def release(self) -> None:
        """Let another run write there."""
        self._lock.release()


def numbered(folder: Path, number: int, name: str = NAME) -> Path:
    """Return the file of the place of a number, from 1."""
    path = folder / name
    return path.with_name(f"{path.stem}-{number}{path.suffix}") if number > 1 else path


def lock_file(record: Path) -> Path:
    """Return the file that is locked while a run writes to a place."""
    return record.with_name(f".{record.name}.lock")
