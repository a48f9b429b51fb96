"""The network between the pods of several nodes, where the node image brings one for each alone.

The nodes that we build have a static CNI configuration: every pod is routed on its own node.
On several nodes each gets the part of the pods' network that Kubernetes has given to it, and
a route to the parts of the others, which are next to it in the engine's network. A node image
that installs a network of its own, as kind's official one does, needs nothing of this.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.clusters.errors import PodNetworkError, PodNetworkUnreadError
from harness.clusters.kind_node import KindNode
from harness.clusters.kind_nodes import KindNodes
from harness.jobs import side_by_side
from harness.kube.client import Kube
from harness.kube.resources import NODE, name_of

CONFIGURATION = "/etc/cni/net.d/10-pods.conflist"
_ASIDE = "/etc/cni/10-pods.new"  # outside the folder that the runtime reads
_NEWS = "/etc/cni/net.d/changed"
_READ = 10.0  # seconds until the runtime has read it; nothing tells when
_PAUSE = 0.1


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
            PodNetworkUnreadError: a node's runtime goes on with what it had.
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
        subnet = routes[node.name][0]
        there = self._configuration(node) or {}
        wanted = _with_subnet(there, subnet)
        if there != wanted:
            # At once and whole, since the runtime reads it whenever its folder changes. It is
            # not told of the first change of a folder that has come with the image, and so
            # gets one more.
            node.run("tee", _ASIDE, stdin=json.dumps(wanted, indent=2).encode())
            node.run("touch", _NEWS)
            node.run("mv", "--force", _ASIDE, CONFIGURATION)
            node.run("rm", _NEWS)
            _wait_until_read(node, subnet)
        lines = [
            f"route replace {other} via {address}\n"
            for name, (other, address) in routes.items()
            if name != node.name
        ]
        node.run("ip", "-batch", "-", stdin="".join(lines).encode())

    def _configuration(self, node: KindNode) -> dict[str, Any] | None:
        shown = node.run("cat", CONFIGURATION, check=False)
        if shown.returncode != 0:
            return None
        found: dict[str, Any] = json.loads(shown.stdout)
        return found


def _wait_until_read(node: KindNode, subnet: str) -> None:
    deadline = time.monotonic() + _READ
    while subnet not in node.run("crictl", "info").stdout:
        if time.monotonic() > deadline:
            raise PodNetworkUnreadError(node.name, subnet)
        time.sleep(_PAUSE)


def _with_subnet(configuration: Mapping[str, Any], subnet: str) -> dict[str, Any]:
    """Return a list of plugins of which those that give addresses give them from one subnet."""
    plugins = []
    for plugin in configuration["plugins"]:
        if "ranges" in (plugin.get("ipam") or {}):
            plugin = {**plugin, "ipam": {**plugin["ipam"], "ranges": [[{"subnet": subnet}]]}}
        plugins.append(plugin)
    return {**configuration, "plugins": plugins}
