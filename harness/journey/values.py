"""Values that go from one answer into later requests: kept by a path, filled in by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(rf"\$\{{({NAME})\}}")
# $.user.id, items[0].id, $["odd name"]
_PART = re.compile(r"""\.?(?P<name>[A-Za-z0-9_-]+)|\[(?P<index>-?\d+)\]|\["(?P<odd>[^"]+)"\]""")


class PathEmptyError(LookupError):
    """There is nothing at a path. Its text says where it ends, and what is there."""


def keep_path(path: str) -> tuple[str | int, ...]:
    """Return the parts of a path into JSON; `$` alone is the whole. Raises ValueError."""
    rest, parts = path.removeprefix("$"), list[str | int]()
    while rest:
        found = _PART.match(rest)
        if found is None:
            raise ValueError(f"{path!r} is no path such as $.user.id or $.items[0].id")
        parts.append(int(found["index"]) if found["index"] else found["name"] or found["odd"])
        rest = rest[found.end() :]
    return tuple(parts)


def at(document: Any, path: str) -> Any:
    """Return what a document has at a path. Raises PathEmptyError."""
    here, gone = document, "$"
    for part in keep_path(path):
        try:
            if isinstance(part, int) != isinstance(here, list):
                raise TypeError
            here = here[part]
        except (KeyError, IndexError, TypeError):
            raise PathEmptyError(f"nothing at {path}: {gone} is {_told(here)}") from None
        gone += f"[{part}]" if isinstance(part, int) else f".{part}"
    return here


def _told(here: Any) -> str:
    if isinstance(here, Mapping):
        return f"an object with {', '.join(map(str, here)) or 'nothing'}"
    return f"a list of {len(here)}" if isinstance(here, list) else "neither object nor list"


def filled(part: Any, known: Mapping[str, Any]) -> Any:
    """Return a text, or all texts in lists and objects, with each `${name}` replaced.

    A text that is nothing but one name takes the value's own type. Raises KeyError.
    """
    if isinstance(part, str):
        if whole := _REFERENCE.fullmatch(part):
            return known[whole[1]]
        return _REFERENCE.sub(lambda found: str(known[found[1]]), part)
    if isinstance(part, Mapping):
        return {str(name): filled(value, known) for name, value in part.items()}
    return [filled(value, known) for value in part] if isinstance(part, list) else part


def names_in(part: Any) -> set[str]:
    """Return the names that `filled` would want."""
    if isinstance(part, str):
        return set(_REFERENCE.findall(part))
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    return set().union(*map(names_in, inner))
