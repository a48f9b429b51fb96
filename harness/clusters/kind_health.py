"""Whether a kind cluster's API, node and DNS are well, seen from this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.clusters.errors import ClusterUnhealthyError
from harness.clusters.kind_fault import Fault
from harness.clusters.kind_node import KindNode
from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.cluster import dns_ready, node_ready

_HEALTHY = 120.0  # seconds from "made" or "started" to a node that is Ready
_ANSWERS = 5.0  # seconds in which a cluster that is used again has to answer


@dataclass(frozen=True)
class KindHealth:
    """The health of one cluster.

    Args:
        kubeconfig: the cluster's own.
        context: the context in it.
        node: the cluster's node.
        export: writes the kubeconfig anew, as the node has it now, for the port that it
            has now.

    """

    kubeconfig: Path
    context: str
    node: KindNode
    export: Callable[[], None]

    def fault(self) -> Fault | None:
        """Return why a cluster that should be well is not, None when it is."""
        try:
            self.export()
            with self.client() as client:
                node_ready(client, _ANSWERS)
        except DeployError as error:
            return Fault(error.headline)
        return None

    def wait(self, *, since: datetime | None = None, made: bool = False) -> None:
        """Wait until node and DNS are Ready, each by a watch.

        Args:
            since: only what was told after this moment counts.
            made: whether kind has just made the cluster, and so written the kubeconfig.

        Raises:
            ClusterUnhealthyError: with the node's last words.

        """
        deadline = time.monotonic() + _HEALTHY
        try:
            if not made:
                self.export()
            with self.client() as client:
                node_ready(client, _HEALTHY, since)
                dns_ready(client, max(deadline - time.monotonic(), 10.0), since)
        except DeployError as error:
            seen = f"{error.seen}\nthe node says:\n{self.node.log_tail()}"
            raise ClusterUnhealthyError(self.node.cluster, seen, error.looked) from error

    def version(self) -> str:
        """Return the version of Kubernetes that the API tells."""
        with self.client() as client:
            return str(client.json("GET", "/version").get("gitVersion", ""))

    def client(self) -> Kube:
        """Return a client of the cluster."""
        return Kube(self.kubeconfig, self.context)
