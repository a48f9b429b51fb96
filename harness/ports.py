"""Ports of this machine."""

from __future__ import annotations

import contextlib
import errno
import socket

from harness.errors import DeployError

LOOPBACK = "127.0.0.1"


class PortInUseError(DeployError):
    """The port of this machine at which the app is to be reached is taken."""

    def __init__(self, port: int, seen: str) -> None:
        super().__init__(
            needed=f"port {port} of 127.0.0.1 to be free",
            seen=seen,
            looked=f"by listening on 127.0.0.1:{port}",
            fix="end what uses it, or choose another port (or none, for a free one)",
        )


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return several such ports, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


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
