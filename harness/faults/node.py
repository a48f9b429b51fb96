"""A node that is emptied as for maintenance, and one that is lost without a word."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from harness.clusters.base import Machine
from harness.command import run
from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.kube.client import Kube
from harness.kube.nodes import NodeReady, NothingEnding, node_of
from harness.kube.resources import DAEMON_SET, NODE, POD, Object, meta, name_of
from harness.kube.waits import WaitTimeoutError, wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED

_SEEN = 90.0  # seconds until the cluster has noticed; by default it waits for 50 s
_BACK = 90.0  # seconds until a node that goes on is Ready, and has tidied up
_ENDS = 20.0  # seconds that kubectl may need beyond its own timeout


@dataclass
class DrainedNode(Fault):
    """A node that gives its pods away, by `kubectl drain`: the disruption budgets count.

    Pods of the harness itself stay: they look from there, and nothing would make them anew.

    Args:
        client: of the cluster; one of ours, since the pods of everybody are moved.
        kubectl: path of the program.
        node: its name.
        timeout: seconds until the budgets have to allow for it.

    """

    client: Kube
    kubectl: Path
    node: str
    timeout: float = 120.0

    def describe(self) -> str:
        """Return what is broken."""
        return f"node {self.node} is drained"

    def _break(self) -> None:
        words = [
            str(self.kubectl),
            f"--kubeconfig={self.client.kubeconfig}",
            f"--context={self.client.context}",
            "drain",
            self.node,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            f"--pod-selector=!{MANAGED}",
            f"--timeout={self.timeout:.0f}s",
        ]
        run(words, timeout=self.timeout + _ENDS)

    def _check(self) -> None:
        node = node_of(self.client.get(NODE, self.node))
        on_it = self.client.list(POD, fields=f"spec.nodeName={self.node}", labels=f"!{MANAGED}")
        left = [name_of(pod) for pod in on_it if _owner(pod) not in (DAEMON_SET.kind, NODE.kind)]
        if node.takes_pods or left:
            raise FaultWithoutEffectError(
                self.describe(),
                "it to run nothing, and to take no pods",
                f"it takes pods: {node.takes_pods}; it runs: {', '.join(left) or 'nothing'}",
                f"node {self.node} and its pods",
            )

    def _mend(self) -> None:
        self.client.patch(NODE, self.node, {"spec": {"unschedulable": None}})
        with Watcher(self.client, None, (NODE,)) as watcher:  # its taint goes a moment later
            wait_for(NodeReady(self.node, ready=True), watcher, _BACK)


@dataclass
class LostNode(Fault):
    """A node that answers nobody any more, until the fault ends.

    Args:
        client: of the cluster.
        machine: what the node is.

    Attributes:
        lost_at: `time.monotonic()` of the moment.

    """

    client: Kube
    machine: Machine
    lost_at: float = field(default=0.0, init=False)

    def describe(self) -> str:
        """Return what is broken."""
        return f"node {self.machine.name} is lost"

    def _break(self) -> None:
        self.lost_at = time.monotonic()
        self.machine.pause()

    def _check(self) -> None:
        wait = NodeReady(self.machine.name, ready=False)
        try:
            with Watcher(self.client, None, (NODE,)) as watcher:
                wait_for(wait, watcher, _SEEN)
        except WaitTimeoutError as error:
            raise FaultWithoutEffectError(
                self.describe(), wait.describe(), error.pending, f"node {self.machine.name}"
            ) from error

    def _mend(self) -> None:
        self.machine.resume()
        with Watcher(self.client, None, (NODE,)) as watcher:
            wait_for(NodeReady(self.machine.name, ready=True), watcher, _BACK)
        with Watcher(self.client, None, (POD,)) as watcher:
            wait_for(NothingEnding(self.machine.name), watcher, _BACK)


def _owner(pod: Object) -> str:
    """Return the kind of a pod's controller, "" when it has none."""
    owners = meta(pod).get("ownerReferences") or ()
    return next((str(owner["kind"]) for owner in owners if owner.get("controller")), "")
