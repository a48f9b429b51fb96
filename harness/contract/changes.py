"""A new value of a Secret or ConfigMap reaches the pods that read it, on upgrade."""

from __future__ import annotations

import json

from harness.contract.containers import data_of
from harness.contract.finding import Notes
from harness.contract.rendering import PodTemplate, Rendering
from harness.contract.renewed import renewed
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """The pods' template changes with what its containers read as variables."""
    if subject.main is not None:
        for after in renewed(subject):
            _follow(subject, notes, subject.main, after)


def _follow(subject: Subject, notes: Notes, before: Rendering, after: Rendering) -> None:
    changed = _changed(before, after)
    later = {str(pod.owner): pod for pod in after.pods}
    for pod in before.pods:
        if not pod.lasting or str(pod.owner) not in later:
            continue
        read = {
            (setting.origin, setting.key)
            for container in subject.containers(before)
            if container.pod is pod
            for setting in container.settings
        }
        for holder, keys in _by_holder(read & changed).items():
            notes.saw(f"{holder} of {pod.owner}")
            if _same(pod, later[str(pod.owner)]):
                notes.found(
                    subject.chart.where(pod.owner.source, "annotations:", "template:"),
                    needed=f"the pods of {pod.owner} to be replaced when {holder} changes",
                    seen=f"their template stays the same with another {', '.join(sorted(keys))}:"
                    " they go on with the old value",
                    fix="add an annotation with a checksum of what they read",
                )


def _changed(before: Rendering, after: Rendering) -> set[tuple[str, str]]:
    found = set()
    for item in before.of("Secret", "ConfigMap"):
        other = after.find(item.kind, item.name)
        new = data_of(other) if other else {}
        found |= {
            (f"{item.kind} {item.name}", key)
            for key, value in data_of(item).items()
            if new.get(key) != value
        }
    return found


def _by_holder(keys: set[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for holder, key in keys:
        found.setdefault(holder, set()).add(key)
    return found


def _same(one: PodTemplate, other: PodTemplate) -> bool:
    return _bare(one) == _bare(other)


def _bare(pod: PodTemplate) -> str:
    return json.dumps([dict(pod.labels), dict(pod.annotations), dict(pod.spec)], default=str)
