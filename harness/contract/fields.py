"""Fields that Kubernetes knows: a misspelt one is dropped in silence, a wrong type refused.

What it knows is read from the sources of the Python client, without importing it: that
takes a second, and reading the few models that a chart needs some milliseconds.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contract.finding import Notes
from harness.contract.subject import Subject

_ENTRY = re.compile(r"[\"'](\w+)[\"']: [\"']([^\"']+)[\"']")
_TABLE = r"\n    {}(?:: [^=\n]+)? = \{{(.*?)\}}"
_CONTAINER = re.compile(r"list\[(?P<item>.+)\]|dict[\[(]str, (?P<value>.+)[\])]", re.IGNORECASE)
# Amounts may be numbers or texts; the client knows them as texts.
_QUANTITY = re.compile(r"resources\.|sizeLimit|storage|averageValue|divisor|\bhard\b")
_PLAIN: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool}


def check(subject: Subject, notes: Notes) -> None:
    """Every field of every object exists, and holds what it should."""
    for rendering in subject.renderings:
        for item in rendering.objects:
            model = _model_of(str(item.body.get("apiVersion")), item.kind)
            if model is None:
                continue
            notes.saw(str(item))
            for path, seen in _problems(item.body, model, ""):
                notes.found(
                    subject.chart.where(item.source, path.rpartition(".")[2]),
                    needed=f"fields of {item} that Kubernetes knows",
                    seen=f"{path}: {seen}",
                    fix="correct the field",
                )


def _problems(value: Any, kind: str, path: str) -> Iterator[tuple[str, str]]:
    if value is None or kind == "object":
        return
    if match := _CONTAINER.fullmatch(kind):
        inner = match["item"] or match["value"]
        expected = list if match["item"] else dict
        if not isinstance(value, expected):
            yield path, f"it is {_shown(value)}, not a {'list' if match['item'] else 'mapping'}"
            return
        pairs = enumerate(value) if isinstance(value, list) else value.items()
        for key, each in pairs:
            where = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}"
            yield from _problems(each, inner, where)
    elif kind in _PLAIN:
        wrong = not isinstance(value, _PLAIN[kind]) or (kind == "int" and isinstance(value, bool))
        if wrong and not (_QUANTITY.search(path) and isinstance(value, int | float)):
            yield path, f"it is {_shown(value)}, not of the type {kind}"
    elif (fields := _fields(kind)) is not None and isinstance(value, dict):
        for key, each in value.items():
            where = f"{path}.{key}".lstrip(".")
            if key not in fields:
                yield where, "Kubernetes knows no such field, and drops it in silence"
            else:
                yield from _problems(each, fields[key], where)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"the {type(value).__name__} {value!r}" if not isinstance(value, str) else "a text"


def _model_of(api_version: str, kind: str) -> str | None:
    """Return the name of the client's model, such as V1Deployment; None when it has none."""
    version = api_version.rpartition("/")[2]
    name = f"{version[:1].upper()}{version[1:]}{kind}"
    return name if _fields(name) is not None else None


@functools.cache
def _fields(model: str) -> dict[str, str] | None:
    """Return the type of each field of a model by its name in manifests."""
    folder = _models()
    if folder is None or not re.fullmatch(r"\w+", model):
        return None
    file = folder / f"{_snake(model)}.py"
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    types = re.search(_TABLE.format("openapi_types"), text, re.DOTALL)
    names = re.search(_TABLE.format("attribute_map"), text, re.DOTALL)
    if types is None or names is None:
        return None
    kinds = dict(_ENTRY.findall(types[1]))
    return {name: kinds[own] for own, name in _ENTRY.findall(names[1]) if own in kinds}


@functools.cache
def _models() -> Path | None:
    found = importlib.util.find_spec("kubernetes")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "client" / "models"


def _snake(name: str) -> str:
    parts = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", parts).lower()
