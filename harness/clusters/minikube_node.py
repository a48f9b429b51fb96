"""What of a Minikube cluster is in the container engine: a container, a volume, a network."""

from __future__ import annotations

import json
from collections.abc import Iterator

from harness.clusters.base import Engine
from harness.clusters.kind_node import KindNode
from harness.clusters.minikube_errors import ForeignMinikubeError
from harness.command import Completed, run
from harness.labels import MANAGED

_KINDS = ("container", "volume", "network")


class MinikubeNode(KindNode):
    """A node's container. It, its volume and its network have the name of the cluster."""

    def __init__(self, cluster: str, engine: Engine) -> None:
        super().__init__(cluster, engine, cluster)

    def present(self) -> list[str]:
        """Return which of them are there: container, volume, network.

        Raises:
            ForeignMinikubeError: one of them was not made by us.

        """
        found = []
        for kind, ours in self._look():
            if not ours:
                raise ForeignMinikubeError(self.cluster, kind)
            found.append(kind)
        return found

    def empty_network(self) -> None:
        """Take everybody out of the network, who would keep it from being removed."""
        done = self._ask("network", "inspect", self.name)
        if done.returncode != 0:
            return
        for container in json.loads(done.stdout)[0].get("Containers") or {}:
            self._ask("network", "disconnect", "--force", self.name, container)

    def remove(self) -> None:
        """Remove what is there, whatever Minikube may have left. Raises CommandFailedError."""
        for kind in self.present():
            volumes = ("--volumes",) if kind == "container" else ()
            force = () if kind == "network" else ("--force",)
            run(self._engine.argv(kind, "rm", *force, *volumes, self.name), timeout=120)

    def _look(self) -> Iterator[tuple[str, bool]]:
        """Yield what there is, and whether it carries our label."""
        for kind in _KINDS:
            done = self._ask(kind, "inspect", self.name)
            if done.returncode != 0:
                continue
            told = json.loads(done.stdout)[0]
            labels = (told.get("Config") or {} if kind == "container" else told).get("Labels") or {}
            yield kind, labels.get(MANAGED) == "true"

    def _ask(self, *words: str) -> Completed:
        return run(self._engine.argv(*words), timeout=30, check=False)
