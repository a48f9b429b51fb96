"""Whether a kind cluster's API, node and DNS are well, seen from this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.clusters.errors import ClusterUnhealthyError
from harness.clusters.kind_fault import Fault
from harness.clusters.kind_node import KindNode
from harness.clusters.kind_nodes import Started
from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.cluster import NodesReady, api_ready, dns_ready, node_ready

_HEALTHY = 120.0  # seconds from "made" or "started" to a node that is Ready
_ANSWERS = 5.0  # seconds in which a cluster that is used again has to answer


@dataclass(frozen=True)
class KindHealth:
    """The health of one cluster.

    Args:
        kubeconfig: the cluster's own.
        context: the context in it.
        nodes: the cluster's nodes, the control plane first.
        export: writes the kubeconfig anew, as the control plane has it now, for the port
            that it has now.

    """

    kubeconfig: Path
    context: str
    nodes: Sequence[KindNode]
    export: Callable[[], None]

    def fault(self) -> Fault | None:
        """Return why a cluster that should be well is not, None when it is."""
        try:
            self.export()
            with self.client() as client:
                node_ready(client, _ANSWERS, NodesReady(least=len(self.nodes)))
        except DeployError as error:
            return Fault(error.headline)
        return None

    def wait_for_api(self) -> None:
        """Wait until the API answers. Raises ApiUnreachableError, ApiRefusedError."""
        self.export()
        with self.client() as client:
            api_ready(client, _HEALTHY)

    def wait(self, *, started: Started | None = None, written: bool = False) -> None:
        """Wait until nodes and DNS are Ready, each by a watch.

        Args:
            started: which nodes were started just now; of these only what was told since
                counts.
            written: whether the kubeconfig was written just now.

        Raises:
            ClusterUnhealthyError: with the nodes' last words.

        """
        wanted, dns_since = NodesReady(least=len(self.nodes)), None
        if started is not None:
            wanted = NodesReady(started.at, started.names, len(self.nodes))
            # It runs on the control plane, where it was not moved since.
            dns_since = started.at if self.nodes[0].name in started.names else None
        deadline = time.monotonic() + _HEALTHY
        try:
            if not written:
                self.export()
            with self.client() as client:
                node_ready(client, _HEALTHY, wanted)
                dns_ready(client, max(deadline - time.monotonic(), 10.0), dns_since)
        except DeployError as error:
            said = [f"node {node.name} says:\n{node.log_tail()}" for node in self.nodes]
            seen = "\n".join([error.seen, *said])
            raise ClusterUnhealthyError(self.nodes[0].cluster, seen, error.looked) from error

    def version(self) -> str:
        """Return the version of Kubernetes that the API tells."""
        with self.client() as client:
            return str(client.json("GET", "/version").get("gitVersion", ""))

    def client(self) -> Kube:
        """Return a client of the cluster."""
        return Kube(self.kubeconfig, self.context)
