"""Workloads that can be replaced without losing a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.rendering import PodTemplate
from harness.contract.subject import Subject

_LEAST_GRACE = 5  # seconds to finish what is under way
_DEADLINE = 600  # seconds that a rollout may take at most to be called failed


def check(subject: Subject, notes: Notes) -> None:
    """Strategy, number of pods and grace period let requests end."""
    for rendering in subject.renderings:
        for pod in rendering.pods:
            if not pod.lasting:
                continue
            notes.saw(str(pod.owner))
            serving = [c for c in subject.containers(rendering) if c.pod is pod and c.main]
            for word, seen, fix in (*_strategy(pod), *_grace(pod, serving)):
                notes.found(
                    subject.chart.where(pod.owner.source, word, "spec:"),
                    needed=f"{pod.owner} to be replaced without losing a request",
                    seen=seen,
                    fix=fix,
                )


def _strategy(pod: PodTemplate) -> Iterator[tuple[str, str, str]]:
    spec = pod.owner.spec
    if spec.get("replicas") == 0:
        yield "replicas", "it has no pod at all (replicas: 0)", "set replicas to 1 or more"
    if spec.get("paused"):
        yield "paused", "it is paused, so that no change is rolled out", "leave `paused` out"
    if pod.owner.kind != "Deployment":
        return
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        yield (
            "Recreate",
            "its strategy is Recreate: all pods end before a new one starts",
            "use RollingUpdate",
        )
    rolling = strategy.get("rollingUpdate") or {}
    replicas = int(spec.get("replicas", 1))
    most = _share(rolling.get("maxUnavailable", "25%"), max(replicas, 1), up=False)
    if most >= max(replicas, 1):
        yield (
            "maxUnavailable",
            f"by maxUnavailable all {max(replicas, 1)} pods may be away at once",
            "set maxUnavailable to 0 and maxSurge to 1",
        )
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and not 30 <= int(deadline) <= _DEADLINE:
        yield (
            "progressDeadlineSeconds",
            f"a rollout is called failed after {deadline} s",
            f"give it 30 to {_DEADLINE} s",
        )


def _grace(pod: PodTemplate, containers: list[Container]) -> Iterator[tuple[str, str, str]]:
    grace = float(pod.spec.get("terminationGracePeriodSeconds", 30))
    sleeps = [_sleep(c.body) for c in containers]
    if grace < _LEAST_GRACE + max(sleeps, default=0):
        yield (
            "terminationGracePeriodSeconds",
            f"a pod is killed {grace:g} s after it was told to stop, of which it sleeps"
            f" {max(sleeps, default=0):g} s",
            "give it more seconds than preStop sleeps, and 5 more",
        )


def _sleep(body: Any) -> float:
    hook = ((body.get("lifecycle") or {}).get("preStop")) or {}
    if "sleep" in hook:
        return float((hook["sleep"] or {}).get("seconds") or 0)
    words = (hook.get("exec") or {}).get("command") or []
    text = " ".join(str(word) for word in words).split()
    if "sleep" in text and text.index("sleep") + 1 < len(text):
        number = text[text.index("sleep") + 1].rstrip("s;")
        return float(number) if number.isdecimal() else 0
    return 0


def _share(amount: int | str, replicas: int, *, up: bool) -> int:
    text = str(amount)
    if text.endswith("%"):
        exact = float(text.rstrip("%")) * replicas / 100
        return int(-(-exact // 1)) if up else int(exact)
    return int(text)
