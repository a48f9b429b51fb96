"""A new value of a Secret or ConfigMap reaches the pods that read it, on upgrade."""

from __future__ import annotations

import json
import re

from harness.contract.containers import data_of
from harness.contract.finding import Notes
from harness.contract.rendering import PodTemplate, Rendering
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """The pods' template changes with what its containers read as variables."""
    before, after = subject.main, subject.changed
    if before is None or after is None:
        return
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
    _blind(subject, notes, pods=list(before.pods), later=later, changed=changed, before=before)


def _blind(
    subject: Subject,
    notes: Notes,
    *,
    pods: list[PodTemplate],
    later: dict[str, PodTemplate],
    changed: set[tuple[str, str]],
    before: Rendering,
) -> None:
    """Each kind of holder is covered by a checksum of its own: one alone may hide the other."""
    for pod in pods:
        other = later.get(str(pod.owner))
        if other is None or not pod.lasting:
            continue
        moved = [k for k, v in pod.annotations.items() if other.annotations.get(k) != v]
        read = {
            setting.origin.partition(" ")[0]
            for container in subject.containers(before)
            if container.pod is pod
            for setting in container.settings
            if (setting.origin, setting.key) in changed
        }
        if len(read) > len(moved) > 0:
            notes.found(
                subject.chart.where(pod.owner.source, *moved),
                needed=f"the pods of {pod.owner} to follow Secrets and ConfigMaps",
                seen=f"of {' and '.join(sorted(read))} only one is covered, by {', '.join(moved)}",
                fix="add an annotation with a checksum for each",
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
    """Return what a template says, but when images are pulled, which was changed as well."""
    whole = [dict(pod.labels), dict(pod.annotations), dict(pod.spec)]
    return re.sub(r'"imagePullPolicy": "\w*"', "", json.dumps(whole, default=str))
