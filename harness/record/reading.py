"""A record as it lies there, whole or not: what can be read of it, and what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import DeployError
from harness.record.messages import Message, kind_of

_SHOWN = 60  # characters of a line that cannot be read


class RecordMissingError(DeployError):
    """There is no record to read."""

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(
            needed="the record of a run",
            seen=said,
            looked=str(path),
            fix="run the scenarios (`make deploy`), or name the file of a record",
        )


@dataclass
class Part:
    """What one process wrote.

    Attributes:
        name: whose it is: "" for the process that leads, else the worker's name.
        messages: those that could be read, in the order of the file.
        problems: a line for each that could not.

    """

    name: str
    messages: list[Message] = field(repr=False)
    problems: list[str] = field(default_factory=list)


def part_path(record: Path, worker: str) -> Path:
    """Return where a worker writes its part of a record, beside it."""
    return record.with_name(f"{record.stem}-{worker}{record.suffix}")


def worker_parts(record: Path) -> dict[str, Path]:
    """Return the parts of workers that lie beside a record, by the worker's name."""
    found = record.parent.glob(f"{record.stem}-gw*{record.suffix}")
    return {path.stem.removeprefix(f"{record.stem}-"): path for path in sorted(found)}


def read_parts(record: Path) -> list[Part]:
    """Return a record and the workers' parts that were never put together with it.

    Raises:
        RecordMissingError: neither is there, or it cannot be opened.

    """
    paths = {"": record} if record.exists() else {}
    paths |= worker_parts(record)
    if not paths:
        raise RecordMissingError(record, "no such file")
    return [read_part(path, name) for name, path in paths.items()]


def read_part(path: Path, name: str = "") -> Part:
    """Return what can be read of a file, line by line. Raises RecordMissingError."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RecordMissingError(path, error.strerror or str(error)) from error
    part = Part(name, [])
    last = lines.pop()  # what comes after the last end of line
    for number, line in enumerate(lines, 1):
        if line.strip():
            _read(part, line, f"{path.name}:{number}")
    if last.strip():
        before = len(part.problems)
        _read(part, last, f"{path.name}:{len(lines) + 1}, its last line")
        if len(part.problems) > before:
            part.problems[-1] += "; it was cut off"
    return part


def _read(part: Part, line: bytes, where: str) -> None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        shown = line[:_SHOWN].decode(errors="replace")
        part.problems.append(f"{where} cannot be read: {shown}")
        return
    if not isinstance(message, dict) or not isinstance(message.get(kind_of(message)), dict):
        part.problems.append(f"{where} is no message")
        return
    part.messages.append(message)
