"""A pod that is deleted, as an eviction or a person would do it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.pods import Pod, describe_pod, is_deleted, is_ready, pod_of
from harness.kube.replace import PodsReplaced
from harness.kube.resources import EVENT, POD, labels_of, uid_of
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher

_REPLACED = 60.0  # seconds


@dataclass
class DeletedPod(Fault):
    """A pod that is deleted; its owner makes another.

    Args:
        client: of the cluster.
        pod: which.
        grace: seconds that its processes get; None is the pod's own choice.

    Attributes:
        seconds: from the deletion until another was Ready, once waited for.

    """

    client: Kube
    pod: Pod
    grace: int | None = None
    seconds: float = field(default=0.0, init=False)
    _deleted_at: float = field(default=0.0, init=False)
    _others: frozenset[str] = field(default=frozenset(), init=False)

    def describe(self) -> str:
        """Return what is broken."""
        return f"pod {self.pod.name} is deleted"

    def wait_until_replaced(self, timeout: float) -> Pod:
        """Wait until another pod in its place is Ready; return it.

        Raises:
            WaitTimeoutError: not in so many seconds after the deletion.
            DeployError: the cause, when the new pod is hopeless.

        """
        left = timeout - (time.monotonic() - self._deleted_at)
        wait = PodsReplaced(self._labels, self._others, 1)
        with Watcher(self.client, self.pod.namespace, (POD, EVENT)) as watcher:
            waited = wait_for(wait, watcher, max(left, 0.0))
        self.seconds = time.monotonic() - self._deleted_at
        return next(
            pod_of(pod)
            for pod in waited.snapshot.pods(self._labels)
            if uid_of(pod) not in self._others and is_ready(pod)
        )

    @property
    def _labels(self) -> dict[str, str]:
        return labels_of(self.pod.obj)

    def _break(self) -> None:
        labels = ",".join(f"{key}={value}" for key, value in self._labels.items())
        there = self.client.list(POD, self.pod.namespace, labels=labels)
        self._others = frozenset(map(uid_of, there))
        self._deleted_at = time.monotonic()
        self.client.delete(
            POD, self.pod.name, self.pod.namespace, uid=self.pod.uid, grace=self.grace
        )

    def _check(self) -> None:
        try:
            now = self.client.get(POD, self.pod.name, self.pod.namespace)
        except NotFoundError:
            return
        if uid_of(now) == self.pod.uid and not is_deleted(now):
            raise FaultWithoutEffectError(
                self.describe(),
                "the pod to be gone or going",
                describe_pod(now),
                f"pod {self.pod.name} in namespace {self.pod.namespace}",
            )

    def _mend(self) -> None:
        if self._deleted_at and not self.seconds:
            self.wait_until_replaced(_REPLACED)
