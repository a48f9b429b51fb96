"""Values: each does something, is described, and is checked by the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.contract import placeholders
from harness.contract.finding import Notes
from harness.contract.rendering import Rendering
from harness.contract.subject import Subject
from harness.contract.usage import Usage
from harness.helm import values_from_paths


def used(subject: Subject, notes: Notes) -> None:
    """A template reads each value of values.yaml."""
    usage = Usage.of(subject.chart.templates)
    for leaf in subject.chart.leaves:
        notes.saw(leaf.dotted)
        if not usage.reads(leaf.path):
            notes.found(
                subject.chart.place("values.yaml", leaf.line),
                needed=f"the value {leaf.dotted} to change something",
                seen="no template that makes an object reads it",
                fix="use it in a template, or leave it out",
            )


def described(subject: Subject, notes: Notes) -> None:
    """The README of the chart names each value, or a group that it belongs to."""
    readme = subject.chart.readme
    names = set(re.findall(r"`([A-Za-z][\w.-]*)`", readme or ""))
    for leaf in subject.chart.leaves:
        notes.saw(leaf.dotted)
        # A group of plain numbers, such as `resources`, may be described as one.
        known = {".".join(leaf.path[:length]) for length in range(2, len(leaf.path) + 1)}
        known |= {leaf.dotted, *({"resources"} & {leaf.path[0]})}
        if not known & names:
            notes.found(
                subject.chart.place("values.yaml", leaf.line),
                needed=f"the value {leaf.dotted} to be described",
                seen="there is no README.md" if readme is None else "README.md does not name it",
                fix="add it to the parameters in README.md",
            )


def checked(subject: Subject, notes: Notes) -> None:
    """The schema knows each value and refuses unknown names."""
    schema, place = subject.chart.schema, subject.chart.place("values.schema.json")
    if schema is None:
        notes.found(
            place,
            needed="a schema that checks the chart's values",
            seen="there is none that is JSON",
            fix="write values.schema.json with additionalProperties: false",
        )
        return
    for path, part in _parts(schema, schema):
        notes.saw(path or "/")
        if part.get("additionalProperties") is not False:
            notes.found(
                place,
                needed=f"the schema to refuse unknown names below {path or 'the top'}",
                seen="additionalProperties is not false: a misspelt value does nothing, in silence",
                fix="set additionalProperties: false there",
            )
    for leaf in subject.chart.leaves:
        if not _knows(schema, schema, leaf.path):
            notes.found(
                subject.chart.place("values.yaml", leaf.line),
                needed=f"the schema to know the value {leaf.dotted}",
                seen="values.schema.json does not describe it",
                fix="describe it there, with its type",
            )


def given(subject: Subject, notes: Notes) -> None:
    """Each value that the description gives shows in what is rendered."""
    if subject.main is None:
        return
    _variants(subject, notes)
    leaves = [*subject.chart.leaves, *subject.chart.inner]
    known = {leaf.path for leaf in leaves}
    text = _text(subject, subject.main)
    values = placeholders.values(subject.project, subject.facts)
    for path in subject.project.values:
        notes.saw(path)
        value = _at(values, path)
        place = subject.described()
        if values_path(path) not in known:
            notes.found(
                place,
                needed=f"the given value {path} to be one of the chart's",
                seen="values.yaml has no such value",
                fix="correct its name in the description or in values.yaml",
            )
        elif str(value) and str(value) not in text:
            leaf = next(leaf for leaf in leaves if leaf.path == values_path(path))
            notes.found(
                subject.chart.place(leaf.file, leaf.line),
                needed=f"the given value {path} to show in what is installed",
                seen="no rendered object and no variable holds it",
                fix="use it in the templates",
            )


def _at(values: Any, path: str) -> Any:
    for key in values_path(path):
        values = values[key]
    return values


def _variants(subject: Subject, notes: Notes) -> None:
    """What a variant gives as a text shows in its rendering."""
    for rendering in subject.renderings:
        installation = rendering.installation
        text = _text(subject, rendering)
        for path in subject.project.variants.get(installation.variant, ()):
            value = _at(installation.values, path)
            notes.saw(f"{path} {installation.title}")
            if isinstance(value, str) and value and value not in text:
                key = path.rpartition(".")[2]
                notes.found(
                    subject.chart.where("", key),
                    needed=f"the given value {path} to show in what is installed",
                    seen=f"{path} changes nothing {installation.title}",
                    fix="use it in the templates",
                )


def _text(subject: Subject, rendering: Rendering) -> str:
    """Return all that is rendered, and what containers are given by it."""
    given = (s.value or "" for c in subject.containers(rendering) for s in c.settings)
    return "\n".join([rendering.text, *given])


def chart_name(subject: Subject, notes: Notes) -> None:
    """The chart bears the project's name (FR-006)."""
    name = subject.chart.facts.name
    notes.saw(name)
    if name != subject.project.name:
        notes.found(
            subject.chart.place("Chart.yaml"),
            needed=f"a chart of the name {subject.project.name}",
            seen=f"its name is {name}",
            fix="correct the name in Chart.yaml or in the description",
        )


def values_path(dotted: str) -> tuple[str, ...]:
    """Return the keys of a path."""
    nested, keys = values_from_paths({dotted: None}), []
    while isinstance(nested, dict):
        key, nested = next(iter(nested.items()))
        keys.append(key)
    return tuple(keys)


def resolved(schema: dict[str, Any], part: Any) -> dict[str, Any]:
    """Return a part of a schema, or what it refers to; nothing where it is no object."""
    if not isinstance(part, dict):
        return {}
    found: Any = part
    if reference := part.get("$ref"):
        found = schema
        for key in str(reference).removeprefix("#/").split("/"):
            found = found.get(key, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _parts(
    schema: dict[str, Any], part: Any, path: str = "", depth: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of the schema that has names of its own."""
    here = resolved(schema, part)
    if "properties" in here and depth < 12:
        yield path, here
        for name, below in here["properties"].items():
            yield from _parts(schema, below, f"{path}.{name}".lstrip("."), depth + 1)


def _knows(schema: dict[str, Any], part: Any, path: tuple[str, ...]) -> bool:
    here = resolved(schema, part)
    if not path:
        return True
    below = (here.get("properties") or {}).get(path[0])
    if below is None:
        # Without names of its own it takes any, such as `resources`.
        return isinstance(here.get("additionalProperties"), dict) or "properties" not in here
    return _knows(schema, below, path[1:])
