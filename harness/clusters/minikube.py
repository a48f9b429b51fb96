"""A Minikube cluster of one node, made when it is not there and mended when it is broken."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ports
from harness.cache import Cache
from harness.clusters import minikube_start
from harness.clusters.base import Engine
from harness.clusters.kind_fault import INTERRUPTED, Fault, of_containers
from harness.clusters.kind_node import NodeState
from harness.clusters.kind_nodes import Started
from harness.clusters.loading import forget_images
from harness.clusters.minikube_node import MinikubeNode
from harness.clusters.minikube_tool import Minikube
from harness.clusters.own import PREFIX, OwnCluster
from harness.command import Completed, run
from harness.errors import DeployError
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.supply.nodes import NodeImage

_START = 480.0  # seconds that minikube may take on a slow machine, with its downloads
_STORAGE = "/kind/manifests/default-storage.yaml"  # in an image that we made
_KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")


class MinikubeProvider(OwnCluster):
    """Brings up one Minikube cluster whose node is a container.

    Args:
        name: of the cluster and of its profile; begins with `prefix`.
        minikube: the program.
        engine: the container engine that is to hold the node.
        image: what the node is made from, in the engine.
        cache: where the cluster's files lie.
        progress: told what is done.
        driver: what Minikube runs the node with.
        host_port: see OwnCluster, as `node_ports` and `prefix`.
        node_ports: of the node.
        prefix: of the name.

    Raises of `check` and `ensure`, beside those of OwnCluster:
        ForeignMinikubeError: something of that name is not ours.
        MinikubeDriverError, MinikubeFailedError: with Minikube's own reason.

    """

    maker = "minikube"
    place = "minikube"  # beside what a kind cluster of that name may have
    longest = _START

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
        self._node = MinikubeNode(name, engine)
        super().__init__(
            name,
            name,
            engine,
            image.ref,
            cache,
            progress,
            nodes=[self._node],
            export=lambda: self.tool.update_kubeconfig(),
            host_port=host_port,
            node_ports=node_ports,
            prefix=prefix,
        )
        self._driver, self._made_from = driver, image
        self.tool = Minikube(
            name,
            self.folder,
            program=minikube,
            engine=engine,
            driver=driver,
            downloads=cache.root / "minikube",
            offline=image.stand_in,
        )

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:  # noqa: ARG002
        """Run a program on the one node. Raises CommandFailedError."""
        return self._node.run(*argv, timeout=timeout)

    def machine(self, node: str) -> None:
        """Return none: without its one node there is no cluster."""

    @property
    def _complete(self) -> Path:
        """A file that is there once the cluster was made to its end."""
        return self.folder / "complete"

    def _look(self) -> Mapping[str, NodeState]:
        self._node.present()
        state = self._node.state()
        return {self._node.name: state} if state is not None else {}

    def _fault(self, there: Mapping[str, NodeState]) -> Fault | None:
        if not there:
            left = self._node.present()
            left += ["profile"] if self.tool.has_profile() else []
            return Fault(f"only its {', '.join(left)} is left" if left else "")
        if not self._complete.exists() or not self.tool.has_profile():
            return Fault(INTERRUPTED)
        states, image = list(there.values()), self._engine.image_id(self._image)
        if fault := of_containers(states, image, self._node_ports, self._host_port):
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

    def _create(self, published: Mapping[int, int], note: Callable[[str], None]) -> None:
        self._complete.unlink(missing_ok=True)
        forget_images(self.folder)
        if "@" in self._image:  # Minikube looks for it by its tag
            name = self._image.partition("@")[0]
            run(self._engine.argv("tag", self._image, name), timeout=30)
        try:
            self.tool.start(self._words(published), note, _START)
            if self._made_from.stand_in:
                self._node.run(*_KUBECTL, "apply", f"--filename={_STORAGE}")
        except DeployError as error:
            self._remove_quietly(error)
            for port in published.values():  # says it better, when somebody took it meanwhile
                ports.check_free(port)
            raise

    def _words(self, published: Mapping[int, int]) -> tuple[str, ...]:
        # Minikube's own ports are published too, at whichever are free: those are its matter.
        mine = {port: published[port] for port in self._node_ports if port in published}
        return minikube_start.words(self._driver, self._made_from, mine, root=os.geteuid() == 0)

    def _mark_complete(self) -> None:
        self._complete.touch()

    def _stop(self) -> None:
        state = self._node.state()
        if state is not None and state.ours and state.running:
            self.tool.stop()

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

    def _require_running(self, needed_for: str) -> None:
        self._node.require_running(needed_for)

    def _wait_idle(self, timeout: float) -> bool:
        return self.tool.wait_idle(timeout)

    def _describe(self) -> Mapping[str, str]:
        return {"driver": self._driver}
