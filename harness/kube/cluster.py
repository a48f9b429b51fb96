"""What must be true of a cluster before anything is deployed to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import ApiRefusedError, ApiUnreachableError
from harness.kube.pods import containers, describe_pod, is_ready
from harness.kube.resources import EVENT, NODE, POD, condition, name_of
from harness.kube.state import Snapshot, parse_time
from harness.kube.waits import Pending, Ready, Verdict, wait_for
from harness.kube.watch import Watcher

_SYSTEM = "kube-system"
_DNS = {"k8s-app": "kube-dns"}
_PAUSE = 0.25  # seconds between two questions to an API that does not answer yet


@dataclass(frozen=True)
class NodesReady:
    """Every node's Ready condition is true, and there are at least so many.

    Args:
        since: only what a kubelet has told after this moment counts. A node that was
            stopped is called Ready for 40 s more.
        of: names of the nodes that this is said of; all of them by default. A kubelet that
            runs on and has nothing new to say is silent for minutes.
        least: how many nodes.

    """

    since: datetime | None = None
    of: frozenset[str] | None = None
    least: int = 1

    def describe(self) -> str:
        """Return what is waited for."""
        return "every node to be Ready" + (f", all {self.least}" if self.least > 1 else "")

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the nodes' conditions."""
        nodes = snapshot.all(NODE)
        missing = []
        for node in nodes:
            ready = condition(node, "Ready") or {}
            since = self.since if self.of is None or name_of(node) in self.of else None
            if not _is_news(ready.get("lastHeartbeatTime"), since):
                missing.append(f"node {name_of(node)}: no word since it was started")
            elif ready.get("status") != "True":
                missing.append(f"node {name_of(node)}: {ready.get('message') or 'no word yet'}")
        if len(nodes) < self.least:
            missing.append(f"{len(nodes)} of {self.least} nodes have registered")
        return Pending("\n".join(missing)) if missing else Ready()


@dataclass(frozen=True)
class DnsReady:
    """A pod of the cluster's DNS is Ready.

    Args:
        since: only containers that were started after this moment count.

    """

    since: datetime | None = None

    def describe(self) -> str:
        """Return what is waited for."""
        return "a pod of the cluster's DNS to be Ready"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the pods themselves."""
        pods = snapshot.pods(_DNS)
        for pod in pods:
            news = [_is_news(c.started, self.since) for c in containers(pod) if not c.init]
            if is_ready(pod) and all(news):
                return Ready()
        return Pending("\n".join(map(describe_pod, pods)) or "there is none yet")


def node_ready(client: Kube, timeout: float, wait: NodesReady | None = None) -> None:
    """Wait until the API answers and every node is Ready, or as `wait` says.

    Raises:
        ApiUnreachableError, ApiRefusedError, NotListedError, WaitTimeoutError: what it
            stopped at.

    """
    deadline = time.monotonic() + timeout
    api_ready(client, timeout)
    with Watcher(client, None, (NODE,), timeout=timeout) as watcher:
        wait_for(wait or NodesReady(), watcher, max(deadline - time.monotonic(), 1.0))


def dns_ready(client: Kube, timeout: float, since: datetime | None = None) -> None:
    """Wait until the cluster's DNS answers for pods. Raises WaitTimeoutError."""
    with Watcher(client, _SYSTEM, (POD, EVENT)) as watcher:
        wait_for(DnsReady(since), watcher, timeout)


def _is_news(timestamp: str | None, since: datetime | None) -> bool:
    told = parse_time(timestamp)
    return since is None or (told is not None and told >= since)


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
