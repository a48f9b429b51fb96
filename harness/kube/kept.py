"""Workloads that somebody else may change, and that are as they were afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from harness.kube.client import Kube
from harness.kube.errors import ConflictError
from harness.kube.resources import DEPLOYMENT, Object

_TRIES = 5  # a controller writes to the same objects


@contextlib.contextmanager
def kept(client: Kube, namespace: str, names: Sequence[str]) -> Iterator[list[Object]]:
    """Remember what Deployments ask for, and put it back where it is something else.

    Returns before the pods have followed.

    Args:
        client: of the cluster.
        namespace: where they are.
        names: of the Deployments.

    """
    before = [client.get(DEPLOYMENT, name, namespace) for name in names]
    try:
        yield before
    finally:
        for old in before:
            change_spec(client, old, old["spec"]["replicas"], old["spec"]["template"])


def change_spec(client: Kube, deployment: Object, replicas: int, template: Object) -> None:
    """Have a Deployment ask for so many pods of this template; nothing if it does already."""
    meta = deployment["metadata"]
    for left in reversed(range(_TRIES)):
        now = client.get(DEPLOYMENT, meta["name"], meta["namespace"])
        if (now["spec"]["replicas"], now["spec"]["template"]) == (replicas, template):
            return
        now["spec"] |= {"replicas": replicas, "template": template}
        try:
            client.json("PUT", DEPLOYMENT.path(meta["namespace"], meta["name"]), body=now)
        except ConflictError:
            if not left:
                raise
        else:
            return
