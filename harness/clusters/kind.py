"""A kind cluster, made when it is not there and mended when it is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.cache import Cache
from harness.clusters import kind_config
from harness.clusters.base import Engine
from harness.clusters.host_limits import check_inotify
from harness.clusters.kind_fault import INTERRUPTED, Fault, of_containers, of_number
from harness.clusters.kind_making import CREATE, KindMaking
from harness.clusters.kind_node import KindNode, NodeState
from harness.clusters.kind_nodes import KindNodes, Started
from harness.clusters.own import PREFIX, OwnCluster
from harness.clusters.pod_network import PodNetwork
from harness.command import Completed
from harness.errors import DeployError
from harness.jobs import side_by_side
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.supply.nodes import NodeImage
    from harness.supply.tools import Tools


class KindProvider(OwnCluster):
    """Brings up one kind cluster, by pytest-kind's KindCluster.

    Args:
        name: of the cluster; begins with `prefix`.
        tools: kind and kubectl.
        engine: the container engine that is to hold the node.
        node_image: what the node is made from, in the engine.
        cache: where the cluster's files lie.
        progress: told what is done.
        host_port: see OwnCluster, as `node_ports` and `prefix`.
        node_ports: of the nodes.
        nodes: how many: the control plane, and workers.
        prefix: of the name.

    Raises of `check` and `ensure`, beside those of OwnCluster:
        ForeignClusterError: a cluster of that name is not ours.
        InotifyExhaustedError: this machine cannot carry the nodes that are missing.
        ClusterCreateError: with the words of kind.

    """

    maker = "kind"
    longest = CREATE

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
        self._nodes = KindNodes(name, engine, nodes)
        super().__init__(
            name,
            f"kind-{name}",
            engine,
            node_image.ref,
            cache,
            progress,
            nodes=tuple(self._nodes),
            export=lambda: self._making.tool().export_kubeconfig(),
            host_port=host_port,
            node_ports=node_ports,
            prefix=prefix,
        )
        self._making = KindMaking(self._nodes, self.folder, tools, node_image.ref)

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:
        """Run a program on a node. Raises CommandFailedError."""
        return self._one(node or self._first.name).run(*argv, timeout=timeout)

    def machine(self, node: str) -> KindNode | None:
        """Return the container that a worker is; the control plane is not to be lost."""
        return self._one(node) if node in self._nodes.names[1:] else None

    def _one(self, name: str) -> KindNode:
        return KindNode(self.name, self._engine, name)

    def _look(self) -> Mapping[str, NodeState]:
        there = self._nodes.look()
        self._making.check_ours(there)
        if self._engine.local:
            missing = [n for n in self._nodes.names if n not in there or not there[n].running]
            first = self._first.name in missing
            check_inotify(control_planes=int(first), workers=len(missing) - first)
        return there

    def _fault(self, there: Mapping[str, NodeState]) -> Fault | None:
        if fault := of_number(self._nodes.names, there):
            return fault
        states, image = list(there.values()), self._engine.image_id(self._image)
        if fault := of_containers(states, image, self._node_ports, self._host_port):
            return fault
        if not self._first.is_complete():
            return Fault(INTERRUPTED, wake=self._making.tool().has_created())
        return self._health.fault()

    def _start_again(self, fault: Fault) -> Fault | None:
        with self._progress.step(f"waking cluster {self.name}: {fault.why}"):
            started, complete = self._nodes.start(), self._first.is_complete()
            if not (complete or self._making.tool().has_created()):
                return Fault(INTERRUPTED)
            try:
                if started is not None:
                    self._help_up(started)
                self._health.wait(started=started, written=started is not None)
                if not complete:
                    self._mark_complete()
            except DeployError as error:
                return Fault(f"it does not start again: {error.headline}")
        return None

    def _help_up(self, started: Started) -> None:
        """Spare nodes that were started the pauses after which they ask again by themselves."""
        nodes = [node for node in self._nodes if node.name in started.names]
        if self._first.name in started.names:
            self._first.lead_to_api(kind_config.API_SERVICE, kind_config.API_PORT)
        self._refuse_unknown_ports()
        self._health.wait_for_api()
        side_by_side(KindNode.restart_kubelet, nodes)

    def _create(self, published: Mapping[int, int], note: Callable[[str], None]) -> None:
        note("kind create cluster")
        self._making.create(self._making.tool(), published)

    def _mark_complete(self) -> None:
        self._first.mark_complete()

    def _restore_network(self) -> None:
        super()._restore_network()
        if self._nodes.count > 1:
            with self._health.client() as client:
                PodNetwork(self._nodes, client).join()

    def _stop(self) -> None:
        if all(state.ours for state in self._nodes.look().values()):
            self._nodes.stop()

    def _remove(self) -> None:
        self._making.remove(self._making.tool())

    def _require_running(self, needed_for: str) -> None:
        self._nodes.require_running(needed_for)

    def _wait_idle(self, timeout: float) -> bool:
        return self._making.tool().wait_idle(timeout)

    def _describe(self) -> Mapping[str, str]:
        return {"nodes": ", ".join(self._nodes.names)}
