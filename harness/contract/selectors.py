"""Workloads that find their own pods, and no others."""

from __future__ import annotations

from harness.contract.finding import Notes
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """The selector of each workload matches its own pods and those of no other."""
    for rendering in subject.renderings:
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
            for other in owners:
                if other is not item and other != item:
                    notes.found(
                        place,
                        needed=f"the selector of {item} to match its own pods only",
                        seen=f"{shown} matches the pods of {other} too",
                        fix="add a label that only these pods have",
                    )
