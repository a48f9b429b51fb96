"""A container whose main process is killed, as the kernel or a bug would end it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Protocol

from harness.command import Completed
from harness.errors import DeployError
from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.faults.pod import DeletedPod
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import NotFoundError
from harness.kube.pods import Container, Pod, containers, describe_pod, pod_of
from harness.kube.readiness import StartedAgain
from harness.kube.resources import EVENT, POD, Object, status_of, uid_of
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict, WaitTimeoutError, wait_for
from harness.kube.watch import Watcher

_SHOWS = 15.0  # seconds until the kubelet has noticed
_REPLACED = 60.0  # seconds


class RunOnNode(Protocol):
    """Runs a program on a node of the cluster. Raises CommandFailedError."""

    def __call__(self, *argv: str, timeout: float = 60) -> Completed:
        """Return what it said."""


class NotRunningError(DeployError):
    """The container that is to be killed does not run."""

    def __init__(self, pod: Pod, container: str) -> None:
        super().__init__(
            needed=f"container {container} of pod {pod.name} to run, so that it can be killed",
            seen=pod.describe(),
            looked=f"pod {pod.name} in namespace {pod.namespace}",
            fix="begin with a release that is ready",
        )


@dataclass(frozen=True)
class _Ended:
    """A container no longer runs as it did: it has ended, or runs again."""

    pod: Pod
    container: str

    def describe(self) -> str:
        """Return what is waited for."""
        return f"{self.pod.name}/{self.container} to have ended"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the one container; a pod that is gone has ended too."""
        for obj in snapshot.pods():
            if uid_of(obj) == self.pod.uid:
                ended = _has_ended(self.pod, obj, self.container)
                return Ready() if ended else Pending(describe_pod(obj))
        return Ready()


def _has_ended(was: Pod, now: Object, name: str) -> bool:
    container = _one(now, name)
    return not container.running or container.restarts > _one(was.obj, name).restarts


@dataclass
class KilledContainer(Fault):
    """A container whose main process gets SIGKILL from outside.

    From inside it cannot be had: the kernel keeps signals of a container's own processes
    from its first one, and a small image has no program that sends any. A container that
    is started again keeps its count of restarts, which would speak against the release
    later: so its pod is replaced in the end.

    Args:
        client: of the cluster.
        on_node: runs a program on the pod's node.
        pod: whose container.
        container: its name; the pod's first main container by default.

    Attributes:
        seconds: from the signal until the container was Ready again, once waited for.
        last_words: the last lines of its log before the signal.

    """

    client: Kube
    on_node: RunOnNode
    pod: Pod
    container: str = ""
    seconds: float = field(default=0.0, init=False)
    last_words: list[str] = field(default_factory=list, init=False, repr=False)
    _killed_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Choose the container."""
        main = next(c.name for c in self.pod.containers if not c.init)
        self.container = self.container or main

    def describe(self) -> str:
        """Return what is broken."""
        return f"the main process of {self.pod.name}/{self.container} is killed"

    def wait_until_ready(self, timeout: float) -> Pod:
        """Wait until it runs again and is Ready; return its pod then.

        Raises:
            WaitTimeoutError: not in so many seconds after the signal.
            PodLostError: its pod has been taken away instead.

        """
        left = timeout - (time.monotonic() - self._killed_at)
        with self._watcher() as watcher:
            waited = wait_for(StartedAgain(self.pod, self.container), watcher, max(left, 0.0))
        self.seconds = time.monotonic() - self._killed_at
        return next(pod_of(p) for p in waited.snapshot.pods() if uid_of(p) == self.pod.uid)

    def _break(self) -> None:
        now = self.client.get(POD, self.pod.name, self.pod.namespace)
        self.pod = pod_of(now)
        if not _one(now, self.container).running:
            raise NotRunningError(self.pod, self.container)
        self.last_words = Details(self.client).last_lines(now, self.container)
        told = self.on_node("crictl", "inspect", "--output", "json", _id(now, self.container))
        process = int((json.loads(told.stdout).get("info") or {})["pid"])
        self._killed_at = time.monotonic()
        self.on_node("kill", "-KILL", str(process))

    def _check(self) -> None:
        wait = _Ended(self.pod, self.container)
        try:
            with self._watcher() as watcher:
                wait_for(wait, watcher, _SHOWS)
        except WaitTimeoutError as error:
            raise FaultWithoutEffectError(
                self.describe(), wait.describe(), error.pending, f"pod {self.pod.name}"
            ) from error

    def _mend(self) -> None:
        try:
            now = pod_of(self.client.get(POD, self.pod.name, self.pod.namespace))
        except NotFoundError:
            return
        same = now.uid == self.pod.uid and not now.deleted
        if self._killed_at and same and _has_ended(self.pod, now.obj, self.container):
            with DeletedPod(self.client, now, grace=1) as deleted:
                deleted.wait_until_replaced(_REPLACED)

    def _watcher(self) -> Watcher:
        return Watcher(self.client, self.pod.namespace, (POD, EVENT))


def _one(pod: Object, name: str) -> Container:
    return next(c for c in containers(pod) if c.name == name)


def _id(pod: Object, name: str) -> str:
    """Return a container's id as its runtime knows it."""
    for told in status_of(pod).get("containerStatuses") or ():
        if told.get("name") == name:
            return str(told.get("containerID") or "").partition("://")[2]
    return ""
