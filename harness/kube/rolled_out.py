"""Whether one workload is rolled out, and what is missing."""

from __future__ import annotations

from harness.kube.pods import describe_pod, is_deleted, is_ready
from harness.kube.probing import unhealthy_words
from harness.kube.resources import (
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    REPLICA_SET,
    STATEFUL_SET,
    Object,
    condition,
    labels_of,
    meta,
    name_of,
    owner_uids,
    status_of,
    uid_of,
)
from harness.kube.state import Snapshot

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "controller-revision-hash"


def current_pods(workload: Object, snapshot: Snapshot) -> list[Object]:
    """Return the pods of a workload's present revision that are not being deleted."""
    if workload.get("kind") == DEPLOYMENT.kind:
        owners = {uid_of(rs) for rs in current_replica_sets(workload, snapshot)}
    else:
        owners = {uid_of(workload)}
    pods = [p for p in snapshot.pods() if owner_uids(p) & owners and not is_deleted(p)]
    if workload.get("kind") == STATEFUL_SET.kind:
        revision = status_of(workload).get("updateRevision")
        pods = [p for p in pods if labels_of(p).get(_HASH) == revision]
    return pods


def current_replica_sets(workload: Object, snapshot: Snapshot) -> list[Object]:
    """Return a Deployment's newest ReplicaSet: the one that carries its revision number.

    After a rollback an old one gets that number; until its watch has told so, there is none.
    """
    if workload.get("kind") != DEPLOYMENT.kind:
        return []
    owned = snapshot.owned(REPLICA_SET, workload)
    newest = sorted(owned, key=lambda rs: int(_annotation(rs, _REVISION) or 0))[-1:]
    revision = int(_annotation(workload, _REVISION) or 0)
    return [rs for rs in newest if int(_annotation(rs, _REVISION) or 0) >= revision]


def not_rolled_out(workload: Object, snapshot: Snapshot) -> list[str]:
    """Return what is missing for a workload to be rolled out; [] when nothing is."""
    title = f"{str(workload.get('kind')).lower()} {name_of(workload)}"
    if not observed(workload):
        return [f"{title}: its present generation has not been observed yet"]
    spec, status = workload.get("spec") or {}, status_of(workload)
    kind = workload.get("kind")
    if kind == JOB.kind:
        if spec.get("suspend"):
            return []
        done = condition(workload, "Complete")
        if done is not None and done.get("status") == "True":
            return []
        state = f"{status.get('active') or 0} active, {status.get('failed') or 0} failed"
        return [f"{title}: not complete ({state})", *pod_lines(workload, snapshot)]
    if kind == DAEMON_SET.kind:
        wanted, total = status.get("desiredNumberScheduled") or 0, None
        updated, ready = status.get("updatedNumberScheduled"), status.get("numberReady")
    else:
        replicas = spec.get("replicas")
        wanted = 1 if replicas is None else replicas
        total = status.get("replicas") or 0
        updated, ready = status.get("updatedReplicas"), status.get("readyReplicas")
    if kind == DEPLOYMENT.kind and spec.get("paused"):
        return [f"{title}: it is paused"]
    if total is not None and total > wanted:
        return [f"{title}: {total - wanted} old pods are still there"]
    if (updated or 0) < wanted or (ready or 0) < wanted:
        counts = f"{ready or 0} of {wanted} pods ready, {updated or 0} of the present revision"
        return [f"{title}: {counts}", *pod_lines(workload, snapshot)]
    pods = current_pods(workload, snapshot)
    if kind == DEPLOYMENT.kind and sum(map(is_ready, pods)) < wanted:
        return [f"{title}: the pods are not seen ready yet", *pod_lines(workload, snapshot)]
    return []


def pod_lines(workload: Object, snapshot: Snapshot) -> list[str]:
    """Return a line for each present pod of a workload that is not ready, with its probe."""
    lines = []
    for pod in current_pods(workload, snapshot):
        if is_ready(pod) or status_of(pod).get("phase") == "Succeeded":
            continue
        words = unhealthy_words(pod, snapshot)
        lines.append(f"  {describe_pod(pod)}" + (f"; {words}" if words else ""))
    return lines


def observed(workload: Object) -> bool:
    """Return whether a workload's controller has seen its present generation."""
    if workload.get("kind") == JOB.kind:
        return True  # a Job's template cannot change, and it tells no generation
    told = status_of(workload).get("observedGeneration") or 0
    return bool(told >= (meta(workload).get("generation") or 0))


def _annotation(obj: Object, name: str) -> str:
    return str((meta(obj).get("annotations") or {}).get(name, ""))
