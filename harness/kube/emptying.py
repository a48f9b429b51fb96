"""Ending what runs in namespaces that are about to go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.kube.errors import ConflictError, NotFoundError
from harness.kube.resources import DEPLOYMENT, POD, STATEFUL_SET, name_of, uid_of

if TYPE_CHECKING:
    from harness.kube.client import Kube

_MAKERS = (DEPLOYMENT, STATEFUL_SET)
_WITHIN = 15.0  # seconds
_PAUSE = 0.3


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
    while True:
        pods = [pod for place in places for pod in client.list(POD, place)]
        if not pods or time.monotonic() > deadline:
            return not pods
        for pod in pods:
            place = pod["metadata"]["namespace"]
            with contextlib.suppress(NotFoundError, ConflictError):  # a successor of that name
                client.delete(POD, name_of(pod), place, uid=uid_of(pod), grace=1)
        time.sleep(_PAUSE)
