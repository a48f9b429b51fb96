"""Containers that a probe has condemned, and for how long one has to run to be safe of that."""

from __future__ import annotations

from datetime import datetime

from harness.kube.client import Kube
from harness.kube.pods import Pod
from harness.kube.probing import CONDEMNED
from harness.kube.resources import EVENT, Object, condition, status_of
from harness.kube.state import parse_time

_TOLD = 2.0  # seconds from the last failure until the kubelet's event is there


def condemned(kube: Kube, namespace: str, pods: list[Pod]) -> list[str]:
    """Return what the kubelet said when a probe made it end a container of these pods.

    It says so at once; the restart is counted when the container has ended, seconds later.
    """
    names = {pod.uid: pod.name for pod in pods}
    return [
        f"{names[uid]}: {event['message']}"
        for event in kube.list(EVENT, namespace)
        if (uid := str((event.get("involvedObject") or {}).get("uid"))) in names
        and CONDEMNED.search(str(event.get("message") or ""))
    ]


def liveness_judged_in(pod: Object, now: datetime) -> float:
    """Return after how many seconds a wrong liveness probe has condemned its container for sure.

    Until then a container may be Ready and yet about to be killed: readiness and liveness
    are asked apart. 0 or less means that the time is over, or that nothing asks.
    """
    since = parse_time((condition(pod, "Ready") or {}).get("lastTransitionTime"))
    since = since or parse_time(status_of(pod).get("startTime")) or now
    longest = 0.0
    for container in (pod.get("spec") or {}).get("containers") or ():
        if probe := container.get("livenessProbe"):
            tries = float(probe.get("failureThreshold") or 3)
            each = float(probe.get("periodSeconds") or 10)
            begins = float(probe.get("initialDelaySeconds") or 0)
            longest = max(longest, begins + tries * each + _TOLD)
    return longest - (now - since).total_seconds() if longest else 0.0
