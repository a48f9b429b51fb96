"""A cluster of our own, whose nodes are containers: used again, started again or made anew."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness import ports
from harness.cache import Cache
from harness.clusters import kind_config
from harness.clusters.base import ClusterAccess, Engine, Loaded
from harness.clusters.errors import ClusterNameError, ClusterUnhealthyError
from harness.clusters.kind_fault import Fault
from harness.clusters.kind_health import KindHealth
from harness.clusters.kind_node import KindNode, NodeState
from harness.clusters.loading import forget_images, load_images, name_images
from harness.jobs import side_by_side
from harness.kube.tenancy import KEPT_FROM_HOST, Tenancy
from harness.progress import Progress

PREFIX = "deploy-"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")


class OwnCluster(ABC):
    """What is the same whichever program makes the nodes.

    Several runs may want the same cluster: a lock by its name lets one at a time look,
    make or mend. What a killed run has left half-made is removed by the next.

    Args:
        name: of the cluster; begins with `prefix`.
        context: in its kubeconfig.
        engine: the container engine that is to hold the nodes.
        image: what the nodes are made from, in the engine.
        cache: where the cluster's files lie.
        progress: told what is done.
        nodes: that it is to have; the first is the control plane.
        export: writes the kubeconfig anew.
        host_port: port of this machine's loopback that leads to the first of `node_ports`;
            None for whichever is free, and for whichever an existing cluster has.
        node_ports: ports of the nodes (30000-32767) that this machine has to reach.
        prefix: what the names of our clusters begin with.

    """

    #: The program that makes it.
    maker: ClassVar[str]
    #: Below the folder of clusters of that name.
    place: ClassVar[str] = ""
    #: Seconds that the program may take to make it.
    longest: ClassVar[float]

    def __init__(
        self,
        name: str,
        context: str,
        engine: Engine,
        image: str,
        cache: Cache,
        progress: Progress,
        *,
        nodes: Sequence[KindNode],
        export: Callable[[], None],
        host_port: int | None,
        node_ports: Sequence[int],
        prefix: str,
    ) -> None:
        if not name.startswith(prefix) or not _NAME.fullmatch(name):
            raise ClusterNameError(name, prefix)
        self.name, self.context = name, context
        self.folder = cache.path("clusters", name) / self.place
        self._engine, self._image = engine, image
        self._cache, self._progress = cache, progress
        self._host_port, self._node_ports = host_port, tuple(node_ports)
        self._containers = tuple(nodes)
        self._health = KindHealth(self.kubeconfig, context, self._containers, export)

    @property
    def kubeconfig(self) -> Path:
        """The cluster's own kubeconfig, mode 0600."""
        return self.folder / "kubeconfig"

    @property
    def _first(self) -> KindNode:
        """The control plane."""
        return self._containers[0]

    def check(self) -> None:
        """See that the cluster can be made, or made anew, at the port that was named.

        Raises:
            PortInUseError, and what `_look` raises.

        """
        self._check()

    def _check(self) -> Mapping[str, NodeState]:
        """Return what there is of the cluster, after the same."""
        there = self._look()
        state = there.get(self._first.name)
        has = state.ports.get(self._node_ports[0]) if state is not None else None
        if self._host_port and has != self._host_port:
            ports.check_free(self._host_port)
        return there

    def ensure(self) -> ClusterAccess:
        """Return access to the cluster, healthy, with its nodes and its DNS ready.

        It is used again when it is healthy, was made from the same node image and has
        the port; started again when it is stopped; made anew in all other cases.

        Raises:
            PortInUseError: before anything is made.
            ClusterUnhealthyError: with the words of the nodes.
            DeployError: what `_look` and `_create` raise.

        """
        with self._cache.lock(f"cluster-{self.name}"):
            self._wait_for_orphan()
            fault = self._fault(self._check())
            if fault is not None and fault.wake:
                fault = self._start_again(fault)
            if fault is None:
                self._progress.choice("cluster", self.name, "it is there and healthy")
                return self._access(created=False)
            return self._make(fault)

    def load(self, images: Sequence[str], names: Mapping[str, str] | None = None) -> Loaded:
        """Bring images into every node. See load_images for what it raises."""
        self._require_running("to load images into it")
        with self._cache.lock(f"cluster-{self.name}"):
            loaded = load_images(self._containers, self._engine, self.folder, images)
            name_images(self._containers, names or {})
            return loaded

    def endpoint(self, node_port: int) -> str:
        """Return `http://127.0.0.1:PORT` for a NodePort that the cluster publishes.

        A node's own address would do on Linux alone: elsewhere the engine is in a virtual
        machine, and this one does not see its networks.
        """
        self._first.require_running(f"to reach its port {node_port}")
        state = self._first.state()
        if state is None or node_port not in state.ports:
            raise ClusterUnhealthyError(
                self.name,
                f"the node publishes {state.ports if state else {}}, not {node_port}",
                "the node's published ports",
            )
        return f"http://{ports.LOOPBACK}:{state.ports[node_port]}"

    def stop(self) -> None:
        """Stop the nodes; `ensure` starts them again with all they hold."""
        with self._cache.lock(f"cluster-{self.name}"):
            self._stop()

    def delete(self) -> None:
        """Remove the cluster with all it holds, and its files."""
        with self._cache.lock(f"cluster-{self.name}"):
            self._wait_for_orphan()
            self._remove()
            forget_images(self.folder)
            self.kubeconfig.unlink(missing_ok=True)

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of the cluster."""
        state = self._first.state()
        return {
            "provider": self.maker,
            **self._describe(),
            "name": self.name,
            "node image": self._image,
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "state": "missing" if state is None else "running" if state.running else "stopped",
            "ports": ", ".join(f"{o} -> {i}" for i, o in (state.ports if state else {}).items()),
        }

    def _wait_for_orphan(self) -> None:
        """Wait until a program that a killed run left behind has ended."""
        if not self._wait_idle(0):
            with self._progress.step(f"an earlier run's {self.maker} still works on {self.name}"):
                self._wait_idle(self.longest)

    def _make(self, fault: Fault) -> ClusterAccess:
        if fault.why:
            with self._progress.step(f"removing cluster {self.name}: {fault.why}"):
                self._remove()
        first = self._host_port or ports.free_port()
        ports.check_free(first)
        others = ports.free_ports(len(self._node_ports) - 1)
        published = dict(zip(self._node_ports, [first, *others], strict=True))
        with self._progress.step(f"making cluster {self.name}") as step:
            self._create(published, step.note)
            step.note("waiting for the node and its DNS")
            self._health.wait(written=True)
            self._mark_complete()
            access = self._access(created=True)
            step.result = f"Kubernetes {access.kubernetes_version}"
        return access

    def _access(self, *, created: bool) -> ClusterAccess:
        self._restore_network()
        version = self._health.version()
        witness = self._first.words_of_api
        return ClusterAccess(
            self.name,
            self.kubeconfig,
            self.context,
            version,
            created,
            tenancy=Tenancy(labels=KEPT_FROM_HOST),
            witness=witness,
        )

    def _restore_network(self) -> None:
        """Do it each time: a node that its engine has restarted has lost rules and routes."""
        self._refuse_unknown_ports()

    def _refuse_unknown_ports(self) -> None:
        side_by_side(lambda node: node.refuse_unknown_ports(kind_config.SERVICES), self._containers)

    @abstractmethod
    def _look(self) -> Mapping[str, NodeState]:
        """Return the nodes that there are, by name. Raises when one is not ours."""

    @abstractmethod
    def _fault(self, there: Mapping[str, NodeState]) -> Fault | None:
        """Return why the cluster cannot be used as it is; None when it can."""

    @abstractmethod
    def _start_again(self, fault: Fault) -> Fault | None:
        """Start it; return why it has to be made anew, None when it is healthy."""

    @abstractmethod
    def _create(self, published: Mapping[int, int], note: Callable[[str], None]) -> None:
        """Make it, each port of the control plane in `published` at one of the loopback."""

    @abstractmethod
    def _mark_complete(self) -> None:
        """Note that it was made to its end."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop what runs of it and is ours."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove it with all it holds. Raises when it is not ours."""

    @abstractmethod
    def _require_running(self, needed_for: str) -> None:
        """Raise ClusterMissingError unless all nodes run."""

    @abstractmethod
    def _wait_idle(self, timeout: float) -> bool:
        """Wait until no program works on it; return whether that is so."""

    @abstractmethod
    def _describe(self) -> Mapping[str, str]:
        """Return what a report says of it beside the rest."""
