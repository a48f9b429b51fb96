"""A Minikube cluster of one node, made when it is not there and mended when it is broken."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ports
from harness.cache import Cache
from harness.clusters import kind_config, minikube_start
from harness.clusters.base import ClusterAccess, Engine, Loaded
from harness.clusters.errors import ClusterNameError, ClusterUnhealthyError
from harness.clusters.kind import PREFIX
from harness.clusters.kind_fault import INTERRUPTED, Fault, of_containers
from harness.clusters.kind_health import KindHealth
from harness.clusters.kind_node import NodeState
from harness.clusters.kind_nodes import Started
from harness.clusters.loading import forget_images, load_images
from harness.clusters.minikube_node import MinikubeNode
from harness.clusters.minikube_tool import Minikube
from harness.command import Completed, run
from harness.errors import DeployError
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.supply.nodes import NodeImage

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
_START = 480.0  # seconds that minikube may take on a slow machine, with its downloads
_STORAGE = "/kind/manifests/default-storage.yaml"  # in an image that we made
_KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")


class MinikubeProvider:
    """Brings up one Minikube cluster whose node is a container.

    Several runs may want the same cluster: a lock by its name lets one at a time look,
    make or mend. What a killed run has left half-made is removed by the next.

    Args:
        name: of the cluster and of its profile; begins with `prefix`.
        minikube: the program.
        engine: the container engine that is to hold the node.
        image: what the node is made from, in the engine.
        cache: where the cluster's files lie.
        progress: told what is done.
        driver: what Minikube runs the node with.
        host_port: port of this machine's loopback that leads to the first of `node_ports`;
            None for whichever is free, and for whichever an existing cluster has.
        node_ports: ports of the node (30000-32767) that this machine has to reach.
        prefix: what the names of our clusters begin with.

    """

    def __init__(
        self,
        name: str,
        minikube: Path,
        engine: Engine,
        image: NodeImage,
        cache: Cache,
        progress: Progress,
        *,
        driver: str = "docker",
        host_port: int | None,
        node_ports: Sequence[int],
        prefix: str = PREFIX,
    ) -> None:
        if not name.startswith(prefix) or not _NAME.fullmatch(name):
            raise ClusterNameError(name, prefix)
        self.name = self.context = name
        self._engine, self._image, self._driver = engine, image, driver
        self._cache, self._progress = cache, progress
        self._host_port, self._node_ports = host_port, tuple(node_ports)
        # Beside what a kind cluster of that name may have.
        self.folder = cache.path("clusters", name) / "minikube"
        self.tool = Minikube(
            name,
            self.folder,
            program=minikube,
            engine=engine,
            driver=driver,
            downloads=cache.root / "minikube",
            offline=image.stand_in,
        )
        self._node = MinikubeNode(name, engine)
        self._health = KindHealth(
            self.kubeconfig, self.context, [self._node], self.tool.update_kubeconfig
        )

    @property
    def kubeconfig(self) -> Path:
        """The cluster's own kubeconfig, mode 0600."""
        return self.tool.kubeconfig

    def check(self) -> None:
        """See that the cluster can be made, or made anew, at the port that was named.

        Raises:
            PortInUseError, ForeignMinikubeError.

        """
        self._node.present()
        state = self._node.state()
        has = state.ports.get(self._node_ports[0]) if state is not None else None
        if self._host_port and has != self._host_port:
            ports.check_free(self._host_port)

    def ensure(self) -> ClusterAccess:
        """Return access to the cluster, healthy, with its node and its DNS ready.

        It is used again when it is healthy, was made from the same image and has the
        port; started again when it is stopped; made anew in all other cases.

        Raises:
            PortInUseError: before anything is made.
            ForeignMinikubeError: something of that name is not ours.
            MinikubeDriverError, MinikubeFailedError: with Minikube's own reason.
            ClusterUnhealthyError: with the words of the node.

        """
        with self._cache.lock(f"cluster-{self.name}"):
            self._wait_for_orphan()
            self.check()
            fault = self._fault(self._node.state())
            if fault is not None and fault.wake:
                fault = self._start_again(fault)
            if fault is None:
                self._progress.choice("cluster", self.name, "it is there and healthy")
                return self._access(created=False)
            return self._make(fault)

    def load(self, images: Sequence[str]) -> Loaded:
        """Bring images into the node. See load_images for what it raises."""
        self._node.require_running("to load images into it")
        with self._cache.lock(f"cluster-{self.name}"):
            return load_images([self._node], self._engine, self.folder, images)

    def endpoint(self, node_port: int) -> str:
        """Return `http://127.0.0.1:PORT` for a NodePort that the cluster publishes.

        The node's own address would do on Linux alone: elsewhere the engine is in a
        virtual machine, and this one does not see its networks.
        """
        self._node.require_running(f"to reach its port {node_port}")
        state = self._node.state()
        if state is None or node_port not in state.ports:
            raise ClusterUnhealthyError(
                self.name,
                f"the node publishes {state.ports if state else {}}, not {node_port}",
                "the node's published ports",
            )
        return f"http://{ports.LOOPBACK}:{state.ports[node_port]}"

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:  # noqa: ARG002
        """Run a program on the one node. Raises CommandFailedError."""
        return self._node.run(*argv, timeout=timeout)

    def machine(self, node: str) -> None:
        """Return none: without its one node there is no cluster."""

    def stop(self) -> None:
        """Stop the node; `ensure` starts it again with all it holds."""
        with self._cache.lock(f"cluster-{self.name}"):
            state = self._node.state()
            if state is not None and state.ours and state.running:
                self.tool.stop()

    def delete(self) -> None:
        """Remove the cluster with all it holds, and its files."""
        with self._cache.lock(f"cluster-{self.name}"):
            self._wait_for_orphan()
            self._remove()
            forget_images(self.folder)

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of the cluster."""
        state = self._node.state()
        return {
            "provider": "minikube",
            "driver": self._driver,
            "name": self.name,
            "node image": self._image.ref,
            "kubeconfig": str(self.kubeconfig),
            "context": self.context,
            "state": "missing" if state is None else "running" if state.running else "stopped",
            "ports": ", ".join(f"{o} -> {i}" for i, o in (state.ports if state else {}).items()),
        }

    @property
    def _complete(self) -> Path:
        """A file that is there once the cluster was made to its end."""
        return self.folder / "complete"

    def _wait_for_orphan(self) -> None:
        """Wait until a `minikube` that a killed run left behind has ended."""
        if not self.tool.wait_idle(0):
            with self._progress.step(f"an earlier run's minikube still works on {self.name}"):
                self.tool.wait_idle(_START)

    def _fault(self, state: NodeState | None) -> Fault | None:
        """Return why the cluster cannot be used as it is; None when it can."""
        if state is None:
            left = self._node.present()
            left += ["profile"] if self.tool.has_profile() else []
            return Fault(f"only its {', '.join(left)} is left" if left else "")
        if not self._complete.exists() or not self.tool.has_profile():
            return Fault(INTERRUPTED)
        image = self._engine.image_id(self._image.ref)
        if fault := of_containers([state], image, self._node_ports, self._host_port):
            return fault
        return self._health.fault()

    def _start_again(self, fault: Fault) -> Fault | None:
        state = self._node.state()
        published = state.ports if state is not None else {}
        with self._progress.step(f"waking cluster {self.name}: {fault.why}") as step:
            started = Started.now({self._node.name})
            try:
                self.tool.start(self._words(published), step.note, _START)
                self._health.wait(started=started)
            except DeployError as error:
                return Fault(f"it does not start again: {error.headline}")
        return None

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
            self._complete.touch()
            access = self._access(created=True)
            step.result = f"Kubernetes {access.kubernetes_version}"
        return access

    def _create(self, published: Mapping[int, int], note: Callable[[str], None]) -> None:
        self._complete.unlink(missing_ok=True)
        forget_images(self.folder)
        if "@" in self._image.ref:  # Minikube looks for it by its tag
            name = self._image.ref.partition("@")[0]
            run(self._engine.argv("tag", self._image.ref, name), timeout=30)
        try:
            self.tool.start(self._words(published), note, _START)
            if self._image.stand_in:
                self._node.run(*_KUBECTL, "apply", f"--filename={_STORAGE}")
        except DeployError as error:
            self._remove_quietly(error)
            for port in published.values():  # says it better, when somebody took it meanwhile
                ports.check_free(port)
            raise

    def _words(self, published: Mapping[int, int]) -> tuple[str, ...]:
        # Minikube's own ports are published too, at whichever are free: those are its matter.
        mine = {port: published[port] for port in self._node_ports if port in published}
        return minikube_start.words(self._driver, self._image, mine, root=os.geteuid() == 0)

    def _access(self, *, created: bool) -> ClusterAccess:
        # Each time: a node that its engine has restarted has lost the rule.
        self._node.refuse_unknown_ports(kind_config.SERVICES)
        version = self._health.version()
        return ClusterAccess(self.name, self.kubeconfig, self.context, version, created)

    def _remove_quietly(self, error: DeployError) -> None:
        """Remove what a failed start has left; if that fails too, only note it."""
        try:
            self._remove()
        except DeployError as further:
            error.add_note(f"and it cannot be removed: {further.headline}")

    def _remove(self) -> None:
        self._node.present()  # none of them may be somebody else's
        self._complete.unlink(missing_ok=True)
        self._node.empty_network()
        self.tool.delete()
        self._node.remove()
