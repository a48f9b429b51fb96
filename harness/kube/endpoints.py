"""Services: whether each leads to a ready pod, and whether it ever will."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.finding import Finding, Patience, always
from harness.kube.pods import containers, describe_pod, is_deleted
from harness.kube.resources import (
    ENDPOINT_SLICE,
    POD,
    WORKLOADS,
    Object,
    condition,
    labels_of,
    meta,
    name_of,
    selects,
    status_of,
)
from harness.kube.state import Snapshot

_COMING = ("ContainerCreating", "PodInitializing")  # what a node says before a start


def ready_endpoints(service: Object, slices: Iterable[Object]) -> list[str]:
    """Return the addresses of a Service's ready endpoints."""
    found: list[str] = []
    for piece in slices:
        if labels_of(piece).get("kubernetes.io/service-name") != name_of(service):
            continue
        for endpoint in piece.get("endpoints") or ():
            ready = (endpoint.get("conditions") or {}).get("ready")
            if ready or ready is None:  # unset means ready, says the API
                found += endpoint.get("addresses") or []
    return found


def not_reachable(service: Object, snapshot: Snapshot) -> list[str]:
    """Return one line when a Service with a selector leads to no ready pod."""
    selector = _selector(service)
    if not selector:
        return []
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    if not ready_endpoints(service, snapshot.all(ENDPOINT_SLICE)):
        return [f"service {name_of(service)}: no ready endpoint (selector {wanted})"]
    return [
        f"service {name_of(service)}: no container of its pods has a port named {port}"
        for port in _unknown_ports(service, snapshot)
    ]


def service_findings(
    service: Object, snapshot: Snapshot, patience: Patience, *, rolled_out: bool
) -> Iterable[Finding]:
    """Return what is, or may become, hopeless about a Service once all of it is applied.

    Args:
        service: a Service of the release.
        snapshot: its namespace.
        patience: how long a change may take to arrive.
        rolled_out: whether nothing is missing of any workload.

    """
    selector, text = _selector(service), "; ".join(not_reachable(service, snapshot))
    if not text:
        return
    pods = [pod for pod in snapshot.pods(selector) if not is_deleted(pod)]
    behind = [labels for labels, _ in _templates(snapshot) if selects(selector, labels)]
    since = [_changed(service)]
    cause: DeployError
    if not pods and not behind:
        cause = causes.NoEndpointsError(service, _labelled(snapshot))
    elif unknown := _unknown_ports(service, snapshot):
        cause = causes.ServicePortError(service, unknown, _offered(selector, snapshot))
    elif rolled_out and pods and not any(map(_starts, pods)):
        cause = causes.ServiceUnreadyError(service, list(map(describe_pod, pods)))
        since += [str((condition(p, "Ready") or {}).get("lastTransitionTime") or "") for p in pods]
        since += [one.started for pod in pods for one in containers(pod) if one.running]
    else:
        return
    yield Finding(text, patience.endpoints - min(map(snapshot.age, since)), always(cause))


def _starts(pod: Object) -> bool:
    """Say whether a node is about to start it, so that it may be Ready yet."""
    if status_of(pod).get("phase") != "Pending":
        return False
    return any(container.waiting in _COMING for container in containers(pod))


def _selector(service: Object) -> dict[str, str]:
    spec = service.get("spec") or {}
    return {} if spec.get("type") == "ExternalName" else dict(spec.get("selector") or {})


def _templates(snapshot: Snapshot) -> list[tuple[dict[str, str], Object]]:
    """Return labels and spec of the pods that each workload makes, whether it has or not."""
    found = []
    for workload in (w for kind in WORKLOADS for w in snapshot.all(kind)):
        template = (workload.get("spec") or {}).get("template") or {}
        found.append((labels_of(template), template.get("spec") or {}))
    return found


def _labelled(snapshot: Snapshot) -> list[str]:
    """Return what pods carry, or are going to: a line for each workload, else for each pod."""
    makers = [
        (f"pods of {str(w.get('kind')).lower()} {name_of(w)}", labels)
        for kind in WORKLOADS
        for w in snapshot.all(kind)
        if (labels := labels_of((w.get("spec") or {}).get("template") or {}))
    ]
    found = makers or [(f"pod {name_of(pod)}", labels_of(pod)) for pod in snapshot.pods()]
    return [f"{who}: {', '.join(f'{k}={v}' for k, v in labels.items())}" for who, labels in found]


def _offered(selector: dict[str, str], snapshot: Snapshot) -> list[str]:
    """Return the names of the ports of the pods that a selector means, present or to come."""
    specs = [spec for labels, spec in _templates(snapshot) if selects(selector, labels)]
    specs = specs or [pod.get("spec") or {} for pod in snapshot.all(POD, selector)]
    entries = [e for s in specs for e in (*(s.get("initContainers") or ()), *s["containers"])]
    return [str(port.get("name") or "") for entry in entries for port in entry.get("ports") or ()]


def _unknown_ports(service: Object, snapshot: Snapshot) -> list[str]:
    """Return the names of target ports that no container of the Service's pods has.

    Such a Service has endpoints all the same, but none of them for that port.
    """
    targets = [p.get("targetPort") for p in (service.get("spec") or {}).get("ports") or ()]
    named = [target for target in targets if isinstance(target, str) and not target.isdecimal()]
    if not named:
        return []
    offered = _offered(_selector(service), snapshot)
    return [name for name in named if name not in offered]


def _changed(obj: Object) -> str:
    """Return the API timestamp of the last change that somebody made to an object."""
    about = meta(obj)
    times = [str(field.get("time") or "") for field in about.get("managedFields") or ()]
    return max([str(about.get("creationTimestamp") or ""), *times])
