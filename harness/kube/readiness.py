"""Waits for pods that stay the same and only change between Ready and not Ready.

What takes a pod out of service for a while, such as a database that is away, must not
restart it (EC-5): a restart ends both waits at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import DeployError, Fault
from harness.kube.details import Details
from harness.kube.pods import Pod, containers, describe_pod, is_deleted, is_ready, pod_of
from harness.kube.probing import unhealthy_words
from harness.kube.resources import Object, name_of, uid_of
from harness.kube.restarts import restarts
from harness.kube.selection import Selection
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict


class RestartedError(DeployError):
    """A container was started again while it should only have waited."""

    fault = Fault.PROJECT

    def __init__(self, pod: Pod, what: str, details: Details) -> None:
        self.restarts = restarts([pod], details)
        super().__init__(
            needed=f"{what}, and none of its containers started again",
            seen="\n".join([pod.describe(), *(one.describe() for one in self.restarts)]),
            looked=f"the restarts of pod {pod.name} in namespace {pod.namespace}",
            fix="let the liveness probe ask for the process alone, not for what it depends on",
        )


class PodLostError(DeployError):
    """A pod is gone while it should only have waited."""

    fault = Fault.PROJECT

    def __init__(self, pod: Pod, what: str) -> None:
        super().__init__(
            needed=f"{what}, in the pod that there was",
            seen=f"pod {pod.name} is gone or going",
            looked=f"the pods in namespace {pod.namespace}",
            fix="see who has deleted or evicted it",
        )


@dataclass(frozen=True)
class SamePods:
    """Just these pods, with the restarts that they have now, are all Ready, or all are not.

    Args:
        pods: as they are now.
        ready: what they are to become.

    """

    pods: tuple[Pod, ...]
    ready: bool

    def describe(self) -> str:
        """Return what is waited for."""
        names = ", ".join(pod.name for pod in self.pods)
        return f"{names} to be {'Ready' if self.ready else 'not Ready'}"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:
        """Judge the pods; one that is gone or restarted ends the wait."""
        now = {uid_of(obj): obj for obj in snapshot.pods()}
        waiting: list[Object] = []
        for pod in self.pods:
            obj = now.get(pod.uid)
            if obj is None or is_deleted(obj):
                return Hopeless(PodLostError(pod, self.describe()))
            if sum(c.restarts for c in containers(obj)) > pod.restarts:
                return Hopeless(RestartedError(pod_of(obj), self.describe(), details))
            if is_ready(obj) != self.ready:
                waiting.append(obj)
        return Pending("\n".join(_lines(waiting, snapshot))) if waiting else Ready()


def _lines(pods: Iterable[Object], snapshot: Snapshot) -> Iterable[str]:
    for pod in sorted(pods, key=name_of):
        words = unhealthy_words(pod, snapshot)
        yield describe_pod(pod) + (f"; {words}" if words else "")


@dataclass(frozen=True)
class StartedAgain:
    """A container of a pod was started again, more often than before, and is Ready.

    Args:
        pod: as it was before.
        container: its name.

    """

    pod: Pod
    container: str

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.pod.name}/{self.container} to be started again and Ready"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the one container."""
        before = next(c.restarts for c in self.pod.containers if c.name == self.container)
        for obj in snapshot.pods():
            if uid_of(obj) != self.pod.uid:
                continue
            if is_deleted(obj):
                return Hopeless(PodLostError(self.pod, self.describe()))
            [now] = [c for c in containers(obj) if c.name == self.container]
            if now.restarts > before and is_ready(obj):
                return Ready()
            return Pending(describe_pod(obj))
        return Hopeless(PodLostError(self.pod, self.describe()))


@dataclass(frozen=True)
class Begun:
    """As many new pods with these labels have begun: a container of each runs.

    Args:
        labels: of the pods.
        old: uids of those that do not count.
        wanted: how many.

    """

    labels: Selection
    old: frozenset[str]
    wanted: int

    def describe(self) -> str:
        """Return what is waited for."""
        return f"a container to run in each of {self.wanted} new pods"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the new pods that are to stay."""
        begun: list[Object] = []
        others: list[Object] = []
        for obj in snapshot.pods(self.labels):
            if uid_of(obj) in self.old or is_deleted(obj):
                continue
            (begun if any(c.running for c in containers(obj)) else others).append(obj)
        if len(begun) >= self.wanted:
            return Ready()
        return Pending("\n".join(map(describe_pod, others)) or f"{len(begun)} have begun")
