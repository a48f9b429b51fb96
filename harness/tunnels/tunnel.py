"""A port of this machine's loopback that leads to a Service of a cluster."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING

from harness.ports import LOOPBACK, PortInUseError
from harness.tunnels.portforward import PodUnreachableError, reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.tunnels.portforward import PodConnection

_BACKLOG = 128
_KEPT = 5  # reasons


class Tunnel:
    """Passes each connection on by one of its own; any number at once.

    A connection that cannot be made is reset, as a refusing network would do it; why is
    kept in `troubles`.

    Args:
        connect: makes the other half of a connection.
        port: of the loopback; 0 for one that is free.

    Raises:
        PortInUseError: the port is taken.

    """

    def __init__(self, connect: Callable[[], PodConnection], port: int = 0) -> None:
        self._connect = connect
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.troubles: deque[str] = deque(maxlen=_KEPT)
        try:
            self._server = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
        except OSError as error:
            raise PortInUseError(port, error.strerror or str(error)) from error
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, name=f"tunnel-{self.port}", daemon=True).start()

    @property
    def url(self) -> str:
        """The address at which this machine reaches the Service."""
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self._server.close()
        with self._lock:
            left = list(self._open)
        for local in left:
            reset(local)

    def _accept(self) -> None:
        while True:
            try:
                local, _ = self._server.accept()
            except OSError:
                return  # closed
            local.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(local)
            threading.Thread(target=self._serve, args=(local,), daemon=True).start()

    def _serve(self, local: socket.socket) -> None:
        try:
            connection = self._connect()
            try:
                connection.join(local)
            finally:
                connection.close()
        except PodUnreachableError as error:
            self.troubles.append(str(error))
            reset(local)
        except OSError:
            reset(local)  # who called has hung up
        except Exception as error:
            self.troubles.append(f"{type(error).__name__}: {error}")
            reset(local)
        finally:
            with self._lock:
                self._open.discard(local)
            local.close()
