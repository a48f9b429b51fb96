"""Services, found by what they lead to and never by a fixed name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import DeployError, Fault
from harness.kube.client import Kube
from harness.kube.endpoints import ready_endpoints
from harness.kube.pods import Pod, objects_of_release, pods_of_release, running_image
from harness.kube.resources import (
    ENDPOINT_SLICE,
    SERVICE,
    Object,
    labels_of,
    name_of,
    selects,
)


@dataclass(frozen=True)
class Port:
    """One port of a Service; `node_port` is None unless its type has one."""

    name: str
    port: int
    target: str
    node_port: int | None


@dataclass(frozen=True)
class Service:
    """A Service: what a step asserts on.

    Attributes:
        name: its name, which is also its DNS name within the namespace.
        namespace: where it is.
        type: ClusterIP, NodePort, LoadBalancer or ExternalName.
        ports: its ports, in the order given.
        selector: which pods it leads to.
        pods: the pods that its selector matches now.
        ready: addresses of its ready endpoints.

    """

    name: str
    namespace: str
    type: str
    ports: tuple[Port, ...]
    selector: dict[str, str]
    pods: tuple[Pod, ...]
    ready: tuple[str, ...]

    @property
    def fqdn(self) -> str:
        """Its full DNS name, without the cluster's domain."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def images(self) -> frozenset[str]:
        """The images of the pods it leads to; more than one says that it mixes two things."""
        return frozenset(image for pod in self.pods for image in pod.images)


class ServiceNotFoundError(DeployError):
    """No Service leads to the pods of an image."""

    fault = Fault.PROJECT

    def __init__(self, image: str, where: str, seen: Sequence[str]) -> None:
        super().__init__(
            needed=f"a Service whose selector matches the pods that run {image}",
            seen="\n".join(seen) or "no Service at all",
            looked=where,
            fix="correct the Service's selector, or the labels of the pods, in the chart",
        )


class ImageNotRunningError(DeployError):
    """No pod of the release runs an image."""

    fault = Fault.PROJECT

    def __init__(self, image: str, where: str, seen: Sequence[str]) -> None:
        super().__init__(
            needed=f"a pod that runs {image}",
            seen="\n".join(seen) or "no pod at all",
            looked=where,
            fix="see that the chart takes image repository and tag from its values",
        )


class ServiceAmbiguousError(DeployError):
    """More than one Service leads to the pods of an image."""

    fault = Fault.PROJECT

    def __init__(self, image: str, where: str, names: Sequence[str]) -> None:
        super().__init__(
            needed=f"one Service that leads to the pods of {image}",
            seen=f"{len(names)}: {', '.join(names)}",
            looked=where,
            fix="name the role's Service in the project's description",
        )


def services_of_release(client: Kube, namespace: str, release: str) -> list[Service]:
    """Return the Services of a release, with the pods behind them."""
    pods = pods_of_release(client, namespace, release)
    slices = client.list(ENDPOINT_SLICE, namespace)
    found = objects_of_release(client, SERVICE, namespace, release)
    return [_service(obj, pods, slices) for obj in found]


def service_for_image(client: Kube, namespace: str, release: str, image: str) -> Service:
    """Return the Service of a role: the one that leads to the pods running an image.

    Raises:
        ImageNotRunningError, ServiceNotFoundError, ServiceAmbiguousError.

    """
    where = f"release {release} in namespace {namespace}"
    pods = pods_of_release(client, namespace, release)
    running = running_image(pods, image)
    if not running:
        raise ImageNotRunningError(image, where, [f"{p.name}: {', '.join(p.images)}" for p in pods])
    wanted = {pod.uid for pod in running}
    services = services_of_release(client, namespace, release)
    leading = [s for s in services if wanted & {pod.uid for pod in s.pods}]
    if not leading:
        seen = [f"{s.name}: selector {s.selector}" for s in services]
        raise ServiceNotFoundError(image, where, seen)
    if len(leading) > 1:
        raise ServiceAmbiguousError(image, where, [s.name for s in leading])
    return leading[0]


def _service(obj: Object, pods: Sequence[Pod], slices: Sequence[Object]) -> Service:
    spec = obj.get("spec") or {}
    selector = dict(spec.get("selector") or {})
    return Service(
        name=name_of(obj),
        namespace=str(obj["metadata"]["namespace"]),
        type=str(spec.get("type") or "ClusterIP"),
        ports=tuple(
            Port(
                str(port.get("name") or ""),
                int(port["port"]),
                str(port.get("targetPort") or port["port"]),
                port.get("nodePort"),
            )
            for port in spec.get("ports") or ()
        ),
        selector=selector,
        pods=tuple(p for p in pods if selects(selector, labels_of(p.obj)) and not p.deleted),
        ready=tuple(ready_endpoints(obj, slices)),
    )
