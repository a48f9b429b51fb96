"""A port of the loopback that leads elsewhere, whatever becomes of the other end."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from kube_support import FakeApi
from websocket import ABNF

from harness.kube.client import Kube
from harness.ports import PortInUseError
from harness.tunnels.nodes import NodesOutOfReachError, reachable_node
from harness.tunnels.portforward import PodConnection, PodUnreachableError
from harness.tunnels.public import PublicService
from harness.tunnels.tunnel import Tunnel


class Wire:
    """In a pod connection's place: goes straight to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.there = socket.create_connection(("127.0.0.1", port))
        self.closed = False

    def join(self, local: socket.socket) -> None:
        def back() -> None:
            with contextlib.suppress(OSError):
                while data := self.there.recv(65536):
                    local.sendall(data)
                local.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=back, daemon=True)
        thread.start()
        with contextlib.suppress(OSError):
            while data := local.recv(65536):
                self.there.sendall(data)

    def close(self) -> None:
        self.closed = True
        self.there.close()


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.path.encode() * 20_000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def shop() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def tunnels() -> Iterator[Callable[..., Tunnel]]:
    made: list[Tunnel] = []

    def make(connect: Callable[[], Any], port: int = 0) -> Tunnel:
        made.append(Tunnel(connect, port))
        return made[-1]

    yield make
    for tunnel in made:
        tunnel.close()


def test_many_at_once_get_each_their_own(shop: int, tunnels: Callable[..., Tunnel]) -> None:
    tunnel = tunnels(lambda: Wire(shop))

    def ask(number: int) -> str:
        return httpx.get(f"{tunnel.url}/{number:03}", timeout=10, trust_env=False).text

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(48)))
    assert answers == [f"/{number:03}" * 20_000 for number in range(48)]
    assert not tunnel.troubles


def test_each_connection_is_made_anew(shop: int, tunnels: Callable[..., Tunnel]) -> None:
    tries: list[int] = []

    def connect() -> Wire:
        tries.append(1)
        if len(tries) == 2:
            raise PodUnreachableError("nobody is behind it")
        return Wire(shop)

    tunnel = tunnels(connect)
    assert httpx.get(tunnel.url, trust_env=False).status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(tunnel.url, trust_env=False)
    assert list(tunnel.troubles) == ["nobody is behind it"]
    assert httpx.get(tunnel.url, trust_env=False).status_code == 200


def test_what_breaks_is_kept(tunnels: Callable[..., Tunnel]) -> None:
    def connect() -> Wire:
        raise ValueError("odd")

    tunnel = tunnels(connect)
    for _ in range(9):
        with pytest.raises(httpx.TransportError):
            httpx.get(tunnel.url, trust_env=False)
    assert list(tunnel.troubles) == ["ValueError: odd"] * 5


def test_a_port_that_is_named(shop: int, tunnels: Callable[..., Tunnel]) -> None:
    with pytest.raises(PortInUseError):
        tunnels(lambda: Wire(shop), shop)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert tunnels(lambda: Wire(shop), port).url == f"http://127.0.0.1:{port}"


def test_nothing_is_open_afterwards(shop: int, tunnels: Callable[..., Tunnel]) -> None:
    tunnel = tunnels(lambda: Wire(shop))
    with socket.create_connection(("127.0.0.1", tunnel.port)) as local:
        local.sendall(b"GET / HTTP/1.1\r\n")
        tunnel.close()
        local.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert local.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", tunnel.port))


# One connection to a pod


class Web:
    """In a web socket's place: a message a line, `D` and `E` for the two channels."""

    def __init__(self) -> None:
        self.sock, self.pod = socket.socketpair()
        self._lines = self.sock.makefile("rb", buffering=0)
        self.pod.settimeout(5)

    def recv_data_frame(self, *, control_frame: bool) -> tuple[int, Any]:
        line = self._lines.readline()
        if not line:
            return ABNF.OPCODE_CLOSE, SimpleNamespace(data=b"")
        if line.startswith(b"P"):
            return ABNF.OPCODE_PING, SimpleNamespace(data=b"")
        channel = b"\0" if line.startswith(b"D") else b"\1"
        return ABNF.OPCODE_BINARY, SimpleNamespace(data=channel + line[1:-1])

    def send_binary(self, data: bytes) -> None:
        self.sock.sendall(data)

    def shutdown(self) -> None:
        self._lines.close()
        self.sock.close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    web = Web()
    monkeypatch.setattr("harness.tunnels.portforward._open", lambda *_: web)
    yield web
    web.shutdown()
    web.pod.close()


def connection() -> PodConnection:
    return PodConnection(cast("Any", SimpleNamespace(server="")), "mine", "relay", 8080)


def test_the_first_of_each_channel_is_none_of_the_data(web: Web) -> None:
    pod = connection()
    web.pod.sendall(b"DPORT\nEPORT\nP\nDhello\nDthere\n")
    assert (pod.receive(), pod.receive()) == (b"hello", b"there")
    pod.put_back(b"again")
    assert pod.receive() == b"again"
    web.pod.shutdown(socket.SHUT_WR)
    assert pod.receive() == b""


def test_what_the_node_says_of_it_is_told(web: Web) -> None:
    pod = connection()
    web.pod.sendall(b"DPORT\nEPORT\nEdial tcp: connection refused\n")
    with pytest.raises(PodUnreachableError, match="dial tcp: connection refused"):
        pod.receive()


def test_neither_side_waits_for_the_other(web: Web) -> None:
    pod = connection()
    here, there = socket.socketpair()
    there.settimeout(5)
    thread = threading.Thread(target=pod.join, args=(here,), daemon=True)
    thread.start()
    web.pod.sendall(b"DPORT\n")  # brings nothing
    there.sendall(b"a question")
    assert web.pod.recv(100) == b"\0a question"
    web.pod.sendall(b"Danswer\n")
    assert there.recv(100) == b"answer"
    there.close()
    thread.join(5)
    assert not thread.is_alive()
    here.close()
    pod.close()


# Which Service, which node

SERVICES = "/api/v1/namespaces/mine/services"


def service(name: str, kind: str, port: int, release: str = "shop") -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": release}
    spec = {"type": kind, "ports": [{"port": port}]}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects[SERVICES] = {}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Any) -> Kube:
    return api.client(tmp_path)


def test_the_public_service_is_found_when_it_is_there(api: FakeApi, client: Kube) -> None:
    public = PublicService(client, "mine", "shop", 80)
    with pytest.raises(PodUnreachableError, match="there are: none"):
        _ = public.host
    api.put(SERVICES, service("api", "ClusterIP", 80))
    api.put(SERVICES, service("web", "NodePort", 80))
    api.put(SERVICES, service("other", "NodePort", 80, release="theirs"))
    assert public.host == "web.mine.svc"
    api.remove(SERVICES, "web")
    assert public.host == "web.mine.svc"
    public.forget()
    assert public.host == "api.mine.svc"


def test_two_that_are_public_are_none(api: FakeApi, client: Kube) -> None:
    api.put(SERVICES, service("one", "NodePort", 80))
    api.put(SERVICES, service("two", "NodePort", 80))
    with pytest.raises(PodUnreachableError, match="one, two"):
        _ = PublicService(client, "mine", "shop", 80).host


def node(name: str, address: str) -> dict[str, Any]:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name}, "status": {"addresses": addresses}}


def test_a_node_that_lets_us_in(api: FakeApi, client: Kube, shop: int) -> None:
    api.put("/api/v1/nodes", node("far", "127.0.0.2"))
    with pytest.raises(NodesOutOfReachError) as caught:
        reachable_node(client, _closed())
    assert "127.0.0.2: Connection refused" in caught.value.seen
    with pytest.raises(NodesOutOfReachError, match="no port is open"):
        reachable_node(client, 0)
    api.put("/api/v1/nodes", node("near", "127.0.0.1"))
    assert reachable_node(client, shop) == f"http://127.0.0.1:{shop}"


def _closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
