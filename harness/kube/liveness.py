"""For how long a container has to run until its liveness probe could have ended it."""

from __future__ import annotations

from datetime import datetime

from harness.kube.resources import Object, condition, status_of
from harness.kube.state import parse_time

_KILLED = 2.0  # seconds from the last failure to the container's end, as the kubelet works


def liveness_judged_in(pod: Object, now: datetime) -> float:
    """Return after how many seconds a wrong liveness probe has ended its container for sure.

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
            longest = max(longest, begins + tries * each + _KILLED)
    return longest - (now - since).total_seconds() if longest else 0.0
