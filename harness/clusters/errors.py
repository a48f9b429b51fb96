"""Failures of getting a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DeployError, Fault


class ForeignClusterError(DeployError):
    """A cluster of that name is there and was not made by us."""

    def __init__(self, name: str, container: str) -> None:
        super().__init__(
            needed=f"a kind cluster {name} of our own",
            seen=f"container {container} exists without our label",
            looked="the engine's containers",
            fix=f"choose another cluster name, or `kind delete cluster --name {name}`",
        )


class ClusterNameError(DeployError):
    """The name cannot be a cluster's name, or is outside our prefix."""

    fault = Fault.INPUT

    def __init__(self, name: str, prefix: str) -> None:
        super().__init__(
            needed=f"a cluster name of a-z, 0-9, - that begins with {prefix}",
            seen=repr(name),
            looked="the settings",
            fix=f"use a name like {prefix}app; the prefix keeps our clusters apart from others",
        )


class ClusterCreateError(DeployError):
    """kind could not make the cluster."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        super().__init__(
            needed=f"the kind cluster {name}",
            seen=why,
            looked=f"kind's output, all of it in {log}",
            fix="read its last lines above; the next run begins anew and cleans up first",
        )


class ClusterUnhealthyError(DeployError):
    """A cluster that was just made or started does not become healthy."""

    def __init__(self, name: str, seen: str, looked: str) -> None:
        super().__init__(
            needed=f"the cluster {name} to become healthy",
            seen=seen,
            looked=looked,
            fix="see the node's own words above; is there enough memory and disk?",
        )


class ClusterMissingError(DeployError):
    """There is no such cluster, or it does not run."""

    def __init__(self, name: str, needed_for: str) -> None:
        super().__init__(
            needed=f"the running cluster {name}, {needed_for}",
            seen="it is not there or stopped",
            looked="the engine's containers",
            fix="call ensure() first",
        )


class ImageMissingError(DeployError):
    """An image that was to be loaded is not in the engine."""

    def __init__(self, refs: Sequence[str]) -> None:
        super().__init__(
            needed=f"the images {', '.join(refs)}",
            seen="the engine does not have them",
            looked="the engine's images",
            fix="build them first",
        )


class ImageNotLoadedError(DeployError):
    """An image was sent to the node, and the node does not hold it."""

    def __init__(self, refs: Sequence[str], said: str) -> None:
        super().__init__(
            needed=f"the node to hold {', '.join(refs)}, with the engine's content",
            seen=said,
            looked="the node's container runtime (crictl images)",
            fix="see that the node has disk space: `docker exec NODE df -h /var`",
        )


class InotifyExhaustedError(DeployError):
    """The kernel allows for fewer watchers of files than further nodes would have."""

    def __init__(
        self, nodes: int, where: Path, limit: int, used: int, needed: int, better: int
    ) -> None:
        setting = f"fs.inotify.{where.name}"
        more = "one more node" if nodes == 1 else f"{nodes} more nodes"
        super().__init__(
            needed=f"{needed} more of what the kernel counts as {setting}, for {more}",
            seen=f"root may have {limit} and has {used}, which leaves {limit - used}",
            looked=f"{where}, and the open files of root's processes",
            fix=f"as root `sysctl -w {setting}={better}` (a file in /etc/sysctl.d keeps it), or "
            "delete clusters that nobody needs (`kind get clusters`, `make clean`)",
        )


class PodNetworkError(DeployError):
    """The pods of several nodes cannot be connected."""

    def __init__(self, node: str, subnet: str, address: str) -> None:
        super().__init__(
            needed=f"a part of the pods' network and an address for node {node}",
            seen=f"network {subnet or 'none'}, address {address or 'none'}",
            looked="spec.podCIDR of the Node, and the engine's containers",
            fix="delete the cluster and let it be made anew (--deploy-fresh=yes)",
        )


class PodNetworkUnreadError(DeployError):
    """The runtime of a node does not read its network configuration."""

    def __init__(self, node: str, subnet: str) -> None:
        super().__init__(
            needed=f"the runtime of node {node} to give its pods addresses of {subnet}",
            seen="it goes on with the configuration that it had",
            looked=f"`crictl info` on node {node}",
            fix="delete the cluster and let it be made anew (--deploy-fresh=yes)",
        )
