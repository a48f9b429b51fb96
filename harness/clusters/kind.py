"""A kind cluster, made when it is not there and mended when it is broken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ports
from harness.cache import Cache
from harness.clusters import kind_config
from harness.clusters.base import ClusterAccess, Engine, Loaded
from harness.clusters.errors import (
    ClusterNameError,
    ClusterUnhealthyError,
)
from harness.clusters.host_limits import check_inotify
from harness.clusters.kind_fault import INTERRUPTED, Fault, of_containers, of_number
from harness.clusters.kind_health import KindHealth
from harness.clusters.kind_making import CREATE, KindMaking
from harness.clusters.kind_node import KindNode, NodeState
from harness.clusters.kind_nodes import KindNodes, Started
from harness.clusters.loading import forget_images, load_images
from harness.clusters.pod_network import PodNetwork
from harness.command import Completed
from harness.errors import DeployError
from harness.jobs import side_by_side
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.clusters.kind_tool import Kind
    from harness.supply.nodes import NodeImage
    from harness.supply.tools import Tools

PREFIX = "deploy-"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")


class KindProvider:
    """Brings up one kind cluster, by pytest-kind's KindCluster.

    Several runs may want the same cluster: a lock by its name lets one at a time look,
    make or mend. What a killed run has left half-made is removed by the next.

    Args:
        name: of the cluster; begins with `prefix`.
        tools: kind and kubectl.
        engine: the container engine that is to hold the node.
        node_image: what the node is made from, in the engine.
        cache: where the cluster's files lie.
        progress: told what is done.
        host_port: port of this machine's loopback that leads to the first of `node_ports`;
            None for whichever is free, and for whichever an existing cluster has.
        node_ports: ports of the nodes (30000-32767) that this machine has to reach.
        nodes: how many: the control plane, and workers.
        prefix: what the names of our clusters begin with.

    """

    def __init__(
        self,
        name: str,
        tools: Tools,
        engine: Engine,
        node_image: NodeImage,
        cache: Cache,
        progress: Progress,
        *,
        host_port: int | None,
        node_ports: Sequence[int],
        nodes: int = 1,
        prefix: str = PREFIX,
    ) -> None:
        if not name.startswith(prefix) or not _NAME.fullmatch(name):
            raise ClusterNameError(name, prefix)
        self.name, self.context = name, f"kind-{name}"
        self._engine, self._image = engine, node_image.ref
        self._cache, self._progress = cache, progress
        self._host_port, self._node_ports = host_port, tuple(node_ports)
        self.folder = cache.path("clusters", name)
        self._nodes = KindNodes(name, engine, nodes)
        self._making = KindMaking(self._nodes, self.folder, tools, node_image.ref)
        self._health = KindHealth(
            self.kubeconfig,
            self.context,
            tuple(self._nodes),
            lambda: self._making.tool().export_kubeconfig(),
        )

    @property
    def _node(self) -> KindNode:
        return self._nodes.first

    @property
    def kubeconfig(self) -> Path:
        """The cluster's own kubeconfig, mode 0600."""
        return self.folder / "kubeconfig"

    def check(self) -> None:
        """See that the cluster can be made, or made anew, at the port that was named.

        Raises:
            PortInUseError, ForeignClusterError.
            InotifyExhaustedError: this machine cannot carry the nodes that are missing.

        """
        self._check()

    def _check(self) -> Mapping[str, NodeState]:
        """Return what there is of the cluster, after the same."""
        there = self._nodes.look()
        self._making.check_ours(there)
        if self._engine.local:
            missing = [n for n in self._nodes.names if n not in there or not there[n].running]
            first = self._node.name in missing
            check_inotify(control_planes=int(first), workers=len(missing) - first)
        state = there.get(self._node.name)
        has = state.ports.get(self._node_ports[0]) if state is not None else None
        if self._host_port and has != self._host_port:
            ports.check_free(self._host_port)
        return there

    def ensure(self) -> ClusterAccess:
        """Return access to the cluster, healthy, with its node and its DNS ready.

        It is used again when it is healthy, was made from the same node image and has
        the port; started again when it is stopped; made anew in all other cases.

        Raises:
            PortInUseError: before anything is made.
            ForeignClusterError: a cluster of that name is not ours.
            ClusterCreateError, ClusterUnhealthyError: with the words of kind or the node.

        """
        with self._cache.lock(f"cluster-{self.name}"):
            tool = self._making.tool()
            self._wait_for_orphan(tool)
            fault = self._fault(self._check(), tool)
            if fault is not None and fault.wake:
                fault = self._start_again(fault, tool)
            if fault is None:
                self._progress.choice("cluster", self.name, "it is there and healthy")
                return self._access(created=False)
            return self._make(tool, fault)

    def load(self, images: Sequence[str]) -> Loaded:
        """Bring images into every node. See load_images for what it raises."""
        self._nodes.require_running("to load images into it")
        with self._cache.lock(f"cluster-{self.name}"):
            return load_images(tuple(self._nodes), self._engine, self.folder, images)

    def endpoint(self, node_port: int) -> str:
        """Return `http://127.0.0.1:PORT` for a NodePort that the cluster publishes."""
        self._node.require_running(f"to reach its port {node_port}")
        state = self._node.state()
        if state is None or node_port not in state.ports:
            raise ClusterUnhealthyError(
                self.name,
                f"the node publishes {state.ports if state else {}}, not {node_port}",
                "the node's published ports",
            )
        return f"http://{ports.LOOPBACK}:{state.ports[node_port]}"

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:
        """Run a program on a node. Raises CommandFailedError."""
        return self._one(node or self._node.name).run(*argv, timeout=timeout)

    def machine(self, node: str) -> KindNode | None:
        """Return the container that a worker is; the control plane is not to be lost."""
        return self._one(node) if node in self._nodes.names[1:] else None

    def stop(self) -> None:
        """Stop the nodes; `ensure` starts them again with all they hold."""
        with self._cache.lock(f"cluster-{self.name}"):
            if all(state.ours for state in self._nodes.look().values()):
                self._nodes.stop()

    def delete(self) -> None:
        """Remove the cluster with all it holds, and its files."""
        with self._cache.lock(f"cluster-{self.name}"):
            tool = self._making.tool()
            self._wait_for_orphan(tool)
            self._making.remove(tool)
            forget_images(self.folder)
            self.kubeconfig.unlink(missing_ok=True)

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of the cluster."""
        state = self._node.state()
        return {
            "provider": "kind",
            "name": self.name,
            "nodes": ", ".join(self._nodes.names),
            "node image": self._image,
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "state": "missing" if state is None else "running" if state.running else "stopped",
            "ports": ", ".join(f"{o} -> {i}" for i, o in (state.ports if state else {}).items()),
        }

    def _wait_for_orphan(self, tool: Kind) -> None:
        """Wait until a `kind` that a killed run left behind has ended."""
        if not tool.wait_idle(0):
            with self._progress.step(f"an earlier run's kind still works on {self.name}"):
                tool.wait_idle(CREATE)

    def _fault(self, there: Mapping[str, NodeState], tool: Kind) -> Fault | None:
        """Return why the cluster cannot be used as it is; None when it can."""
        if fault := of_number(self._nodes.names, there):
            return fault
        states, image = list(there.values()), self._engine.image_id(self._image)
        if fault := of_containers(states, image, self._node_ports, self._host_port):
            return fault
        if not self._node.is_complete():
            return Fault(INTERRUPTED, wake=tool.has_created())
        return self._health.fault()

    def _start_again(self, fault: Fault, tool: Kind) -> Fault | None:
        with self._progress.step(f"waking cluster {self.name}: {fault.why}"):
            started, complete = self._nodes.start(), self._node.is_complete()
            if not (complete or tool.has_created()):
                return Fault(INTERRUPTED)
            try:
                if started is not None:
                    self._help_up(started)
                self._health.wait(started=started, written=started is not None)
                if not complete:
                    self._node.mark_complete()
            except DeployError as error:
                return Fault(f"it does not start again: {error.headline}")
        return None

    def _help_up(self, started: Started) -> None:
        """Spare nodes that were started the pauses after which they ask again by themselves."""
        nodes = [node for node in self._nodes if node.name in started.names]
        if self._node.name in started.names:
            self._node.lead_to_api(kind_config.API_SERVICE, kind_config.API_PORT)
        self._nodes.refuse_unknown_ports(kind_config.SERVICES)
        self._health.wait_for_api()
        side_by_side(KindNode.restart_kubelet, nodes)

    def _make(self, tool: Kind, fault: Fault) -> ClusterAccess:
        if fault.why:
            with self._progress.step(f"removing cluster {self.name}: {fault.why}"):
                self._making.remove(tool)
        first = self._host_port or ports.free_port()
        ports.check_free(first)
        others = ports.free_ports(len(self._node_ports) - 1)
        published = dict(zip(self._node_ports, [first, *others], strict=True))
        with self._progress.step(f"making cluster {self.name}") as step:
            step.note("kind create cluster")
            self._making.create(tool, published)
            step.note("waiting for the node and its DNS")
            self._health.wait(written=True)
            self._node.mark_complete()
            access = self._access(created=True)
            step.result = f"Kubernetes {access.kubernetes_version}"
        return access

    def _access(self, *, created: bool) -> ClusterAccess:
        # Each time: a node that its engine has restarted has lost rules and routes.
        self._nodes.refuse_unknown_ports(kind_config.SERVICES)
        if self._nodes.count > 1:
            with self._health.client() as client:
                PodNetwork(self._nodes, client).join()
        version = self._health.version()
        return ClusterAccess(self.name, self.kubeconfig, self.context, version, created)

    def _one(self, name: str) -> KindNode:
        return KindNode(self.name, self._engine, name)
