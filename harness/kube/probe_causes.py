"""Why a probe of the kubelet will not pass: one class a cause, each with the four parts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.kube.cause import Cause, about_pod, restarted, where
from harness.kube.pods import Container
from harness.kube.resources import Object
from harness.kube.sockets import Listener, describe


class ProbeFailingError(Cause):
    """The container runs, but its probe gets an answer that will not become a good one.

    Attributes:
        probe: `Readiness`, `Liveness` or `Startup`.

    """

    def __init__(
        self, pod: Object, container: Container, probe: str, answer: str, log: Sequence[str]
    ) -> None:
        self.probe = probe
        super().__init__(
            about_pod(pod, container),
            needed=f"the {probe.lower()} probe of container {container.name} to pass",
            seen=f"{answer}{restarted(container)}",
            looked=where(pod, container) + " and its Unhealthy events",
            fix="have the probe in the chart ask for a path that the application serves"
            if "statuscode: 404" in answer
            else "see that the probe's path, port and scheme are what the application serves, "
            "and that it listens on all addresses, not on localhost only",
            log=log,
        )


class ProbePortError(ProbeFailingError):
    """The container runs and listens, but not where its probe asks.

    Attributes:
        port: the port that the probe asks at.
        listening: what listens in the pod instead.

    """

    def __init__(
        self,
        pod: Object,
        container: Container,
        probe: str,
        answer: str,
        log: Sequence[str],
        *,
        port: int,
        listening: Sequence[Listener],
    ) -> None:
        self.port, self.listening = port, tuple(listening)
        super().__init__(pod, container, probe, answer, log)
        local = [one for one in listening if one.port == port and one.local]
        told = f"nobody listens on port {port}; it listens on {describe(listening)}"
        if local:
            told = f"port {port} is open on {describe(local)} only, which no probe can reach"
        self.seen = f"{told}\n{self.seen}"
        self.fix = (
            "have the server listen on 0.0.0.0, not on localhost"
            if local
            else "give the probe the port that the application listens on, or tell the "
            "application by its environment to listen on the probe's"
        )
