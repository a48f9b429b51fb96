"""Changes of YAML and templates as text, so that all that is not changed stays as it was."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.seeding.seed import CannotApplyError

_SEPARATOR = re.compile(r"---\s*$")
_INCLUDED = re.compile(r"(?P<key>\s*[\w./-]+:) (?P<call>\{\{-.*nindent (?P<indent>\d+) \}\})$")


@dataclass
class Document:
    """One document of a file with templates; each change is written at once.

    Args:
        file: where it is.
        first: its first line, from 0.
        last: the line after its last.

    """

    file: Path
    first: int
    last: int

    @property
    def lines(self) -> list[str]:
        """The lines of the whole file."""
        return self.file.read_text(encoding="utf-8").split("\n")

    def block(self, *keys: str) -> tuple[int, int]:
        """Return the lines of a key, each key below the one before.

        Raises:
            CannotApplyError: it is not there.

        """
        lines, first, last = self.lines, self.first, self.last
        for key in keys:
            start = next((i for i in range(first, last) if _is(lines[i], key)), None)
            if start is None:
                raise CannotApplyError(f"{self.file.name} has no {'.'.join(keys)}")
            first, last = start, _end(lines, start, last)
        return first, last

    def remove(self, *keys: str) -> None:
        """Remove a key with all that is below it. Raises CannotApplyError."""
        first, last = self.block(*keys)
        self._write(first, last, [])

    def put(self, keys: Sequence[str], text: str) -> None:
        """Replace a key with all that is below it by a text. Raises CannotApplyError."""
        first, last = self.block(*keys)
        self._write(first, last, _indented(text, self.lines[first]))

    def before(self, keys: Sequence[str], text: str) -> None:
        """Put a text before a key, beside it. Raises CannotApplyError."""
        first, _ = self.block(*keys)
        self._write(first, first, _indented(text, self.lines[first]))

    def below(self, keys: Sequence[str], text: str) -> None:
        """Put a text below a key, before all that is there. Raises CannotApplyError."""
        first, _ = self.block(*keys)
        line = self.lines[first]
        if match := _INCLUDED.match(line):
            indent = " " * int(match["indent"])
            rest = f"{indent}{match['call']}"
            self._write(first, first + 1, [match["key"], *_indented(text, indent + "x"), rest])
            return
        if not re.fullmatch(r"\s*(- )?[\w./-]+:(\s+&\w+)?\s*", line):
            raise CannotApplyError(f"{self.file.name} has {line.strip()!r}, to which nothing adds")
        self._write(first + 1, first + 1, _indented(text, self.lines[first + 1]))

    def sub(self, pattern: str, new: str, *keys: str, every: bool = False) -> None:
        """Replace a pattern in the lines of a key; where no key is given, in all.

        Raises:
            CannotApplyError: it is not there, or it is so already.

        """
        first, last = self.block(*keys) if keys else (self.first, self.last)
        text = "\n".join(self.lines[first:last])
        changed, times = re.subn(pattern, new, text, count=0 if every else 1, flags=re.MULTILINE)
        if not times or changed == text:
            where = f" in {'.'.join(keys)}" if keys else ""
            raise CannotApplyError(f"{self.file.name} has nothing like `{pattern}`{where}")
        self._write(first, last, changed.split("\n"))

    def _write(self, first: int, last: int, new: list[str]) -> None:
        lines = self.lines
        lines[first:last] = new
        self.last += len(new) - (last - first)
        self.file.write_text("\n".join(lines), encoding="utf-8")


def whole(file: Path) -> Document:
    """Return a file as one document. Raises CannotApplyError when there is none."""
    if not file.is_file():
        raise CannotApplyError(f"there is no {file.name}")
    return Document(file, 0, file.read_text(encoding="utf-8").count("\n") + 1)


def document(file: Path, kind: str, number: int = 0) -> Document:
    """Return the document that makes an object.

    Args:
        file: a template.
        kind: of the object.
        number: of those of this kind, from 0.

    Raises:
        CannotApplyError: the object is made in another way.

    """
    lines = whole(file).lines
    bounds = [-1, *(i for i, line in enumerate(lines) if _SEPARATOR.match(line)), len(lines)]
    pieces = [(a + 1, b) for a, b in itertools.pairwise(bounds)]
    made = [(a, b) for a, b in pieces if any(_is(line, f"kind: {kind}") for line in lines[a:b])]
    if number >= len(made):
        raise CannotApplyError(f"{file.name} does not make a {kind} as a document of its own")
    return Document(file, *made[number])


def _is(line: str, key: str) -> bool:
    plain = line.strip().removeprefix("- ")
    return plain.rstrip() == key if ": " in key else plain.startswith(f"{key}:")


def _end(lines: Sequence[str], start: int, last: int) -> int:
    indent, end = _indent(lines[start]), start + 1
    for i in range(start + 1, last):
        if not lines[i].strip():
            continue
        if _indent(lines[i]) <= indent:
            break
        end = i + 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented(text: str, beside: str) -> list[str]:
    return [" " * _indent(beside) + line if line else line for line in text.split("\n")]
