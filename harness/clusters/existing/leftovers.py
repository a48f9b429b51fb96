"""Namespaces of runs that have died, found by their labels and their silence."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from harness.clusters.existing.errors import NamespaceInUseError
from harness.clusters.existing.lease import EXPIRES, seen_at, server_time
from harness.kube.errors import NotFoundError
from harness.kube.namespaces import ForeignNamespaceError, wait_gone
from harness.kube.resources import LEASE, NAMESPACE, Object, labels_of, name_of, status_of, uid_of
from harness.kube.tenancy import KEPT, OWNER, RUN
from harness.labels import MANAGED, ROLE

if TYPE_CHECKING:
    from harness.kube.client import Kube

#: The role of the namespace that holds what a run needs for itself.
TOOLS = "tools"
_GONE = 120.0  # seconds


@dataclass(frozen=True)
class Run:
    """The namespaces of one process of a run.

    Attributes:
        name: of the run and its process.
        owner: whose run it is.
        namespaces: as the API gives them.
        alive_at: the last sign of it, by the cluster's clock.
        kept: whether it was told to leave them.

    """

    name: str
    owner: str
    namespaces: list[Object] = field(repr=False)
    alive_at: datetime
    kept: bool

    def silent(self, now: datetime) -> float:
        """Return the seconds since the last sign of it."""
        return (now - self.alive_at).total_seconds()


def runs(client: Kube) -> Iterator[Run]:
    """Yield every process of a run that has a namespace on the cluster."""
    found: dict[str, list[Object]] = defaultdict(list)
    for namespace in client.list(NAMESPACE, labels=f"{MANAGED}=true,{RUN}"):
        found[labels_of(namespace)[RUN]].append(namespace)
    for name, namespaces in found.items():
        written = list(namespaces)
        for namespace in namespaces:
            if labels_of(namespace).get(ROLE) == TOOLS:
                written += client.list(LEASE, name_of(namespace), labels=f"{MANAGED}=true")
        yield Run(
            name=name,
            owner=labels_of(namespaces[0]).get(OWNER, "somebody"),
            namespaces=namespaces,
            alive_at=max(map(seen_at, written)),
            kept=any(KEPT in labels_of(namespace) for namespace in namespaces),
        )


def sweep(client: Kube, now: datetime, *, expires: float = EXPIRES) -> list[str]:
    """Ask for the deletion of what dead runs have left; return the namespaces' names.

    A run is dead when it has given no sign for `expires` seconds and was not told to leave
    its namespaces. Only namespaces that carry our labels are looked at.

    Args:
        client: of the cluster.
        now: by the cluster's clock, such as `seen_at` of something just made.
        expires: seconds.

    """
    removed = []
    for run in runs(client):
        if run.kept or run.name == client.tenancy.labels.get(RUN) or run.silent(now) <= expires:
            continue
        for namespace in run.namespaces:
            if status_of(namespace).get("phase") == "Terminating":
                continue
            with contextlib.suppress(NotFoundError):
                client.delete(NAMESPACE, name_of(namespace), uid=uid_of(namespace))
                removed.append(name_of(namespace))
    return removed


def make_way(client: Kube, names: Iterable[str], mine: str) -> None:
    """Refuse names that are taken. One that a dead run has left is removed first.

    Args:
        client: of the cluster.
        names: of namespaces that are to be made.
        mine: the run that makes them; what it has made already is no matter.

    Raises:
        ForeignNamespaceError: one is nothing of ours.
        NamespaceInUseError: one belongs to a run at work, or is kept.

    """
    for name in names:
        try:
            there = client.get(NAMESPACE, name)
        except NotFoundError:
            continue
        run = labels_of(there).get(RUN)
        if labels_of(there).get(MANAGED) != "true" or not run:
            raise ForeignNamespaceError(name, "work in it")
        if run == mine:
            continue
        now = server_time(client)
        found = next(one for one in runs(client) if one.name == run)
        if found.kept or found.silent(now) <= EXPIRES:
            raise NamespaceInUseError(name, found.owner, found.silent(now))
        sweep(client, now)
        wait_gone(client, NAMESPACE, name, timeout=_GONE)
