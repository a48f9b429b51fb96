"""Namespaces of our own: made, marked and removed by us, and no others."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import ConflictError, NotFoundError
from harness.kube.resources import (
    NAMESPACE,
    SERVICE_ACCOUNT,
    Resource,
    condition,
    labels_of,
    name_of,
    status_of,
)
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict, wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED

_SECURITY = "pod-security.kubernetes.io/"


class ForeignNamespaceError(DeployError):
    """The namespace exists and was not made by us."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            needed=f"a namespace {name} of our own, to {what}",
            seen=f"it exists, and its labels ({MANAGED}=true and its run) are not ours",
            looked=f"namespace {name}",
            fix="choose another namespace; if nobody needs this one, delete it by hand",
        )


def ensure_namespace(
    client: Kube, name: str, *, labels: Mapping[str, str] | None = None, timeout: float = 30.0
) -> bool:
    """Make a namespace with our label, ready for pods; return whether it was made now.

    A namespace that is still being deleted is waited for and made anew. Pods are
    accepted once the default service account is there, which this waits for.

    Raises:
        ForeignNamespaceError: it exists and is not ours.
        WaitTimeoutError: the old one does not go, or the service account does not come.

    """
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    marks = {**client.tenancy.labels, **(labels or {}), MANAGED: "true"}
    wanted["metadata"] = {"name": name, "labels": marks}
    made = True
    try:
        client.create(NAMESPACE, wanted)
    except ConflictError:
        there = client.get(NAMESPACE, name)
        if not client.tenancy.owns(there):
            raise ForeignNamespaceError(name, "work in it") from None
        made = status_of(there).get("phase") == "Terminating"
        has = labels_of(there)
        # Whoever was stricter with its pods meant it.
        kept = {key for key in has if key.startswith(_SECURITY) and key not in (labels or {})}
        lacking = {k: v for k, v in marks.items() if k not in kept and has.get(k) != v}
        if lacking and not made:
            client.patch(NAMESPACE, name, {"metadata": {"labels": lacking}})
        if made:
            wait_gone(client, NAMESPACE, name, timeout=timeout)
            client.create(NAMESPACE, wanted)
    with Watcher(client, name, (SERVICE_ACCOUNT,)) as watcher:
        wait_for(Present(SERVICE_ACCOUNT, "default"), watcher, timeout)
    client.tenancy.furnish(client, name)
    return made


def delete_namespace(client: Kube, name: str, *, timeout: float = 90.0, wait: bool = True) -> float:
    """Remove a namespace of ours; with `wait`, return when it is gone. Returns the seconds.

    Raises:
        ForeignNamespaceError: it is not ours.
        WaitTimeoutError: it does not go; says what holds it.

    """
    started = time.monotonic()
    try:
        there = client.get(NAMESPACE, name)
        if not client.tenancy.owns(there):
            raise ForeignNamespaceError(name, "delete it")
        client.delete(NAMESPACE, name)
    except NotFoundError:
        return 0.0
    if wait:
        wait_gone(client, NAMESPACE, name, timeout=timeout)
    return time.monotonic() - started


@contextlib.contextmanager
def temporary_namespace(client: Kube, name: str) -> Iterator[str]:
    """Have a namespace of our own for the length of a block."""
    ensure_namespace(client, name)
    try:
        yield name
    finally:
        delete_namespace(client, name)


def ours(client: Kube) -> list[str]:
    """Return the names of the namespaces that carry our label (and are of this run)."""
    found = client.list(NAMESPACE, labels=f"{MANAGED}=true")
    return sorted(name_of(n) for n in found if client.tenancy.owns(n))


@dataclass(frozen=True)
class Present:
    """An object of that name exists."""

    resource: Resource
    name: str

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.resource.kind} {self.name} to exist"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge by the name alone."""
        if snapshot.get(self.resource, self.name) is not None:
            return Ready()
        return Pending("it is not there")


@dataclass(frozen=True)
class Gone:
    """No object of that name (and of that uid, if given) exists."""

    resource: Resource
    name: str
    uid: str = ""

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.resource.kind} {self.name} to be gone"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge by name and uid; says what holds a namespace."""
        obj = snapshot.get(self.resource, self.name)
        if obj is None or (self.uid and obj["metadata"].get("uid") != self.uid):
            return Ready()
        holds = [
            str((condition(obj, kind) or {}).get("message"))
            for kind in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
            if (condition(obj, kind) or {}).get("status") == "True"
        ]
        finalizers = obj["metadata"].get("finalizers") or []
        words = [*holds, *(f"finalizer {name}" for name in finalizers)]
        return Pending("; ".join(words) or "it is still there")


def wait_gone(
    client: Kube,
    resource: Resource,
    name: str,
    namespace: str | None = None,
    *,
    uid: str = "",
    timeout: float = 60.0,
) -> float:
    """Wait until an object is gone; return the seconds. Raises WaitTimeoutError."""
    with Watcher(client, namespace, (resource,)) as watcher:
        return wait_for(Gone(resource, name, uid), watcher, timeout).seconds
