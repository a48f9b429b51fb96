"""A pod's liveness probes, asked as the kubelet asks them, at this moment.

The kubelet restarts a container only after several failures, some ten seconds later: asking
by oneself tells at once whether it would come to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.errors import DeployError, Fault
from harness.kube.pods import Pod
from harness.kube.resources import Object
from harness.probes.results import Http

_MARGIN = 1.0  # seconds that the way through the API may add


class Place(Protocol):
    """Where is asked from."""

    def http(self, method: str, url: str, *, timeout: float) -> Http:
        """Send one request."""


class NotAliveError(DeployError):
    """A liveness probe fails, so the container will be restarted."""

    fault = Fault.PROJECT

    def __init__(self, pod: Pod, container: str, url: str, said: str) -> None:
        super().__init__(
            needed=f"the liveness probe of {pod.name}/{container} to pass",
            seen=said,
            looked=url,
            fix="let it ask for the process alone, not for what the process depends on",
        )


@dataclass(frozen=True)
class Liveness:
    """A liveness probe by HTTP. `timeout` in seconds."""

    container: str
    url: str
    timeout: float


def liveness(pod: Pod) -> list[Liveness]:
    """Return the liveness probes by HTTP of a pod's containers."""
    found = []
    for container in pod.obj["spec"].get("containers") or ():
        probe = container.get("livenessProbe") or {}
        if asked := probe.get("httpGet"):
            scheme = str(asked.get("scheme") or "HTTP").lower()
            path = str(asked.get("path") or "/")
            url = f"{scheme}://{pod.ip}:{_port(container, asked['port'])}{path}"
            timeout = float(probe.get("timeoutSeconds") or 1)
            found.append(Liveness(str(container["name"]), url, timeout))
    return found


def check_alive(place: Place, pod: Pod) -> int:
    """Ask each liveness probe of a pod once; return how many there are.

    Raises:
        NotAliveError: one fails.

    """
    probes = liveness(pod)
    for probe in probes:
        answer = place.http("GET", probe.url, timeout=probe.timeout + _MARGIN)
        if not answer.ok or not 200 <= answer.status < 400:
            said = f"status {answer.status}: {answer.text[:300]}" if answer.ok else answer.message
            raise NotAliveError(pod, probe.container, probe.url, said)
        if answer.seconds > probe.timeout:
            said = f"it took {answer.seconds:.1f} s, longer than its {probe.timeout:.0f} s"
            raise NotAliveError(pod, probe.container, probe.url, said)
    return len(probes)


def _port(container: Object, port: object) -> int:
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(str(port))
