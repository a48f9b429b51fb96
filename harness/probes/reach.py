"""Whether one place in the cluster reaches a Service, and if not, exactly why (EC-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.pods import pod_of
from harness.kube.release import ready_endpoints
from harness.kube.resources import ENDPOINT_SLICE, POD, SERVICE, Object, labels_of, name_of, selects
from harness.probes import unreachable
from harness.probes.results import Dns, Http, Tcp


class Place(Protocol):
    """Where is called from."""

    namespace: str

    def dns(self, name: str) -> Dns:
        """Look a name up."""

    def tcp(self, host: str, port: int) -> Tcp:
        """Try to connect."""

    def http(self, method: str, url: str) -> Http:
        """Send one request."""


@dataclass(frozen=True)
class Reach:
    """Calls from one place in a cluster, each to the end or to its cause.

    Args:
        place: where is called from.
        client: of the cluster; asked for what stands behind a name when a call fails.

    """

    place: Place
    client: Kube

    def call(self, host: str, port: int, path: str = "/") -> Http:
        """GET an address step by step, and return the answer when it is below 400.

        Args:
            host: a Service's short name or full name.
            port: of the Service.
            path: with a slash before it.

        Raises:
            unreachable.UnreachableError: one subclass a cause; `layer` says how far it got.

        """
        call = unreachable.Call(host, port, self.place.namespace)
        found = self.place.dns(host)
        if found.error == "nxdomain":
            name, namespace = _parts(host, self.place.namespace)
            there = [name_of(s) for s in self._services(namespace)]
            raise unreachable.NameUnknownError(call, name, namespace, there)
        if not found.ok:
            raise unreachable.DnsSilentError(call, f"{found.error}: {found.message}")
        connected = self.place.tcp(host, port)
        if not connected.ok:
            raise self._refused(call, connected)
        answer = self.place.http("GET", f"http://{host}:{port}{path}")
        if not answer.ok:
            raise unreachable.HttpBrokenError(call, path, f"{answer.error}: {answer.message}")
        if answer.status >= 400:
            raise unreachable.HttpRefusedError(call, path, answer.status, answer.text[:300])
        return answer

    def _refused(self, call: unreachable.Call, found: Tcp) -> DeployError:
        name, namespace = _parts(call.host, self.place.namespace)
        words = f"{found.error}: {found.message}"
        try:
            service = self.client.get(SERVICE, name, namespace)
        except NotFoundError:  # the name is of something outside
            return unreachable.HostRefusedError(call, words)
        spec = service["spec"]
        offered = [port for port in spec.get("ports") or () if port["port"] == call.port]
        if not offered:
            ports = [int(port["port"]) for port in spec.get("ports") or ()]
            return unreachable.PortNotOfferedError(call, name, ports)
        slices = self.client.list(ENDPOINT_SLICE, namespace)
        pods = [pod_of(p) for p in self.client.list(POD, namespace)]
        selector = dict(spec.get("selector") or {})
        behind = [pod for pod in pods if selects(selector, labels_of(pod.obj))]
        ready = ready_endpoints(service, slices)
        if not ready:
            return unreachable.NoEndpointsError(call, name, selector, behind, pods)
        if found.error != "refused":
            return unreachable.PacketsDroppedError(call, name, ready, words)
        target = str(offered[0].get("targetPort") or offered[0]["port"])
        return unreachable.NobodyListensError(call, name, target, behind)

    def _services(self, namespace: str) -> list[Object]:
        return sorted(self.client.list(SERVICE, namespace), key=name_of)


def _parts(host: str, own: str) -> tuple[str, str]:
    """Return the Service and the namespace that a name stands for."""
    name, _, rest = host.partition(".")
    return name, rest.partition(".")[0] or own
