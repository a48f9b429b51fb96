"""Workloads that have more pods for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.finding import Patience
from harness.kube.health import pod_findings
from harness.kube.resources import DEPLOYMENT, EVENT, POD, REPLICA_SET, Object, name_of
from harness.kube.rolled_out import current_pods, not_rolled_out
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict, wait_for
from harness.kube.watch import Watcher

_KINDS = (DEPLOYMENT, REPLICA_SET, POD, EVENT)
_MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Scaled:
    """Deployments have as many pods as they ask for, all of them Ready."""

    replicas: dict[str, int]

    def describe(self) -> str:
        """Return what is waited for."""
        return ", ".join(f"{name} to have {n} Ready pods" for name, n in self.replicas.items())

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:
        """Judge the Deployments; a pod that is hopeless ends the wait."""
        missing: list[str] = []
        for name, wanted in self.replicas.items():
            workload = snapshot.get(DEPLOYMENT, name)
            if workload is None or (workload.get("spec") or {}).get("replicas") != wanted:
                missing.append(f"deployment {name}: it does not ask for {wanted} yet")
                continue
            missing += not_rolled_out(workload, snapshot)
            for pod in current_pods(workload, snapshot):
                for finding in pod_findings(pod, snapshot, Patience(), details):
                    if finding.seconds <= 0:
                        return Hopeless(finding.cause(details))
        return Pending("\n".join(missing)) if missing else Ready()


@contextlib.contextmanager
def scaled(
    client: Kube, namespace: str, names: Sequence[str], replicas: int, *, timeout: float = 90.0
) -> Iterator[None]:
    """Have Deployments with so many Ready pods each, and afterwards with as many as before.

    Raises:
        WaitTimeoutError: they do not become Ready in time.
        DeployError: the cause, when a new pod is hopeless.

    """
    before = {name: _asked(client.get(DEPLOYMENT, name, namespace)) for name in names}
    with Watcher(client, namespace, _KINDS) as watcher:
        try:
            _scale(client, namespace, dict.fromkeys(names, replicas))
            wait_for(Scaled(dict.fromkeys(names, replicas)), watcher, timeout)
            yield
        finally:
            _scale(client, namespace, before)
            wait_for(Scaled(before), watcher, timeout)


def deployments_of(client: Kube, namespace: str, pods: Sequence[Object]) -> list[str]:
    """Return the names of the Deployments that pods belong to."""
    owners = {
        ref["name"]
        for pod in pods
        for ref in pod["metadata"].get("ownerReferences") or ()
        if ref["kind"] == REPLICA_SET.kind
    }
    return sorted(
        {
            ref["name"]
            for replica_set in client.list(REPLICA_SET, namespace)
            if name_of(replica_set) in owners
            for ref in replica_set["metadata"].get("ownerReferences") or ()
        }
    )


def _asked(deployment: Object) -> int:
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def _scale(client: Kube, namespace: str, replicas: dict[str, int]) -> None:
    for name, wanted in replicas.items():
        path = DEPLOYMENT.path(namespace, name, "scale")
        body = {"spec": {"replicas": wanted}}
        client.json("PATCH", path, body=body, content_type=_MERGE_PATCH)
