"""Ending what runs in namespaces that are about to go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.jobs import side_by_side
from harness.kube.details import Details
from harness.kube.errors import ConflictError, NotFoundError
from harness.kube.pods import describe_pod
from harness.kube.resources import DEPLOYMENT, POD, STATEFUL_SET, name_of, uid_of
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict, WaitTimeoutError, wait_for
from harness.kube.watch import Watcher

if TYPE_CHECKING:
    from harness.kube.client import Kube

_MAKERS = (DEPLOYMENT, STATEFUL_SET)
_WITHIN = 15.0  # seconds


@dataclass(frozen=True)
class EndedOrNew:
    """No pod is left, or there is one that was not told to end: whoever made it was not gone.

    Attributes:
        told: the uids of those that were.

    """

    told: frozenset[str] = frozenset()

    def describe(self) -> str:
        """Return what is waited for."""
        return "the pods of a namespace that goes to have ended"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the pods by their uids."""
        pods = snapshot.pods()
        if {uid_of(pod) for pod in pods} - self.told or not pods:
            return Ready()
        return Pending("\n".join(map(describe_pod, pods)))


def end_pods(client: Kube, namespaces: Iterable[str], *, within: float = _WITHIN) -> bool:
    """End the pods of namespaces of ours at once; return whether all have ended in time.

    A namespace with pods in it is looked at again only after half of their grace period,
    15 s for most: without pods it goes in a few seconds.

    Args:
        client: of the cluster.
        namespaces: all of them ours.
        within: seconds.

    """
    places, deadline = list(namespaces), time.monotonic() + within
    for place in places:
        for kind in _MAKERS:
            for maker in client.list(kind, place):
                with contextlib.suppress(NotFoundError):
                    client.delete(kind, name_of(maker), place)
    return all(side_by_side(partial(_end, client, deadline), places))


def _end(client: Kube, deadline: float, place: str) -> bool:
    told: frozenset[str] = frozenset()
    with Watcher(client, place, (POD,)) as watcher:
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                pods = wait_for(EndedOrNew(told), watcher, left).snapshot.pods()
            except WaitTimeoutError:
                return False
            if not pods:
                return True
            for pod in pods:
                if uid_of(pod) not in told:
                    with contextlib.suppress(NotFoundError, ConflictError):  # another of that name
                        client.delete(POD, name_of(pod), place, uid=uid_of(pod), grace=1)
            told = frozenset(map(uid_of, pods))
