"""Schemas of values that name other documents, which Helm would fetch from wherever they are."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_NAME = "values.schema.json"
_REFERS = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
#: The documents that every library of JSON Schema has in itself.
_KNOWN = "json-schema.org"
_MOST_BYTES = 64_000_000
_ONE_SCHEMA = 1_000_000


def elsewhere(chart: Path) -> str:
    """Return the first reference of a chart's schemas to another document; "" when there is none.

    Sub-charts count, packed ones too. A schema that cannot be read refers to nothing.
    """
    for text in _schemas(chart):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for reference in _references(told):
            if not reference.startswith("#") and urlsplit(reference).hostname != _KNOWN:
                return reference
    return ""


def _schemas(chart: Path) -> Iterator[str]:
    for file in sorted(chart.rglob(_NAME)):
        yield file.read_text(encoding="utf-8", errors="replace")
    for file in sorted(chart.rglob("*.tgz")):
        yield from _packed(file)


def _packed(file: Path) -> Iterator[str]:
    """Yield the schemas of a packed chart, as far as it can be unpacked in a bounded time."""
    try:
        with tarfile.open(fileobj=io.BytesIO(file.read_bytes()), mode="r|gz") as archive:
            for member in archive:
                if member.offset_data + member.size > _MOST_BYTES:
                    return
                wanted = member.isfile() and member.name.endswith(_NAME)
                if (
                    wanted
                    and member.size <= _ONE_SCHEMA
                    and (opened := archive.extractfile(member))
                ):
                    yield opened.read().decode("utf-8", "replace")
    except (tarfile.TarError, OSError, EOFError):
        return  # Helm tells what is wrong with it


def _references(told: Any) -> Iterator[str]:
    """Yield every reference, however deep, without recursion."""
    left = [told]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield from (part[key] for key in _REFERS if isinstance(part.get(key), str))
            left += part.values()
        elif isinstance(part, list):
            left += part
