"""Requests and limits of every container."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.subject import Subject
from harness.kube.quantity import NAMES, parse


def check(subject: Subject, notes: Notes) -> None:
    """Each container asks for CPU and memory and is limited, as its role is described."""
    for rendering in subject.renderings:
        varied = subject.project.variants.get(rendering.installation.variant, {})
        for container in subject.containers(rendering):
            notes.saw(str(container))
            for kind in ("requests", "limits"):
                _amounts(subject, notes, container, kind, varied)
            _order(subject, notes, container)


def _amounts(
    subject: Subject, notes: Notes, container: Container, kind: str, varied: Mapping[str, object]
) -> None:
    roles = [s for s in subject.project.services.values() if s.image == container.image]
    wanted = (roles[0].requests if kind == "requests" else roles[0].limits) if roles else {}
    given = (container.body.get("resources") or {}).get(kind) or {}
    singular = kind.rstrip("s")
    for name in NAMES:
        place = subject.chart.where(container.owner.source, kind + ":", "resources", "containers:")
        if name not in given:
            notes.found(
                place,
                needed=f"a {singular} of {name} for {container}",
                seen=f"resources.{kind} has none",
                fix=f"set resources.{kind}.{name}",
            )
        elif given[name] in _given(varied, kind, name):
            continue  # described for this variant
        elif container.main and name in wanted and _amount(given[name]) != parse(wanted[name]):
            notes.found(
                subject.chart.where(container.owner.source, str(given[name]), kind + ":"),
                needed=f"a {singular} of {wanted[name]} {name} for {container}, as described",
                seen=f"it is {given[name]}",
                fix="correct the value, or the description",
            )


def _given(varied: Mapping[str, object], kind: str, name: str) -> list[object]:
    return [value for path, value in varied.items() if path.endswith(f".{kind}.{name}")]


def _order(subject: Subject, notes: Notes, container: Container) -> None:
    resources = container.body.get("resources") or {}
    for name in NAMES:
        asked = (resources.get("requests") or {}).get(name)
        limit = (resources.get("limits") or {}).get(name)
        if asked is not None and limit is not None:
            amounts = _amount(asked), _amount(limit)
            if amounts[0] is None or amounts[1] is None or amounts[0] > amounts[1]:
                notes.found(
                    subject.chart.where(container.owner.source, str(asked), "resources"),
                    needed=f"a request of {name} for {container} below its limit",
                    seen=f"{asked} asked for, {limit} allowed",
                    fix="lower the request or raise the limit",
                )


def _amount(text: object) -> Decimal | None:
    try:
        return parse(str(text))
    except ValueError:
        return None
