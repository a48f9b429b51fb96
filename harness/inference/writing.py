"""The description that is written of what was inferred, for a person to correct."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.inference.facts import Fact, Facts
from harness.inference.folder import shown

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """\
# What the acceptance harness knows of this project, as far as it could be told from what is here.
# Behind each line stands what it was told by: correct what is wrong, and then leave the words out.
# Paths are relative to this file.
"""
_TAIL = """
# What is demanded, by the id with which scenarios are tagged. None could be told from the sources.
# [requirements]
# "R-1" = "The application can be installed, and what it needs is there"

# What people do with it, as requests; each journey becomes a scenario.
# [[journey]]
# name = "Somebody finds it"
# [[journey.steps]]
# says = "somebody looks at its first page"
# request = "GET /"
"""
_COLUMN = 48


def written(facts: Facts) -> str:
    """Return the text of the file: the facts with their reasons, and the remarks."""
    lines = [_HEAD.rstrip()]
    lines += [f"# Note: {shown(remark)}" for remark in facts.remarks]
    lines.append("")
    tables: dict[tuple[str, ...], list[Fact]] = {}
    for fact in facts.facts.values():
        tables.setdefault(fact.key[:-1], []).append(fact)
    for table in sorted(tables, key=_order):
        if table:
            lines += ["", f"[{'.'.join(_key(part) for part in table)}]"]
        lines += [_line(fact) for fact in tables[table]]
    text = "\n".join(lines) + "\n" + _TAIL
    return re.sub(r"\n{3,}", "\n\n", text)


_TABLES = ("", "chart", "images", "services", "database", "secrets", "values", "variants")


def _order(table: tuple[str, ...]) -> tuple[int, ...]:
    first = table[0] if table else ""
    return (_TABLES.index(first) if first in _TABLES else len(_TABLES),)


def _line(fact: Fact) -> str:
    line = f"{_key(fact.key[-1])} = {_value(fact.value)}"
    reason = shown(fact.reason)
    if len(line) + len(reason) + 4 > 120:
        return f"# {reason}\n{line}"
    return f"{line:<{_COLUMN}}  # {reason}" if len(line) < _COLUMN else f"{line}  # {reason}"


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _text(text)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _text(text: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON, ASCII but for letters."""
    return "".join(_escaped(c) for c in json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def told(facts: Iterable[Fact]) -> Iterator[str]:
    """Yield a line for each fact: key, value, reason."""
    for fact in facts:
        yield f"{shown(fact.dotted)} = {shown(_value(fact.value))}  ({shown(fact.reason)})"
