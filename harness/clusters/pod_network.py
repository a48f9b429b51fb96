"""The network between the pods of several nodes, where the node image brings one for each alone.

The nodes that we build have a static CNI configuration: every pod is routed on its own node.
On several nodes each gets the part of the pods' network that Kubernetes has given to it, and
a route to the parts of the others, which are next to it in the engine's network. A node image
that installs a network of its own, as kind's official one does, needs nothing of this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.clusters.errors import PodNetworkError
from harness.clusters.kind_node import KindNode
from harness.clusters.kind_nodes import KindNodes
from harness.jobs import side_by_side
from harness.kube.client import Kube
from harness.kube.resources import NODE, name_of

CONFIGURATION = "/etc/cni/net.d/10-pods.conflist"
_ASIDE = "/etc/cni/10-pods.new"  # outside the folder that the runtime reads


@dataclass(frozen=True)
class PodNetwork:
    """Pods of each node reach those of the others.

    Args:
        nodes: of the cluster.
        client: of its API.

    """

    nodes: KindNodes
    client: Kube

    def join(self) -> None:
        """Give each node its part of the network and the routes to the others.

        To be done whenever a node was started: routes end with it, and its address may
        be another then. What is right already stays as it is.

        Raises:
            PodNetworkError: Kubernetes has given a node no part, or the engine no address.
            CommandFailedError.

        """
        if self._configuration(self.nodes.first) is None:
            return
        subnets = {
            name_of(node): str((node.get("spec") or {}).get("podCIDR") or "")
            for node in self.client.list(NODE)
        }
        addresses = {name: state.address for name, state in self.nodes.look().items()}
        for name in self.nodes.names:
            if not subnets.get(name) or not addresses.get(name):
                raise PodNetworkError(name, subnets.get(name, ""), addresses.get(name, ""))
        routes = {name: (subnets[name], addresses[name]) for name in self.nodes.names}
        side_by_side(lambda node: self._set(node, routes), list(self.nodes))

    def _set(self, node: KindNode, routes: Mapping[str, tuple[str, str]]) -> None:
        there = self._configuration(node)
        wanted = json.dumps(_with_subnet(there or {}, routes[node.name][0]), indent=2)
        if there != json.loads(wanted):
            # At once and whole: the runtime reads it whenever the folder changes.
            node.run("tee", _ASIDE, stdin=wanted.encode())
            node.run("mv", "--force", _ASIDE, CONFIGURATION)
        lines = [
            f"route replace {subnet} via {address}\n"
            for name, (subnet, address) in routes.items()
            if name != node.name
        ]
        node.run("ip", "-batch", "-", stdin="".join(lines).encode())

    def _configuration(self, node: KindNode) -> dict[str, Any] | None:
        shown = node.run("cat", CONFIGURATION, check=False)
        if shown.returncode != 0:
            return None
        found: dict[str, Any] = json.loads(shown.stdout)
        return found


def _with_subnet(configuration: Mapping[str, Any], subnet: str) -> dict[str, Any]:
    """Return a list of plugins of which those that give addresses give them from one subnet."""
    plugins = []
    for plugin in configuration["plugins"]:
        if "ranges" in (plugin.get("ipam") or {}):
            plugin = {**plugin, "ipam": {**plugin["ipam"], "ranges": [[{"subnet": subnet}]]}}
        plugins.append(plugin)
    return {**configuration, "plugins": plugins}
