"""The containers of a kind cluster, made and removed by kind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import ports
from harness.clusters import kind_config
from harness.clusters.errors import ClusterCreateError, ForeignClusterError
from harness.clusters.kind_node import NodeState
from harness.clusters.kind_nodes import KindNodes
from harness.clusters.loading import forget_images

if TYPE_CHECKING:
    from harness.clusters.kind_tool import Kind
    from harness.supply.tools import Tools

CREATE = 420.0  # seconds that kind may take on a slow machine


@dataclass(frozen=True)
class KindMaking:
    """How one cluster is made.

    Args:
        nodes: that it is to have.
        folder: where its files lie.
        tools: kind and kubectl.
        image: the node image.

    """

    nodes: KindNodes
    folder: Path
    tools: Tools
    image: str

    def tool(self) -> Kind:
        """Return kind, bound to the cluster."""
        from harness.clusters.kind_tool import Kind  # imports pykube: 0.6 s

        self.folder.mkdir(parents=True, exist_ok=True)
        return Kind(
            self.nodes.cluster,
            self.folder,
            image=self.image,
            kind=self.tools.kind,
            kubectl=self.tools.kubectl,
            engine=self.nodes.engine,
            timeout=CREATE,
        )

    def create(self, tool: Kind, published: Mapping[int, int]) -> None:
        """Make it, each port of the control plane in `published` at one of the loopback.

        Raises:
            PortInUseError: somebody took one of them meanwhile.
            ClusterCreateError: with the words of kind.

        """
        file = kind_config.write(
            self.folder,
            self.nodes.cluster,
            image=self.image,
            published=published,
            workers=self.nodes.count - 1,
        )
        forget_images(self.folder)
        try:
            tool.create(file)
        except subprocess.CalledProcessError as error:
            why = f"kind ended with exit code {error.returncode}\n{tool.log_tail()}"
            self.remove(tool)
            for port in published.values():  # says it better
                ports.check_free(port)
            raise ClusterCreateError(self.nodes.cluster, why, tool.log) from error

    def remove(self, tool: Kind) -> None:
        """Remove it with all it holds.

        Raises:
            ForeignClusterError, ClusterCreateError.

        """
        there = self.nodes.look()
        self.check_ours(there)
        first = self.nodes.first
        if self.nodes.count > 1 and first.name in there and there[first.name].running:
            # Files of whoever the pods ran as, which not everybody may remove from outside.
            words = (kind_config.VOLUMES, "-mindepth", "1", "-delete")
            first.run("find", *words, check=False)
        try:
            tool.delete()
        except subprocess.CalledProcessError as error:
            why = f"it cannot be removed\n{tool.log_tail()}"
            raise ClusterCreateError(self.nodes.cluster, why, tool.log) from error
        shutil.rmtree(kind_config.volumes_of(self.folder), ignore_errors=True)

    def check_ours(self, there: Mapping[str, NodeState]) -> None:
        """Raise ForeignClusterError when a node of it was not made by us."""
        for name, state in there.items():
            if not state.ours:
                raise ForeignClusterError(self.nodes.cluster, name)
