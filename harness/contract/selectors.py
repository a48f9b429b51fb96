"""Workloads that find their own pods, and no others."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.rendering import Rendering
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """The selector of each workload matches its own pods and those of no other."""
    versions = {str(v) for k, v in subject.facts.items() if k.endswith(".tag")}
    for facts in subject.chart.parts.values():
        versions |= {facts.version, facts.app_version, f"{facts.name}-{facts.version}"}
    for rendering in subject.renderings:
        _strangers(subject, notes, rendering)
        for item in rendering.of("Deployment", "StatefulSet", "DaemonSet"):
            notes.saw(str(item))
            selector = (item.spec.get("selector") or {}).get("matchLabels") or {}
            shown = ", ".join(f"{key}={value}" for key, value in selector.items()) or "nothing"
            place = subject.chart.where(item.source, "matchLabels", "selector:")
            owners = [pod.owner for pod in rendering.selected(selector)]
            if item not in owners:
                notes.found(
                    place,
                    needed=f"the selector of {item} to match its own pods",
                    seen=f"it wants {shown}, and the pods have other labels",
                    fix="give the pods' template the labels of the selector",
                )
            for label, value in selector.items():
                if value in versions:
                    notes.found(
                        place,
                        needed=f"a selector of {item} that can stay, as it can never be changed",
                        seen=f"its selector holds a version: {label}={value}",
                        fix="leave labels that change with a version out of the selector",
                    )
            for other in owners:
                if other is not item and other != item:
                    notes.found(
                        place,
                        needed=f"the selector of {item} to match its own pods only",
                        seen=f"{shown} matches the pods of {other} too",
                        fix="add a label that only these pods have",
                    )


def _strangers(subject: Subject, notes: Notes, rendering: Rendering) -> None:
    """Pods of hooks and Jobs are taken for their own by no Service and no workload."""
    for pod in rendering.pods:
        if pod.lasting:
            continue
        for item in rendering.of("Service", "Deployment", "StatefulSet", "DaemonSet"):
            selector = item.spec.get("selector") or {}
            labels = selector if item.kind == "Service" else selector.get("matchLabels") or {}
            if labels and {k: str(v) for k, v in labels.items()}.items() <= pod.labels.items():
                notes.found(
                    subject.chart.where(pod.owner.source, "labels:", "metadata:"),
                    needed=f"the pod of {pod.owner} to be nobody else's",
                    seen=f"the selector of {item} matches it too",
                    fix="give it a label of its own",
                )
