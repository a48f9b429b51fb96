"""What must be true of a cluster before anything is deployed to it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import ApiRefusedError, ApiUnreachableError
from harness.kube.resources import DEPLOYMENT, EVENT, NODE, POD, condition, name_of, status_of
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict, wait_for
from harness.kube.watch import Watcher

_SYSTEM = "kube-system"
_DNS = "coredns"
_PAUSE = 0.25  # seconds between two questions to an API that does not answer yet


@dataclass(frozen=True)
class NodesReady:
    """Every node's Ready condition is true, and there is at least one."""

    def describe(self) -> str:
        """Return what is waited for."""
        return "every node to be Ready"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the nodes' conditions."""
        nodes = snapshot.all(NODE)
        missing = []
        for node in nodes:
            ready = condition(node, "Ready") or {}
            if ready.get("status") != "True":
                missing.append(f"node {name_of(node)}: {ready.get('message') or 'no word yet'}")
        if not nodes:
            return Pending("no node has registered yet")
        return Pending("\n".join(missing)) if missing else Ready()


@dataclass(frozen=True)
class DeploymentAvailable:
    """A Deployment has at least one ready pod."""

    name: str

    def describe(self) -> str:
        """Return what is waited for."""
        return f"deployment {self.name} to have a ready pod"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the Deployment's own count."""
        found = snapshot.get(DEPLOYMENT, self.name)
        if found is None:
            return Pending("it is not there yet")
        if status_of(found).get("readyReplicas"):
            return Ready()
        return Pending("no pod is ready yet")


def node_ready(client: Kube, timeout: float) -> None:
    """Wait until the API answers and every node is Ready.

    Raises:
        ApiUnreachableError, ApiRefusedError, NotListedError, WaitTimeoutError: what it
            stopped at.

    """
    deadline = time.monotonic() + timeout
    api_ready(client, timeout)
    with Watcher(client, None, (NODE,), timeout=timeout) as watcher:
        wait_for(NodesReady(), watcher, max(deadline - time.monotonic(), 1.0))


def dns_ready(client: Kube, timeout: float) -> None:
    """Wait until the cluster's DNS answers for pods. Raises WaitTimeoutError."""
    with Watcher(client, _SYSTEM, (DEPLOYMENT, POD, EVENT)) as watcher:
        wait_for(DeploymentAvailable(_DNS), watcher, timeout)


def api_ready(client: Kube, timeout: float) -> None:
    """Wait until the API server says that it is ready.

    There is nothing to watch yet, so it is asked again and again. A server that has just
    started refuses everybody until it has read its own rules: that passes, too.

    Raises:
        ApiUnreachableError, ApiRefusedError: its last answer.

    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            client.text("/readyz")
            client.list(NODE)
        except (ApiUnreachableError, ApiRefusedError) as error:
            if time.monotonic() > deadline:
                raise
            if isinstance(error, ApiRefusedError) and error.status == 401:
                raise  # its certificate is of another cluster; that does not pass
            time.sleep(_PAUSE)
        else:
            return
