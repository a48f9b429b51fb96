"""Why a cluster that is there cannot be used as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.clusters.kind_node import NodeState

INTERRUPTED = "an earlier run was interrupted while it made it"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a cluster.

    Attributes:
        why: in words, "" when there is simply none.
        wake: whether starting it, or waiting for it, may be enough.

    """

    why: str
    wake: bool = False


def of_number(wanted: Sequence[str], there: Collection[str]) -> Fault | None:
    """Return what is wrong with the number of its nodes, by the containers' names.

    Args:
        wanted: the nodes that it is to have, the control plane first.
        there: those that it has; there may be none, which is no fault.

    """
    if set(wanted) == set(there):
        return None
    if there and wanted[0] not in there:
        return Fault(f"only {', '.join(there)} is left")
    return Fault(f"nodes are wanted: {len(wanted)}, and it has {len(there)}" if there else "")


def of_containers(
    states: Sequence[NodeState],
    image_id: str | None,
    node_ports: Sequence[int],
    host_port: int | None,
) -> Fault | None:
    """Return what the engine alone tells to be wrong with the nodes' containers.

    Args:
        states: of the containers; the first publishes the ports.
        image_id: of the node image that is wanted.
        node_ports: the ports of the node that have to be published.
        host_port: the port that the first has to be published at; None for any.

    """
    if any(state.image_id != image_id for state in states):
        return Fault("it was made from another node image")
    for node_port in node_ports:
        port = states[0].ports.get(node_port)
        required = host_port if node_port == node_ports[0] else None
        if port is None or required not in (None, port):
            wanted = f"{required or 'any port'} -> {node_port}"
            return Fault(f"its port is {port} -> {node_port}, and {wanted} is wanted")
    if all(state.running for state in states):
        return None
    whole = not any(state.running for state in states)
    return Fault("it is stopped" if whole else "a node of it is", wake=True)
