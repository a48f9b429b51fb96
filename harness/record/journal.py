"""One process's part of the record, on disk line by line, whatever becomes of the process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from harness.record.messages import Message, strings_changed

#: What holds nothing that a run has seen: it lies in the project as it is written there.
_OF_THE_PROJECT = frozenset({"source", "gherkinDocument", "pickle", "stepDefinition", "hook"})


def dump(message: Message) -> str:
    """Return a message as its line, without the end of line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


class Journal:
    """A file that messages are appended to; each is there for others once `write` returns.

    What was seen during the run is freed from secrets before it is written, text by text.
    A run is not ended by it: `problem` says why no more could be written, if that is so.
    Safe to use from several threads.
    """

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self.path = path
        self._redact = redact
        self.problem = ""
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._file = os.open(path, flags, 0o644)

    def write(self, *messages: Message) -> None:
        """Append messages. Nothing is written once it is closed."""
        lines = "".join(f"{dump(self._free(message))}\n" for message in messages)
        data = lines.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
        with self._lock:
            if self._file >= 0 and not self.problem:
                try:
                    os.write(self._file, data)
                except OSError as error:  # such as a disk that is full
                    self.problem = f"{self.path}: {error.strerror}"

    def _free(self, message: Message) -> Message:
        if _OF_THE_PROJECT & message.keys():
            return message
        freed: Message = strings_changed(message, self._redact)
        return freed

    def close(self) -> None:
        """End it, and take out of it the secrets that became known after they were written."""
        with self._lock:
            if self._file < 0:
                return
            os.close(self._file)
            self._file = -1
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        freed = [self._freed(line) for line in lines]
        if freed != lines:
            replace(self.path, freed)

    def _freed(self, line: str) -> str:
        try:
            return dump(self._free(json.loads(line)))
        except ValueError:  # it was cut off
            return self._redact(line)


def replace(path: Path, lines: list[str]) -> None:
    """Put lines in the place of a file at once: a reader sees the old ones or the new ones."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
