"""Why a cluster that is there cannot be used as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.clusters.kind_node import NodeState

INTERRUPTED = "an earlier run was interrupted while it made it"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a cluster.

    Attributes:
        why: in words, "" when there is simply none.
        wake: whether starting it, or waiting for it, may be enough.
        stopped: whether its node does not run.

    """

    why: str
    wake: bool = False
    stopped: bool = False


def of_container(
    state: NodeState, image_id: str | None, node_ports: Sequence[int], host_port: int | None
) -> Fault | None:
    """Return what the engine alone tells to be wrong with a node's container.

    Args:
        state: of the container.
        image_id: of the node image that is wanted.
        node_ports: the ports of the node that have to be published.
        host_port: the port that the first has to be published at; None for any.

    """
    if state.image_id != image_id:
        return Fault("it was made from another node image")
    for node_port in node_ports:
        port = state.ports.get(node_port)
        required = host_port if node_port == node_ports[0] else None
        if port is None or required not in (None, port):
            wanted = f"{required or 'any port'} -> {node_port}"
            return Fault(f"its port is {port} -> {node_port}, and {wanted} is wanted")
    if not state.running:
        return Fault("it is stopped", wake=True, stopped=True)
    return None
