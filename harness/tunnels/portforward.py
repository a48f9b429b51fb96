"""One connection to a port of a pod, through the cluster's API."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from harness.kube.resources import POD

if TYPE_CHECKING:
    from harness.kube.client import Kube

# One connection a web socket. https://kubernetes.io/docs/reference/using-api/deprecation-guide/
# knows newer protocols, which carry SPDY; every kubelet still speaks this one.
_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1  # channels
_CHUNK = 64 * 1024
_HANDSHAKE = 10.0  # seconds


class PodUnreachableError(Exception):
    """No connection to a pod's port could be had, or it broke. Says why."""


class PodConnection:
    """A connection to a port of a pod; bytes go both ways until either side ends it.

    It cannot be ended one way only: the protocol has no word for that.

    Args:
        client: whose kubeconfig and context are used.
        namespace: of the pod.
        pod: its name.
        port: where something listens on the pod's loopback.

    Raises:
        PodUnreachableError: the API gives no such connection.

    """

    def __init__(self, client: Kube, namespace: str, pod: str, port: int) -> None:
        query = urlencode([("ports", port)])
        url = f"{client.server}{POD.path(namespace, pod, 'portforward')}?{query}"
        self._socket = _open(client, url)
        self._begun: set[int] = set()
        self._heard = b""

    def send(self, data: bytes) -> None:
        """Send bytes to the pod. Raises PodUnreachableError when the connection is gone."""
        try:
            self._socket.send_binary(bytes([_DATA]) + data)
        except Exception as error:  # the package raises its own kinds, and those of sockets
            raise PodUnreachableError(str(error)) from error

    def receive(self) -> bytes:
        """Return what the pod has sent, b"" when it has ended the connection.

        Raises:
            PodUnreachableError: with the words of the node's kubelet.

        """
        while (data := self._hear()) is None:
            continue
        return data

    def _hear(self) -> bytes | None:
        """Return what one frame brings: b"" for the end, None when it brings nothing."""
        from websocket import ABNF, WebSocketConnectionClosedException

        if self._heard:
            heard, self._heard = self._heard, b""
            return heard
        try:
            kind, message = self._socket.recv_data_frame(control_frame=True)
        except WebSocketConnectionClosedException:
            return b""
        except Exception as error:
            raise PodUnreachableError(str(error)) from error
        if kind == ABNF.OPCODE_CLOSE:
            return b""
        frame = bytes(message.data) if kind == ABNF.OPCODE_BINARY else b""
        channel, data = frame[:1], frame[1:]
        if not channel or channel[0] not in self._begun:  # the first of each tells the port only
            self._begun.update(channel)
            return None
        if channel[0] == _ERROR:
            raise PodUnreachableError(data.decode(errors="replace").strip())
        return data or None

    def put_back(self, data: bytes) -> None:
        """Have these bytes be received once more, before any others."""
        self._heard = data + self._heard

    def join(self, local: socket.socket) -> None:
        """Pass bytes between this and a socket until one of them has ended.

        Raises:
            PodUnreachableError: the pod's side broke.

        """
        here, there = local.fileno(), self._socket.sock.fileno()
        poll = select.poll()
        for number in (here, there):
            poll.register(number, select.POLLIN)
        while True:
            ready = {there} if self._waiting() else {number for number, _ in poll.poll()}
            if there in ready:
                # One frame at a time: whoever calls may have something to say before the next.
                if (heard := self._hear()) == b"":
                    return
                local.sendall(heard or b"")
            elif here in ready:
                if not (data := local.recv(_CHUNK)):
                    return
                self.send(data)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Exception):  # whatever the other side has done meanwhile
            self._socket.shutdown()

    def _waiting(self) -> bool:
        """Return whether bytes are here already, which no poll tells."""
        pending = getattr(self._socket.sock, "pending", None)
        return bool(self._heard or (pending and pending()))


def reset(local: socket.socket) -> None:
    """End a connection as a refusing network would: at once, and not in good order."""
    with contextlib.suppress(OSError):
        local.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        local.close()


def _open(client: Kube, url: str) -> Any:
    from kubernetes.stream import ws_client

    package: Any = ws_client  # its types stop here
    headers: dict[str, str] = {}
    client.api.update_params_for_auth(headers, [], ["BearerToken"], url, "GET", None)
    headers = {name.lower(): value for name, value in headers.items()}
    headers["sec-websocket-protocol"] = _PROTOCOL
    address = package.get_websocket_url(url)
    try:
        opened = package.create_websocket(client.api.configuration, address, headers)
    except Exception as error:
        raise PodUnreachableError(str(error)) from error
    # A frame that has begun comes to its end; between frames a connection may rest for ever.
    opened.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return opened
