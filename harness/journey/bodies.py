"""Example bodies, made of the schemas of an OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.journey.values import PathEmptyError, at

_DEEP = 8  # schemas within schemas
_FORMATS = {
    "email": "{0}@example.com",
    "uuid": "{0:0<8.8}-0000-4000-8000-000000000000",
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "uri": "https://example.com/{0}",
    "url": "https://example.com/{0}",
    "hostname": "{0}.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "password": "Aa1-{0}",
}


class SchemaOpaqueError(ValueError):
    """No example can be made of a schema. Its text says why."""


def resolved(document: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
    """Return a schema without references and alternatives at its top.

    Raises:
        SchemaOpaqueError: it refers elsewhere, to nothing, or to itself.

    """
    for _ in range(_DEEP):
        if not isinstance(schema, Mapping):
            raise SchemaOpaqueError("a schema is no object")
        if reference := schema.get("$ref"):
            schema = _referred(document, str(reference))
        elif parts := schema.get("allOf"):
            schema = _together(document, schema, parts)
        elif choices := schema.get("oneOf") or schema.get("anyOf"):
            schema = next((c for c in choices if c.get("type") != "null"), choices[0])
        else:
            return schema
    raise SchemaOpaqueError("a schema refers to itself")


def example(document: Mapping[str, Any], schema: Any, unique: str, deep: int = 0) -> Any:
    """Return a value that a schema allows.

    Args:
        document: what references in it lead into.
        schema: of the value.
        unique: a text of letters and digits that goes into every text that is made.
        deep: schemas that this one is in.

    Raises:
        SchemaOpaqueError.

    """
    if deep > _DEEP:
        raise SchemaOpaqueError("a schema refers to itself")
    schema = resolved(document, schema)
    for key in ("const", "example"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    kind = _kind(schema)
    if kind == "object":
        return {
            name: example(document, part, unique, deep + 1)
            for name, part in _properties(document, schema).items()
        }
    if kind == "array":
        item = schema.get("items", {})
        count = int(schema.get("minItems", 0))
        return [example(document, item, f"{unique}{i}", deep + 1) for i in range(count)]
    if kind == "string":
        return _text(schema, unique)
    if kind in ("integer", "number"):
        return _number(schema)
    return kind == "boolean" or None


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    return str(kind or ("object" if "properties" in schema else "string"))


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body has to have; where nothing is demanded, all that it may have."""
    known = {
        name: part
        for name, part in schema.get("properties", {}).items()
        if not (isinstance(part, Mapping) and part.get("readOnly"))
    }
    demanded = [name for name in schema.get("required", ()) if name in known]
    if demanded:
        return {name: known[name] for name in demanded}
    plain = ("string", "integer", "number", "boolean")
    return {n: p for n, p in known.items() if _kind(resolved(document, p)) in plain}


def _text(schema: Mapping[str, Any], unique: str) -> str:
    text = _FORMATS.get(str(schema.get("format")), "Example {0}").format(unique)
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if len(text) < least:
        text += "x" * (least - len(text))
    if most is not None and len(text) > int(most):
        text = unique[: int(most)]
        text += "x" * (least - len(text))
    pattern = schema.get("pattern")
    if pattern:
        tries = (text, unique, unique[:least] or "a", "1" * max(least, 1), "Aa1", "#aabbcc")
        matching = [one for one in tries if len(one) >= least and _matches(pattern, one)]
        if not matching:
            raise SchemaOpaqueError(f"no text is known that matches {pattern}")
        text = matching[0]
    return text


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _number(schema: Mapping[str, Any]) -> int:
    least = schema.get("minimum", 1)
    above = schema.get("exclusiveMinimum")
    if above is True:  # as OpenAPI 3.0 says it
        least += 1
    elif above is not None and above is not False:
        least = max(least, above + 1)
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    number = int(-(-least // 1))
    if not isinstance(most, bool) and most is not None and number > most:
        number = int(most // 1) if "maximum" in schema else int(most // 1) - 1
    step = schema.get("multipleOf")
    return int(-(-number // step) * step) if step else number


def _referred(document: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        raise SchemaOpaqueError(f"a schema refers to another document: {reference}")
    parts = (p.replace("~1", "/").replace("~0", "~") for p in reference[2:].split("/"))
    try:
        return at(document, "".join(f'["{part}"]' for part in parts))
    except (PathEmptyError, ValueError):
        raise SchemaOpaqueError(f"a schema refers to nothing: {reference}") from None


def _together(
    document: Mapping[str, Any], schema: Mapping[str, Any], parts: list[Any]
) -> Mapping[str, Any]:
    whole: dict[str, Any] = {"properties": {}, "required": []}
    for part in (*parts, {k: v for k, v in schema.items() if k != "allOf"}):
        found = resolved(document, part)
        whole["properties"].update(found.get("properties", {}))
        whole["required"] += found.get("required", [])
        rest = {k: v for k, v in found.items() if k not in ("properties", "required")}
        whole.update(rest)
    if not whole["properties"]:
        del whole["properties"], whole["required"]
    return whole
