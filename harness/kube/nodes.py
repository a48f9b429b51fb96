"""The nodes of a cluster: which take pods, which are ready, and what runs where."""

from __future__ import annotations

from dataclasses import dataclass

from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.pods import describe_pod, is_deleted, is_ready
from harness.kube.resources import NODE, Object, condition, name_of, status_of
from harness.kube.selection import Selection
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict

_KEEP_OUT = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        name: its name.
        ready: whether its kubelet says so, and is heard.
        takes_pods: whether it is ready, and no taint keeps ordinary pods out.
        address: at which the other nodes and their pods reach it.

    """

    name: str
    ready: bool
    takes_pods: bool
    address: str


def nodes(client: Kube) -> list[Node]:
    """Return all nodes of the cluster, by name."""
    return [node_of(obj) for obj in sorted(client.list(NODE), key=name_of)]


def node_of(obj: Object) -> Node:
    """Return the typed view of a node."""
    spec = obj.get("spec") or {}
    ready = (condition(obj, "Ready") or {}).get("status") == "True"
    tainted = any(taint.get("effect") in _KEEP_OUT for taint in spec.get("taints") or ())
    addresses = {one["type"]: one["address"] for one in status_of(obj).get("addresses") or ()}
    return Node(
        name=name_of(obj),
        ready=ready,
        takes_pods=ready and not tainted and not spec.get("unschedulable"),
        address=str(addresses.get("InternalIP") or ""),
    )


@dataclass(frozen=True)
class NodeReady:
    """One node is Ready and takes pods, or it is neither: its kubelet is no longer heard."""

    name: str
    ready: bool

    def describe(self) -> str:
        """Return what is waited for."""
        state = "to be Ready and to take pods" if self.ready else "to be known to be lost"
        return f"node {self.name} {state}"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the node's condition and taints; one that is gone is not Ready."""
        obj = snapshot.get(NODE, self.name)
        node = node_of(obj) if obj else None
        if self.ready and node is not None and node.takes_pods:
            return Ready()
        if not self.ready and (node is None or not node.ready):
            return Ready()
        found = (condition(obj, "Ready") if obj else None) or {}
        said = f"{found.get('status') or 'no condition'}: {found.get('message') or '-'}"
        taints = ((obj or {}).get("spec") or {}).get("taints") or ()
        tainted = ", ".join(f"{taint['key']}:{taint['effect']}" for taint in taints)
        return Pending(f"node {self.name}: Ready is {said}; taints: {tainted or 'none'}")


@dataclass(frozen=True)
class RunElsewhere:
    """As many Ready pods with these labels as are wanted run on other nodes than one."""

    labels: Selection
    node: str
    wanted: int

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.wanted} pods to be Ready on other nodes than {self.node}"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the pods that are not on the node."""
        others = [pod for pod in snapshot.pods(self.labels) if _node(pod) != self.node]
        if sum(map(is_ready, others)) >= self.wanted:
            return Ready()
        return Pending("\n".join(map(describe_pod, others)) or "there is none yet")


@dataclass(frozen=True)
class NothingEnding:
    """No pod is being deleted, on one node if it is named: what was asked for is done."""

    node: str = ""

    def describe(self) -> str:
        """Return what is waited for."""
        where = f" from node {self.node}" if self.node else ""
        return f"the pods that were taken{where} to be gone"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the pods."""
        ending = [pod for pod in snapshot.pods() if is_deleted(pod)]
        left = [pod for pod in ending if self.node in ("", _node(pod))]
        return Pending("\n".join(map(describe_pod, left))) if left else Ready()


def _node(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")
