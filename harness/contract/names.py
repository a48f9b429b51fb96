"""Names that Kubernetes takes, and that do not belong to one release only."""

from __future__ import annotations

import re
from collections import Counter

from harness.contract.finding import Notes
from harness.contract.rendering import Rendered
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
            labels = _labels(item)
            labels |= next((dict(p.labels) for p in rendering.pods if p.owner is item), {})
            for key, value in labels.items():
                if len(str(value)) > 63 or not _LABEL_VALUE.fullmatch(str(value)):
                    notes.found(
                        subject.chart.where(item.source, key),
                        needed=f"a value of the label {key} that Kubernetes takes",
                        seen=f"`{value}` on a {item.kind}",
                        fix="cut the value to 63 characters of letters, digits, -, _ and .",
                    )


def labels(subject: Subject, notes: Notes) -> None:
    """Each object bears the label by which the chart says whose it is."""
    for rendering in subject.renderings:
        release = rendering.installation.release
        owned = {
            item: {k for k, v in _labels(item).items() if v == release}
            for item in rendering.objects
        }
        common = Counter(key for keys in owned.values() for key in keys)
        if not common:
            notes.found(
                subject.chart.place("templates"),
                needed="labels that tell to which release an object belongs",
                seen="no object has a label with the release's name",
                fix="add the label app.kubernetes.io/instance: {{ .Release.Name }} to all",
            )
            continue
        label = common.most_common(1)[0][0]
        for item, keys in owned.items():
            notes.saw(str(item))
            if label not in keys:
                notes.found(
                    subject.chart.where(item.source, "labels:", "metadata:"),
                    needed=f"the label {label} of {item} with the release's name, as others have",
                    seen="it lacks the label, so that nobody can tell whose it is",
                    fix="give it the labels that the other objects have",
                )


def _labels(item: Rendered) -> dict[str, str]:
    return dict((item.body.get("metadata") or {}).get("labels") or {})


def told_apart(subject: Subject, notes: Notes) -> None:
    """Two releases in one namespace do not take each other's pods."""
    if len(subject.outcomes) < 2:
        return
    first, second = subject.outcomes[0].rendering, subject.outcomes[1].rendering
    if first is None or second is None:
        return
    known = {leaf.value for leaf in subject.chart.leaves if isinstance(leaf.value, str)}
    names = {(item.kind, item.name) for item in first.objects}
    for item in second.objects:
        # A fixed name that is a value is a decision, and can be changed.
        if (item.kind, item.name) in names and item.name not in known:
            notes.found(
                subject.chart.where(item.source, item.name, "name:"),
                needed=f"a name of the {item.kind} that belongs to its release",
                seen=f"it is {item.name} in every release, so that two of them fight for it",
                fix="begin the name with the release's",
            )
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Service")
    pairs = {(item.kind, item.name): item for item in first.of(*kinds)}
    for other in second.of(*kinds):
        item = pairs.get((other.kind, subject.aliases.get(other.name, other.name)), other)
        if item is other:
            continue
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
