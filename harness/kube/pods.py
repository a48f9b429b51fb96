"""Pods and their containers, as they are at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.kube.client import Kube
from harness.kube.resources import (
    POD,
    Object,
    Resource,
    condition,
    labels_of,
    meta,
    name_of,
    status_of,
    uid_of,
)
from harness.kube.selection import OfRelease, is_meant, query


@dataclass(frozen=True)
class Container:
    """One container of a pod.

    Attributes:
        name: its name.
        image: the reference the pod asks for.
        image_id: what runs, as the runtime names it; "" before it was pulled.
        init: whether it is an init container.
        ready: whether it passes its readiness probe (an init container: has ended well).
        restarts: how often it was started again.
        running: whether it runs now.
        started: API timestamp since when it runs.
        waiting: the reason why it waits (`ImagePullBackOff`, …), "" when it does not.
        waiting_message: the kubelet's words to that.
        ended: the reason of its present end (`Completed`, `Error`, `OOMKilled`, …), "".
        last_exit: exit code of the run before, or of the present end; None if none ended.
        last_reason: the reason of that end.
        last_message: the words to that end.
        last_started: API timestamp of the start of that run.
        last_finished: API timestamp of that end.

    """

    name: str
    image: str
    image_id: str = ""
    init: bool = False
    ready: bool = False
    restarts: int = 0
    running: bool = False
    started: str = ""
    waiting: str = ""
    waiting_message: str = ""
    ended: str = ""
    last_exit: int | None = None
    last_reason: str = ""
    last_message: str = ""
    last_started: str = ""
    last_finished: str = ""


@dataclass(frozen=True)
class Pod:
    """One pod: what a step asserts on. `obj` is all of it."""

    name: str
    namespace: str
    uid: str
    phase: str
    ready: bool
    containers: tuple[Container, ...]
    node: str
    ip: str
    deleted: bool
    obj: Object

    @property
    def restarts(self) -> int:
        """Restarts of all its containers."""
        return sum(container.restarts for container in self.containers)

    @property
    def images(self) -> tuple[str, ...]:
        """The references its main containers ask for."""
        return tuple(c.image for c in self.containers if not c.init)

    def describe(self) -> str:
        """Return its state in one line."""
        return describe_pod(self.obj)


def containers(pod: Object) -> list[Container]:
    """Return a pod's containers, init containers first, also before any has a status."""
    spec, status = pod.get("spec") or {}, status_of(pod)
    found: list[Container] = []
    for init, declared, told in (
        (True, "initContainers", "initContainerStatuses"),
        (False, "containers", "containerStatuses"),
    ):
        statuses = {s.get("name"): s for s in status.get(told) or ()}
        for entry in spec.get(declared) or ():
            found.append(_container(entry, statuses.get(entry["name"]) or {}, init=init))
    return found


def _container(entry: Object, status: Object, *, init: bool) -> Container:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    end = ended or last.get("terminated") or {}
    return Container(
        name=str(entry["name"]),
        image=str(entry.get("image", "")),
        image_id=str(status.get("imageID") or ""),
        init=init,
        ready=bool(status.get("ready")),
        restarts=int(status.get("restartCount") or 0),
        running=state.get("running") is not None,
        started=str((state.get("running") or {}).get("startedAt") or ""),
        waiting=str(waiting.get("reason") or ""),
        waiting_message=str(waiting.get("message") or ""),
        ended=str(ended.get("reason") or ""),
        last_exit=end.get("exitCode"),
        last_reason=str(end.get("reason") or ""),
        last_message=str(end.get("message") or ""),
        last_started=str(end.get("startedAt") or ""),
        last_finished=str(end.get("finishedAt") or ""),
    )


def is_ready(pod: Object) -> bool:
    """Return whether a pod's Ready condition is true and it is not being deleted."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True" and not is_deleted(pod)


def is_deleted(pod: Object) -> bool:
    """Return whether a pod is being deleted."""
    return bool(meta(pod).get("deletionTimestamp"))


def pod_of(obj: Object) -> Pod:
    """Return the typed view of a pod."""
    spec, status = obj.get("spec") or {}, status_of(obj)
    return Pod(
        name=name_of(obj),
        namespace=str(meta(obj).get("namespace", "")),
        uid=uid_of(obj),
        phase=str(status.get("phase") or "Unknown"),
        ready=is_ready(obj),
        containers=tuple(containers(obj)),
        node=str(spec.get("nodeName") or ""),
        ip=str(status.get("podIP") or ""),
        deleted=is_deleted(obj),
        obj=obj,
    )


def describe_pod(pod: Object) -> str:
    """Return a pod's state in one line: phase, readiness, restarts, what containers wait for."""
    parts = [str(status_of(pod).get("phase") or "Pending")]
    parts.append("ready" if is_ready(pod) else "not ready")
    if is_deleted(pod):
        parts.append("being deleted")
    for container in containers(pod):
        words = []
        if container.waiting:
            words.append(container.waiting)
        if container.ended and not (container.init and container.last_exit == 0):
            words.append(f"ended: {container.ended}, exit code {container.last_exit}")
        if container.running and not container.ready:
            words.append("initialising" if container.init else "running, not ready")
        if container.restarts:
            words.append(f"{container.restarts} restarts")
        if words:
            parts.append(f"{container.name}: {', '.join(words)}")
    return f"pod {name_of(pod)}: " + "; ".join(parts)


def pods_of_release(client: Kube, namespace: str, release: str) -> list[Pod]:
    """Return the pods that serve for a release, those being deleted too; not those of Jobs."""
    found = objects_of_release(client, POD, namespace, release)
    return [pod_of(obj) for obj in found if not _of_job(obj)]


def objects_of_release(
    client: Kube, resource: Resource, namespace: str, release: str
) -> list[Object]:
    """Return the objects of a kind that belong to a release, by name."""
    meant = OfRelease(release)
    found = client.list(resource, namespace, labels=query(meant))
    return sorted((obj for obj in found if is_meant(obj, meant)), key=name_of)


def _of_job(pod: Object) -> bool:
    return any(owner.get("kind") == "Job" for owner in meta(pod).get("ownerReferences") or ())


def running_image(pods: Iterable[Pod], image: str) -> list[Pod]:
    """Return the pods of which a main container asks for this image reference."""
    return [pod for pod in pods if any(same_image(image, used) for used in pod.images)]


def same_image(one: str, other: str) -> bool:
    """Return whether two references name the same image.

    A runtime writes the default registry and its default folder before a short name and
    a default tag behind it; the same name without them is the same image.
    """
    short, long = sorted((_tagged(one), _tagged(other)), key=len)
    if short == long:
        return True
    prefix = long.removesuffix("/" + short)
    host, _, folder = prefix.partition("/")
    return prefix != long and not _is_host(short) and _is_host(host + "/") and folder in _DEFAULTS


_DEFAULTS = ("", "library")


def whole_name(reference: str) -> str:
    """Return a reference as a runtime writes it: with registry, folder and tag."""
    if not _is_host(reference):
        folder = "" if "/" in reference else "library/"
        reference = f"docker.io/{folder}{reference}"
    return _tagged(reference)


def _tagged(reference: str) -> str:
    name, at, _ = reference.partition("@")
    return reference if at or ":" in name.rpartition("/")[2] else f"{reference}:latest"


def _is_host(reference: str) -> bool:
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def labels(pod: Pod) -> dict[str, str]:
    """Return a pod's labels."""
    return labels_of(pod.obj)
