"""Values of a chart: built from dotted paths, laid over one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.redact import MASK

_SECRET = re.compile(r"secret|passw|token|api-?_?key|credential|database-?_?url|dsn", re.IGNORECASE)
_STEP = re.compile(r"(?:[^.\\]|\\.)+")


def values_from_paths(paths: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return nested values: `{"a.b": 1, "a.c": 2}` becomes `{"a": {"b": 1, "c": 2}}`.

    A dot within a key is written `\.`, as in Helm's `--set`. A value that is itself a
    mapping is merged with what other paths say below it; the later path wins.

    Raises:
        ValueError: a path with an empty part, or one that goes through a plain value.

    """
    result: dict[str, Any] = {}
    for path, value in paths.items():
        keys = [key.replace("\\.", ".") for key in _STEP.findall(path)]
        if not keys or path.startswith(".") or path.endswith(".") or ".." in path:
            raise ValueError(f"{path!r} is no path of a value: it has an empty part")
        nested: Any = value
        for key in reversed(keys):
            nested = {key: nested}
        for step in range(1, len(keys)):
            below = _at(result, keys[:step])
            if below is not None and not isinstance(below, Mapping):
                raise ValueError(f"{path!r} goes through {'.'.join(keys[:step])}, a plain value")
        result = merged(result, nested)
    return result


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid over it, mappings merged, all else replaced.

    Neither is changed. As with Helm, `None` is kept: it removes the chart's default.
    """
    result = {key: merged(v, {}) if isinstance(v, Mapping) else v for key, v in base.items()}
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, Mapping):
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def sounds_secret(name: str) -> bool:
    """Say whether something of this name is to be kept out of what is shown."""
    return bool(_SECRET.search(name)) and not name.startswith("existing")


def secret_values(values: Mapping[str, Any], *, inherited: bool = False) -> Iterator[str]:
    """Yield the texts below keys that sound secret, to keep them out of messages.

    A reference to a Secret by name is none.
    """
    for key, value in values.items():
        secret = sounds_secret(key) or (inherited and not key.startswith("existing"))
        if isinstance(value, Mapping):
            yield from secret_values(value, inherited=secret)
        elif secret and isinstance(value, str):
            yield value


def masked(values: Mapping[str, Any], *, inherited: bool = False) -> dict[str, Any]:
    """Return values to be shown: what lies below a key that sounds secret is masked."""
    shown: dict[str, Any] = {}
    for key, value in values.items():
        secret = sounds_secret(key) or (inherited and not key.startswith("existing"))
        if isinstance(value, Mapping):
            shown[key] = masked(value, inherited=secret)
        else:
            shown[key] = MASK if secret and value not in (None, "", True, False) else value
    return shown


def _at(values: Mapping[str, Any], keys: list[str]) -> Any:
    found: Any = values
    for key in keys:
        if not isinstance(found, Mapping):
            return found
        found = found.get(key)
    return found
