"""Pods taken away on purpose, and how long their successors need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import NotFoundError
from harness.kube.finding import Patience
from harness.kube.health import pod_findings
from harness.kube.pods import Pod, describe_pod, is_deleted, is_ready, pod_of
from harness.kube.resources import EVENT, POD, meta, uid_of
from harness.kube.selection import Selection, words
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict, wait_for
from harness.kube.watch import Watcher


@dataclass(frozen=True)
class Replaced:
    """Pods that came in place of others, and after how many seconds they were Ready."""

    old: tuple[Pod, ...]
    new: tuple[Pod, ...]
    seconds: float


@dataclass(frozen=True)
class PodsReplaced:
    """As many Ready pods with these labels as there were, and none of the old ones."""

    labels: Selection
    old: frozenset[str]
    wanted: int
    patience: Patience = field(default_factory=Patience)

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.wanted} new pods with {words(self.labels)} to be Ready"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:
        """Judge the new pods; an old one that is still ending does not count."""
        new = [
            pod
            for pod in snapshot.pods(self.labels)
            if uid_of(pod) not in self.old and not is_deleted(pod)
        ]
        findings = [f for pod in new for f in pod_findings(pod, snapshot, self.patience, details)]
        lost = [finding for finding in findings if finding.seconds <= 0]
        if lost:
            return Hopeless(lost[0].cause(details))
        if sum(map(is_ready, new)) >= self.wanted:
            return Ready()
        recheck = min((f.seconds for f in findings), default=float("inf"))
        return Pending("\n".join(map(describe_pod, new)) or "no new pod yet", recheck)


class NothingToReplaceError(DeployError):
    """No pod carries the labels."""

    def __init__(self, namespace: str, labels: Selection) -> None:
        super().__init__(
            needed="a pod to take away",
            seen=f"none with {words(labels)}",
            looked=f"namespace {namespace}",
            fix="see that the release is installed and the labels are right",
        )


def replace_pods(
    client: Kube,
    namespace: str,
    labels: Selection,
    *,
    only: Sequence[str] = (),
    grace: int | None = None,
    timeout: float = 120.0,
) -> Replaced:
    """Delete pods and wait until as many new ones are Ready.

    The clock starts at the deletion. What the pods' owner does about it is the cluster's
    own doing: this only takes away and watches.

    Args:
        client: where.
        namespace: of the pods.
        labels: which pods; also what their successors carry.
        only: names of the pods to delete, all with the labels by default.
        grace: seconds that their processes get; 0 kills them; None is their own choice.
        timeout: seconds for the new ones.

    Raises:
        NothingToReplaceError: there is no such pod.
        DeployError: the cause, when a new pod is hopeless; WaitTimeoutError.

    """
    with Watcher(client, namespace, (POD, EVENT)) as watcher:
        snapshot, _ = watcher.state.snapshot()
        there = [pod for pod in snapshot.pods(labels) if not is_deleted(pod)]
        old = [pod for pod in there if not only or meta(pod)["name"] in only]
        if not old:
            raise NothingToReplaceError(namespace, labels)
        for pod in old:
            try:
                client.delete(POD, meta(pod)["name"], namespace, uid=uid_of(pod), grace=grace)
            except NotFoundError:
                continue  # it went by itself
        wait = PodsReplaced(labels, frozenset(map(uid_of, there)), len(old))
        waited = wait_for(wait, watcher, timeout)
        new = [
            pod_of(pod)
            for pod in waited.snapshot.pods(labels)
            if uid_of(pod) not in wait.old and is_ready(pod)
        ]
        return Replaced(tuple(map(pod_of, old)), tuple(new), waited.seconds)
