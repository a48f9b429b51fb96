"""The chart with other contents of its Secrets alone, and of its ConfigMaps alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract import placeholders
from harness.contract.chart import Leaf
from harness.contract.containers import data_of
from harness.contract.rendering import Installation, Rendering
from harness.contract.subject import Subject
from harness.contract.values import resolved
from harness.helm import merged, values_from_paths


def renewed(subject: Subject) -> Iterator[Rendering]:
    """Yield the described rendering with all that Secrets hold changed, and then ConfigMaps.

    One alone, so that a change of the other cannot be what replaces a pod. What a rendering does
    not bear is left as it is.
    """
    if subject.main is None or subject.changed is None:
        return
    open_ = {text for item in subject.changed.of("ConfigMap") for text in data_of(item).values()}
    told = {
        name
        for name, value in subject.changed_facts.items()
        if value != subject.facts[name] and any(str(value) in text for text in open_)
    }
    before, after = subject.facts, subject.changed_facts
    kept = {name: before[name] if name in told else after[name] for name in after}
    yield from _rendered(subject, "with other secrets", kept)
    if not subject.main.of("ConfigMap"):
        return
    changed = {name: after[name] if name in told else before[name] for name in after}
    plain = dict(_plain(subject))
    if not [*_rendered(subject, "with another configuration", changed, plain)]:
        plain = {
            path: value
            for path, value in plain.items()
            if [*_rendered(subject, "with another value", changed, {path: value})]
        }
    yield from _rendered(subject, "with another configuration", changed, plain)


def _rendered(
    subject: Subject, title: str, facts: placeholders.Facts, plain: Mapping[str, Any] | None = None
) -> Iterator[Rendering]:
    chart = subject.project.chart
    values = placeholders.values(subject.project, facts)
    values = merged(values, values_from_paths(plain or {}))
    rendering = subject.rendered(Installation(title, chart.release, chart.namespace, values))
    if rendering is not None:
        yield rendering


def _plain(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Yield another value for each that stands in a ConfigMap as it is, and is not described."""
    main = subject.main
    texts = {t for item in main.of("ConfigMap") for t in data_of(item).values()} if main else set()
    for leaf in subject.chart.leaves:
        value = leaf.value
        if leaf.dotted in subject.project.values or not isinstance(value, str | int):
            continue
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if shown and shown in texts and (other := _other(subject, leaf)) != value:
            yield leaf.dotted, other


def _other(subject: Subject, leaf: Leaf) -> Any:
    schema: dict[str, Any] = subject.chart.schema or {}
    part: dict[str, Any] = schema
    for key in leaf.path:
        part = resolved(schema, (resolved(schema, part).get("properties") or {}).get(key))
    if isinstance(enum := resolved(schema, part).get("enum"), list):
        return next((one for one in enum if one != leaf.value), leaf.value)
    value = leaf.value
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return str(int(value) + 1) if value.isdecimal() else f"{value}-other"
