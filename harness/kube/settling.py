"""For how long a container has to run before its readiness is believed.

A container without a readiness probe is Ready from its first moment, also between two
crashes. One with a liveness probe only would be killed when that has failed often enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.kube.pods import containers
from harness.kube.probing import failing_probe
from harness.kube.resources import Object, name_of, status_of
from harness.kube.state import Snapshot

UNPROBED = 5.0  # seconds; what fails at its start may need some on a busy machine
RESTARTED = 12.0  # seconds; longer than the first pause of a crash loop
MOST = 30.0  # seconds
_QUIET = 12.0  # seconds since the last failure of a probe; longer than the usual period


@dataclass(frozen=True)
class Settling:
    """A container that is not believed yet, and for how many seconds not."""

    text: str
    seconds: float


def settle(pod: Object, snapshot: Snapshot) -> Iterable[Settling]:
    """Return the main containers of a pod that have not run long enough."""
    if status_of(pod).get("phase") == "Succeeded":
        return
    declared = {entry["name"]: entry for entry in (pod.get("spec") or {}).get("containers") or ()}
    for container in containers(pod):
        if container.init or not container.running:
            continue
        needed = _needed(declared[container.name])
        if container.restarts:
            needed = max(needed, RESTARTED)
        left = needed - snapshot.age(container.started)
        if left > 0:
            text = f"{container.name} has to run for {needed:.0f} s to be believed"
            yield Settling(f"pod {name_of(pod)}: {text}", left)
        elif failing := failing_probe(pod, container, snapshot):
            quiet = _QUIET - snapshot.age(failing.at)
            if quiet > 0:
                text = f"{container.name} is Ready, and yet: {failing.answer}"
                yield Settling(f"pod {name_of(pod)}: {text}", quiet)


def _needed(container: Object) -> float:
    if container.get("readinessProbe"):
        return 0.0
    probe = container.get("livenessProbe")
    if not probe:
        return UNPROBED
    failures = (probe.get("failureThreshold") or 3) * (probe.get("periodSeconds") or 10)
    return min(MOST, UNPROBED + (probe.get("initialDelaySeconds") or 0) + failures)
