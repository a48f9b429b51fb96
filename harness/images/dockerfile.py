"""Reading a Dockerfile far enough to check it before anything is built."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ESCAPE = re.compile(r"^#\s*escape\s*=\s*(?P<char>[\\`])\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^#\s*[a-z]+\s*=", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(?P<word>[A-Za-z_][A-Za-z0-9_]*)[\"']?")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>\w+))")


@dataclass(frozen=True)
class Instruction:
    """One instruction: upper-case word, rest without continuations, first line (from 1)."""

    word: str
    rest: str
    line: int

    @property
    def flags(self) -> dict[str, str]:
        """Return leading `--name=value` flags; a flag without value has the value ''."""
        found: dict[str, str] = {}
        for token in self.rest.split():
            if not token.startswith("--"):
                break
            name, _, value = token[2:].partition("=")
            found[name] = value
        return found

    @property
    def arguments(self) -> list[str]:
        """Return the words after the flags, in shell or JSON form."""
        rest = self.rest
        while (stripped := rest.lstrip()).startswith("--"):
            rest = stripped.split(None, 1)[1] if len(stripped.split(None, 1)) > 1 else ""
        rest = rest.strip()
        if rest.startswith("["):
            try:
                return [str(word) for word in json.loads(rest)]
            except ValueError:
                return rest.split()
        try:
            return shlex.split(rest)
        except ValueError:
            return rest.split()


@dataclass(frozen=True)
class Copy:
    """What a COPY or ADD takes from the build context, and the line that says so."""

    instruction: Instruction
    sources: tuple[str, ...]


@dataclass
class Dockerfile:
    """A parsed Dockerfile."""

    path: Path
    instructions: list[Instruction] = field(default_factory=list)
    #: What a line ends with that goes on in the next.
    escape: str = "\\"

    @classmethod
    def read(cls, path: Path) -> Dockerfile:
        """Parse the file; instructions that Docker does not know stay as they are."""
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        escape = _escape(text)
        return cls(path, _parse(text, escape), escape)

    @staticmethod
    def filled(word: str, values: Mapping[str, str]) -> str:
        """Return a word with its variables filled in; as it is when one has no value."""
        return _substitute(word, values) or word

    @property
    def global_args(self) -> dict[str, str]:
        """Return ARGs before the first FROM with their defaults ('' when they have none)."""
        found: dict[str, str] = {}
        for one in self.instructions:
            if one.word == "FROM":
                break
            if one.word == "ARG":
                for token in one.arguments:
                    name, _, value = token.partition("=")
                    found[name] = value
        return found

    @property
    def stages(self) -> list[tuple[str, str, int]]:
        """Return name (or index), unresolved base and line of each FROM."""
        found = list[tuple[str, str, int]]()
        for one in self.instructions:
            if one.word != "FROM" or not one.arguments:
                continue
            words = one.arguments
            named = len(words) >= 3 and words[1].lower() == "as"
            found.append((words[2].lower() if named else str(len(found)), words[0], one.line))
        return found

    def base_args(self) -> dict[str, str]:
        """Return the ARGs that a FROM uses, with their defaults."""
        known = self.global_args
        used = {
            match["braced"] or match["bare"]
            for _, base, _ in self.stages
            for match in _VARIABLE.finditer(base)
        }
        return {name: value for name, value in known.items() if name in used}

    def copies(self, build_args: Mapping[str, str] | None = None) -> list[Copy]:
        """Return each COPY and ADD that takes files from the context.

        Copies from another stage or image, heredocs, URLs, and sources with a variable
        that has no value cannot be judged without building and are left out.
        """
        given = dict(build_args or {})
        found, values = [], self.global_args | given
        for one in self.instructions:
            if one.word == "ARG" or one.word == "ENV":
                values |= _assignments(one, values) | (given if one.word == "ARG" else {})
            if one.word not in ("COPY", "ADD") or "from" in one.flags or "<<" in one.rest:
                continue
            resolved = (_substitute(word, values) for word in one.arguments[:-1])
            sources = tuple(word for word in resolved if word is not None and "://" not in word)
            found.append(Copy(one, tuple(s for s in sources if not s.startswith("git@"))))
        return found


def _assignments(one: Instruction, values: dict[str, str]) -> dict[str, str]:
    found = {}
    for token in one.arguments:
        name, equals, raw = token.partition("=")
        if not equals:
            if one.word == "ARG" and name in values:
                continue
            found[name] = ""
        elif (value := _substitute(raw, values)) is not None:
            found[name] = value
    return {name: value for name, value in found.items() if value}


def _substitute(word: str, values: Mapping[str, str]) -> str | None:
    """Return the word with variables filled in, or None when one is not known."""
    unknown = False

    def fill(match: re.Match[str]) -> str:
        nonlocal unknown
        value = values.get(match["braced"] or match["bare"]) or match["default"]
        unknown = unknown or value is None
        return value or ""

    filled = _VARIABLE.sub(fill, word)
    return None if unknown else filled


def _escape(text: str) -> str:
    for line in text.splitlines():
        if not _DIRECTIVE.match(line):
            break
        if match := _ESCAPE.match(line):
            return match["char"]
    return "\\"


def _parse(text: str, escape: str) -> list[Instruction]:
    lines, found = text.splitlines(), list[Instruction]()
    number = 0
    while number < len(lines):
        first, parts, more = number + 1, list[str](), True
        while more and number < len(lines):
            line = lines[number].strip()
            number += 1
            if not line or line.startswith("#"):
                more = bool(parts)  # comments and blanks inside a continuation are skipped
                continue
            more = line.endswith(escape)
            parts.append(line[: -len(escape)] if more else line)
        joined = " ".join(part.strip() for part in parts)
        if not joined:
            continue
        word, _, rest = joined.partition(" ")
        if word.upper() in ("RUN", "COPY", "ADD"):
            for match in _HEREDOC.finditer(rest):
                while number < len(lines) and lines[number].strip() != match["word"]:
                    number += 1
                number += 1
        found.append(Instruction(word.upper(), rest.strip(), first))
    return found
