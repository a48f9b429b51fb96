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
            suffix = f"-{number}" if number > 1 else ""
            record = _numbered(folder / NAME, suffix)
            lock = FileLock(folder / f".{record.name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            for part in worker_parts(record).values():
                part.unlink(missing_ok=True)
            return cls(record, _numbered(folder / PAGE, suffix), lock)
        raise AssertionError

    def release(self) -> None:
        """Let another run write there."""
        self._lock.release()


def _numbered(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.stem}{suffix}{path.suffix}")
