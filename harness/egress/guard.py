"""The way out of a cluster, closed and watched for one process of a run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import yaml

from harness.command import CommandFailedError, CommandTimedOutError
from harness.egress import table
from harness.egress.attempt import Attempt, Owner, attempts
from harness.egress.beside import Beside, Moves
from harness.egress.destination import Destination, Host, names
from harness.egress.errors import EgressOpenError
from harness.egress.names import Asked, logging, read_asked
from harness.errors import DeployError
from harness.jobs import side_by_side
from harness.kube.logs import logs
from harness.kube.replace import replace_pods
from harness.kube.resources import (
    CONFIG_MAP,
    NODE,
    POD,
    Object,
    labels_of,
    meta,
    name_of,
    status_of,
)
from harness.kube.state import parse_time
from harness.kube.watch import Watcher
from harness.labels import MANAGED

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from harness.clusters.base import Provider
    from harness.kube.client import Kube

_SYSTEM, _DNS = "kube-system", {"k8s-app": "kube-dns"}
_AGAIN = 15.0  # seconds after which names outside are looked up again
_LOOK_UP = 10.0  # seconds that a node may take to look a name up


@dataclass
class Guard:
    """Closes the way out of a cluster of our own, and tells who tried it.

    Several processes may share the cluster: each adds whom its pods may reach, and none takes
    away what another has added. What is refused is refused at once.

    Args:
        provider: of the cluster.
        client: of the cluster.
        beside: the containers that its pods use.
        hosts: returns those outside that they may reach.
        namespaces: of whose pods it is told.
        lock: held while the cluster's DNS is changed.

    All methods raise EgressOpenError where the cluster's nodes cannot be closed.

    """

    provider: Provider
    client: Kube
    beside: Beside
    hosts: Callable[[], Iterable[Host]]
    namespaces: tuple[str, ...]
    lock: BaseFileLock
    _nodes: tuple[str, ...] = field(default=(), init=False)
    _domains: frozenset[str] = field(default=frozenset(), init=False)
    _allowed: set[Destination] = field(default_factory=set, init=False)
    _known: set[str] = field(default_factory=set, init=False)
    _watchers: list[Watcher] = field(default_factory=list, init=False)
    _owners: dict[tuple[str, str], Owner] = field(default_factory=dict, init=False)
    _moves: Moves | None = field(default=None, init=False)
    _adding: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def close(self) -> None:
        """Close every node, and begin to watch whose addresses are whose.

        Nobody outside is allowed yet but who was before: see `admit`.
        """
        nodes = self.client.list(NODE)
        self._nodes = tuple(map(name_of, nodes))
        described = self._kubeadm()["networking"]
        inside = table.Inside(
            IPv4Network(described["podSubnet"]),
            IPv4Network(described["serviceSubnet"]),
            tuple(address for node in nodes for address in _addresses(node)),
        )
        side_by_side(partial(self._close, table.closing(inside)), self._nodes)
        ours = f"{self.beside.tenant}.internal"  # asked for also while a container is stopped
        self._domains = frozenset({str(described["dnsDomain"]), ours, *self._searched()})
        with self.lock:
            self._write_names_down()
        for namespace in self.namespaces:
            self._watchers.append(Watcher(self.client, namespace, (POD,)).__enter__())

    def open(self) -> None:
        """Open every node again, for all who share the cluster."""
        self._nodes = tuple(map(name_of, self.client.list(NODE)))
        side_by_side(partial(self._nft, table.opening()), self._nodes)

    def admit(self) -> None:
        """Allow whom the pods are to use, from now on also where that moves to."""
        self._admit()
        if self._moves is None:
            self._moves = Moves(self.beside.engine, self._moved)
            self._moves.start()
            if list(self.hosts()):
                threading.Thread(target=self._look_again, daemon=True, name="hosts").start()

    def attempts(self) -> list[Attempt]:
        """Return whom the pods of our namespaces have tried to reach and may not."""
        self._admit()
        return attempts(
            self.tried(),
            self._asked(),
            self._pods(),
            resolve=self._resolve,
            allowed=self._allowed,
            known=self._known,
        )

    def tried(self) -> list[table.Tried]:
        """Return every call that the nodes have refused, whosever pod it was."""
        now = datetime.now(UTC)
        return [
            one
            for node in self._nodes
            for one in table.read_tried(self._shown(node, table.TRIED), now)
        ]

    def where(self) -> str:
        """Return what `attempts` looks at."""
        nodes, spaces = ", ".join(self._nodes), ", ".join(self.namespaces)
        return (
            f"what was refused on {nodes}, and whom the cluster's DNS was asked for; "
            f"by the pods of namespace {spaces}"
        )

    def stop(self) -> None:
        """End what watches; the cluster stays closed."""
        self._stopped.set()
        if self._moves:
            self._moves.stop()
        for watcher in self._watchers:
            watcher.stop()

    def _admit(self) -> None:
        with self._adding:
            destinations, aliases = self.beside.look()
            hosts = list(self.hosts())
            wanted = {*destinations, *(one for host in hosts for one in host.destinations())}
            if new := wanted - self._allowed:
                side_by_side(partial(self._nft, table.allowing(new)), self._nodes)
            self._allowed |= wanted
            self._known |= aliases | names(hosts)

    def _moved(self) -> None:
        with contextlib.suppress(DeployError):  # the node is away: the next look tells
            self._admit()

    def _look_again(self) -> None:
        from docker.errors import DockerException

        while not self._stopped.wait(_AGAIN):
            with contextlib.suppress(DockerException):
                self._moved()

    def _close(self, commands: str, node: str) -> None:
        try:
            self._nft(commands, node)
        except EgressOpenError:  # sets of another kind, by an earlier version
            self._nft(table.opening() + commands, node)

    def _nft(self, commands: str, node: str) -> None:
        try:
            self.provider.on_node("nft", commands, node=node)
        except CommandFailedError as error:
            raise EgressOpenError(f"node {node}: {error.seen}") from error

    def _shown(self, node: str, name: str) -> str:
        try:
            return self.provider.on_node(*table.listing(name), node=node).stdout
        except CommandFailedError as error:
            why = f"node {node} is not closed any more, perhaps by another run: {error.seen}"
            raise EgressOpenError(why) from error

    def _kubeadm(self) -> dict[str, Any]:
        """Return what kubeadm was told of the cluster; kind and Minikube both use it."""
        held = self.client.get(CONFIG_MAP, "kubeadm-config", _SYSTEM)
        found: dict[str, Any] = yaml.safe_load(held["data"]["ClusterConfiguration"])
        return found

    def _searched(self) -> set[str]:
        """Return the domains in which the nodes, and so pods, look for short names."""
        found = set[str]()
        for node in self._nodes:
            shown = self.provider.on_node("cat", "/etc/resolv.conf", node=node).stdout
            for line in shown.splitlines():
                word, *domains = line.split() or [""]
                found |= set(domains) if word == "search" else set()
        return found - {"."}

    def _write_names_down(self) -> None:
        """Have the cluster's DNS write down who asks it for what; done once for a cluster."""
        held = self.client.get(CONFIG_MAP, "coredns", _SYSTEM)
        corefile = str(held["data"]["Corefile"])
        if (wanted := logging(corefile)) != corefile:
            self.client.patch(CONFIG_MAP, "coredns", {"data": {"Corefile": wanted}}, _SYSTEM)
            # It would notice by itself, a minute or two later.
            replace_pods(self.client, _SYSTEM, _DNS)

    def _asked(self) -> list[Asked]:
        labels = ",".join(f"{name}={value}" for name, value in _DNS.items())
        found: list[Asked] = []
        for pod in self.client.list(POD, _SYSTEM, labels=labels):
            with contextlib.suppress(DeployError):  # one that comes or goes has no log
                said = logs(self.client, _SYSTEM, name_of(pod), timestamps=True)
                found += read_asked(said, self._domains)
        return found

    def _pods(self) -> Sequence[Owner]:
        """Return the pods of our namespaces, those too that are gone, the harness's own apart."""
        for watcher in self._watchers:
            snapshot, _ = watcher.state.snapshot()
            for pod in [*snapshot.pods(), *(change.obj for change in watcher.state.changes())]:
                if labels_of(pod).get(MANAGED) == "true":
                    continue
                address = str(status_of(pod).get("podIP") or "")
                since = parse_time(meta(pod).get("creationTimestamp"))
                if address and since and address != status_of(pod).get("hostIP"):
                    owner = Owner(str(meta(pod)["namespace"]), name_of(pod), address, since)
                    self._owners[str(meta(pod)["uid"]), address] = owner
        return list(self._owners.values())

    def _resolve(self, name: str) -> set[str]:
        """Return the addresses of a name as the cluster's DNS has them: from its node's."""
        try:
            found = self.provider.on_node("getent", "ahostsv4", "--", name, timeout=_LOOK_UP)
        except (CommandFailedError, CommandTimedOutError):
            return set()
        return {line.split()[0] for line in found.stdout.splitlines() if line.strip()}


def _addresses(node: Object) -> list[str]:
    told = status_of(node).get("addresses") or ()
    found = (str(one["address"]) for one in told if one.get("type") == "InternalIP")
    return [address for address in found if "." in address]
