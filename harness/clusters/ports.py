"""Ports of this machine."""

from __future__ import annotations

import errno
import socket

from harness.clusters.errors import PortInUseError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def check_free(port: int) -> None:
    """Raise PortInUseError when something listens on that port of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as error:
            raise PortInUseError(port, "we may not listen there (ports below 1024)") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUseError(port, "another program listens there") from error
