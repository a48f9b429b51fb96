"""Names that Kubernetes takes, and that do not belong to one release only."""

from __future__ import annotations

import re

from harness.contract.finding import Notes
from harness.contract.subject import Subject

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def check(subject: Subject, notes: Notes) -> None:
    """Every object's name is allowed, and no object is bound to a namespace by name."""
    for rendering in subject.renderings:
        seen: set[tuple[str, str]] = set()
        for item in rendering.objects:
            notes.saw(str(item))
            place = subject.chart.where(item.source, "name:")
            pattern, most = (_LABEL, 63) if item.kind == "Service" else (_SUBDOMAIN, 253)
            if item.kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"):
                most = 63  # names of pods and labels are made of it
            if not pattern.fullmatch(item.name) or len(item.name) > most:
                notes.found(
                    place,
                    needed=f"a name of a {item.kind} of at most {most} characters a-z, 0-9 and -",
                    seen=f"`{item.name}` ({len(item.name)} characters)"
                    f" for the release {rendering.installation.release}",
                    fix='cut the name: `| trunc 63 | trimSuffix "-"`',
                )
            if (item.kind, item.name) in seen:
                notes.found(
                    place,
                    needed="each object once",
                    seen=f"{item} is rendered twice",
                    fix="give one of the two another name",
                )
            seen.add((item.kind, item.name))
            if item.namespace not in (None, rendering.installation.namespace):
                notes.found(
                    subject.chart.where(item.source, str(item.namespace)),
                    needed=f"the {item.kind} in the namespace of the release",
                    seen=f"it is always put into the namespace {item.namespace}",
                    fix="leave the namespace out, or write `{{ .Release.Namespace }}`",
                )
            labels = dict((item.body.get("metadata") or {}).get("labels") or {})
            labels |= next((dict(p.labels) for p in rendering.pods if p.owner is item), {})
            for key, value in labels.items():
                if len(str(value)) > 63 or not _LABEL_VALUE.fullmatch(str(value)):
                    notes.found(
                        subject.chart.where(item.source, key),
                        needed=f"a value of the label {key} that Kubernetes takes",
                        seen=f"`{value}` on a {item.kind}",
                        fix="cut the value to 63 characters of letters, digits, -, _ and .",
                    )


def told_apart(subject: Subject, notes: Notes) -> None:
    """Two releases in one namespace do not take each other's pods."""
    if len(subject.outcomes) < 2:
        return
    first, second = subject.outcomes[0].rendering, subject.outcomes[1].rendering
    if first is None or second is None:
        return
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Service")
    for item, other in zip(first.of(*kinds), second.of(*kinds), strict=False):
        selectors = []
        for each in (item, other):
            selector = each.spec.get("selector") or {}
            selectors.append(selector if each.kind == "Service" else selector.get("matchLabels"))
        notes.saw(str(item))
        if selectors[0] and selectors[0] == selectors[1]:
            shown = ", ".join(f"{key}={value}" for key, value in selectors[0].items())
            notes.found(
                subject.chart.where(item.source, "selector:"),
                needed=f"a selector of the {item.kind} that finds the pods of its release only",
                seen=f"{shown} is the same for every release",
                fix="add `app.kubernetes.io/instance: {{ .Release.Name }}` to labels and selector",
            )
