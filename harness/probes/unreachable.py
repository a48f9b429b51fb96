"""Why one place in a cluster does not reach a Service: one class a cause (EC-2).

| layer | cause |
|---|---|
| DNS | the name does not exist; the cluster's DNS does not answer |
| TCP | no such port; no pod behind it; no Ready pod behind it; nobody listens; packets dropped |
| HTTP | the connection ends without an answer; the answer is a refusal |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import DeployError, Fault
from harness.kube.pods import Pod, labels


@dataclass(frozen=True)
class Call:
    """What was called, and from which namespace."""

    host: str
    port: int
    namespace: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}, called from namespace {self.namespace}"


class UnreachableError(DeployError):
    """A Service is not reached.

    Attributes:
        layer: how far the call got: DNS, TCP or HTTP is what failed.
        service: its name, as far as it is known.

    """

    fault = Fault.PROJECT

    layer: ClassVar[Literal["DNS", "TCP", "HTTP"]]

    def __init__(
        self, call: Call, service: str, *, needed: str, seen: str, looked: str, fix: str
    ) -> None:
        self.call, self.service = call, service
        super().__init__(needed=needed, seen=f"{self.layer}: {seen}", looked=looked, fix=fix)


class NameUnknownError(UnreachableError):
    """DNS knows no such name: there is no Service of it in that namespace."""

    layer = "DNS"

    def __init__(self, call: Call, service: str, namespace: str, there: Sequence[str]) -> None:
        super().__init__(
            call,
            service,
            needed=f"a Service {service} in namespace {namespace}, for {call}",
            seen=f"the name does not exist; Services there: {', '.join(there) or 'none'}",
            looked=f"the cluster's DNS, and the Services of namespace {namespace}",
            fix="correct the name in the caller's configuration, or the Service's name",
        )


class DnsSilentError(UnreachableError):
    """The cluster's DNS gives no answer, whatever the name."""

    fault = Fault.MACHINE

    layer = "DNS"

    def __init__(self, call: Call, words: str) -> None:
        super().__init__(
            call,
            "",
            needed=f"an answer of the cluster's DNS for {call}",
            seen=words,
            looked="the name server that pods are given",
            fix="see the pods with label k8s-app=kube-dns in kube-system, and network policies "
            "that keep pods from port 53",
        )


class PortNotOfferedError(UnreachableError):
    """The Service has no such port."""

    layer = "TCP"

    def __init__(self, call: Call, service: str, ports: Sequence[int]) -> None:
        super().__init__(
            call,
            service,
            needed=f"port {call.port} of service {service}, for {call}",
            seen=f"no such port; it offers {', '.join(map(str, ports)) or 'none'}",
            looked=f"the ports of service {service}",
            fix="correct the port in the caller's configuration, or the Service's port",
        )


class NoEndpointsError(UnreachableError):
    """Nobody is behind the Service: no pod is selected, or none of them is Ready."""

    layer = "TCP"

    def __init__(
        self,
        call: Call,
        service: str,
        selector: Mapping[str, str],
        behind: Sequence[Pod],
        pods: Sequence[Pod],
    ) -> None:
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        if behind:
            lines = [
                "no endpoints: no pod that it selects is Ready",
                *(p.describe() for p in behind),
            ]
            fix = "see why these pods are not Ready"
        else:
            lines = [f"no endpoints: no pod has the labels that it selects ({wanted})"]
            lines += [f"{pod.name}: {labels(pod)}" for pod in pods]
            fix = "have the Service's selector and the pods' labels agree in the chart"
        super().__init__(
            call,
            service,
            needed=f"a Ready pod behind service {service}, for {call}",
            seen="\n".join(lines),
            looked=f"the endpoints of service {service} and the pods of its namespace",
            fix=fix,
        )


class NobodyListensError(UnreachableError):
    """Pods are there, but refuse connections at the port that the Service leads to."""

    layer = "TCP"

    def __init__(self, call: Call, service: str, target: str, behind: Sequence[Pod]) -> None:
        lines = [f"refused: it leads to port {target} of its pods, where nobody listens"]
        lines += [f"{pod.name} ({pod.ip}): its containers name {_ports(pod)}" for pod in behind]
        super().__init__(
            call,
            service,
            needed=f"a process that listens behind service {service}, for {call}",
            seen="\n".join(lines),
            looked=f"the target port of service {service} and the pods behind it",
            fix="correct the Service's targetPort, or have the application listen there on all "
            "addresses, not on localhost only",
        )


class PacketsDroppedError(UnreachableError):
    """Pods are there and Ready, and no packet comes back: something denies the way."""

    layer = "TCP"

    def __init__(self, call: Call, service: str, ready: Sequence[str], words: str) -> None:
        super().__init__(
            call,
            service,
            needed=f"a way to service {service}, for {call}",
            seen=f"denied: {words}\nits endpoints are Ready: {', '.join(ready)}",
            looked=f"the endpoints of service {service}",
            fix="see the NetworkPolicies of both namespaces, and the nodes' firewall and CNI",
        )


class HostRefusedError(UnreachableError):
    """The name is of no Service here, and what it leads to lets nobody in."""

    layer = "TCP"

    def __init__(self, call: Call, words: str) -> None:
        super().__init__(
            call,
            "",
            needed=f"a connection to {call}",
            seen=f"{words}; no Service here has this name",
            looked=call.host,
            fix="correct the name, or start what it stands for",
        )


class HttpBrokenError(UnreachableError):
    """The connection stands, and ends without an answer in HTTP."""

    layer = "HTTP"

    def __init__(self, call: Call, path: str, words: str) -> None:
        super().__init__(
            call,
            call.host,
            needed=f"an answer to GET {path} at {call}",
            seen=f"no answer: {words}",
            looked=f"http://{call.host}:{call.port}{path}",
            fix="see that HTTP, not HTTPS, is spoken there, and the log of what answers",
        )


class HttpRefusedError(UnreachableError):
    """There is an answer, and it is an error.

    Attributes:
        status: of the answer.

    """

    layer = "HTTP"

    def __init__(self, call: Call, path: str, status: int, body: str) -> None:
        self.status = status
        kind = "denied" if status in (401, 403, 407) else "refused"
        super().__init__(
            call,
            call.host,
            needed=f"an answer below 400 to GET {path} at {call}",
            seen=f"{kind}: status {status}: {body}",
            looked=f"http://{call.host}:{call.port}{path}",
            fix="give what it asks for"
            if kind == "denied"
            else "see the answer above, and the log of what answers",
        )


def _ports(pod: Pod) -> str:
    named = [
        str(port["containerPort"])
        for container in pod.obj["spec"].get("containers") or ()
        for port in container.get("ports") or ()
    ]
    return f"port {', '.join(named)}" if named else "no port"
