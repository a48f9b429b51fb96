"""A node of the cluster that this machine reaches, and its open port."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from harness.errors import DeployError
from harness.kube.resources import NODE, status_of

if TYPE_CHECKING:
    from harness.kube.client import Kube

_KINDS = ("ExternalIP", "InternalIP")
_KNOCK = 2.0  # seconds for each address


class NodesOutOfReachError(DeployError):
    """No node's port can be reached from this machine, so nothing can be said of it."""

    def __init__(self, port: int, tried: list[str]) -> None:
        super().__init__(
            needed=f"this machine to reach a node of the cluster at port {port}",
            seen="; ".join(tried) or "no node has an address, or no port is open",
            looked="the addresses of the nodes",
            fix="run it from where nodes are reached, or name an address: --deploy-url",
        )


def reachable_node(client: Kube, port: int) -> str:
    """Return `http://ADDRESS:PORT` of a node that lets this machine in.

    Raises:
        NodesOutOfReachError: with what was tried.

    """
    tried = []
    for node in client.list(NODE) if port else ():
        for kind in _KINDS:
            for entry in status_of(node).get("addresses") or ():
                if entry.get("type") != kind:
                    continue
                host = str(entry["address"])
                try:
                    socket.create_connection((host, port), _KNOCK).close()
                except OSError as error:
                    tried.append(f"{host}: {error.strerror or error}")
                else:
                    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    raise NodesOutOfReachError(port, tried)
