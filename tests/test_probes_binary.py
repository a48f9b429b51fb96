"""The probe itself, compiled and asked on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.cache import Cache
from harness.probes import results
from harness.probes.image import SOURCES
from harness.supply.go import find_go


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = find_go(os.environ, Cache.default(os.environ))
    if go is None:
        pytest.skip("no Go compiler on this machine; `make prepare` brings one")
    binary = tmp_path_factory.mktemp("probe") / "probe"
    words = [str(go.program), "build", "-mod=readonly", "-buildvcs=false", "-o", str(binary), "."]
    env = {**os.environ, **go.env, "CGO_ENABLED": "0"}
    subprocess.run(words, cwd=SOURCES, env=env, check=True, timeout=600)
    return binary


def ask(probe: Path, *words: str, stdin: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [probe, *words], input=stdin, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.count("\n") == 1, "one line, whatever it says"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Echo(BaseHTTPRequestHandler):
    """Says what it was sent; /big is too much, /away a redirect, /binary no text."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        told = {"body": sent, "token": self.headers.get("X-Token"), "host": self.headers["Host"]}
        self._say(200, json.dumps(told).encode())

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/big")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/big":
            self._say(200, b"x" * 100_000)
        else:
            self._say(503, b"\xff\xfe")

    def _say(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_dns(probe: Path) -> None:
    found = results.dns(ask(probe, "dns", "localhost"))
    assert found.ok
    assert "127.0.0.1" in found.addresses
    missing = results.dns(ask(probe, "dns", "nobody.invalid", "--timeout=20s"))
    assert not missing.ok
    assert missing.addresses == ()
    assert missing.error in ("nxdomain", "timeout", "refused", "servfail"), missing


def test_tcp(probe: Path, server: str, closed_port: int) -> None:
    port = server.rpartition(":")[2]
    assert results.Tcp(**ask(probe, "tcp", "127.0.0.1", port)).address == f"127.0.0.1:{port}"
    assert results.Tcp(**ask(probe, "tcp", "127.0.0.1", str(closed_port))).error == "refused"
    assert results.Tcp(**ask(probe, "tcp", "nobody.invalid", "80")).error in ("dns", "timeout")


def test_tcp_that_nobody_accepts_times_out(probe: Path) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for other in waiting:
            other.settimeout(0)
            other.connect_ex(("127.0.0.1", port))
        found = results.Tcp(**ask(probe, "tcp", "127.0.0.1", str(port), "--timeout=300ms"))
        for other in waiting:
            other.close()
    assert found.error == "timeout"


def test_http_sends_what_comes_by_standard_input(probe: Path, server: str) -> None:
    stdin = "X-Token: s3cret\r\nHost: shop.example\r\n\r\nline one\nline two"
    words = ("http", "POST", f"{server}/", "--header-stdin", "--body-stdin")
    found = results.http(ask(probe, *words, stdin=stdin))
    assert found.status == 200
    expected = {"body": "line one\nline two", "token": "s3cret", "host": "shop.example"}
    assert found.json() == expected
    only_body = results.http(ask(probe, *words[:3], "--body-stdin", stdin="a: b\r\n\r\nc"))
    assert only_body.json()["body"] == "a: b\r\n\r\nc"


def test_http_shows_what_came(probe: Path, server: str) -> None:
    away = results.http(ask(probe, "http", "GET", f"{server}/away"))
    assert (away.status, away.headers["location"]) == (302, "/big")
    big = results.http(ask(probe, "http", "GET", f"{server}/big"))
    assert (len(big.body), big.truncated) == (64 << 10, True)
    binary = results.http(ask(probe, "http", "GET", f"{server}/binary"))
    assert (binary.status, binary.body, binary.ok) == (503, b"\xff\xfe", True)


def test_http_names_its_failures(probe: Path, server: str, closed_port: int) -> None:
    refused = results.http(ask(probe, "http", "GET", f"http://127.0.0.1:{closed_port}/"))
    assert (refused.error, refused.status) == ("refused", 0)
    plain = results.http(ask(probe, "http", "GET", server.replace("http", "https")))
    assert plain.error == "tls"


def test_http_connection_that_is_dropped(probe: Path) -> None:
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen()

        def drop() -> None:
            connection, _ = rude.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=drop)
        thread.start()
        url = f"http://127.0.0.1:{rude.getsockname()[1]}/"
        found = results.http(ask(probe, "http", "GET", url))
        thread.join()
    assert found.error == "reset"


def postgres(*packets: bytes) -> tuple[int, threading.Thread]:
    """Serve one PostgreSQL connection without TLS that answers the startup with packets."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    server.settimeout(20)

    def serve() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(b"".join(packets))
            connection.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    return server.getsockname()[1], thread


def refusal(code: str, message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("28P01", "password authentication failed", "auth"),
        ("28000", "no pg_hba.conf entry for host, no encryption", "tls"),
        ("3D000", "database does not exist", "database"),
        ("57P03", "the database system is starting up", "starting"),
        ("53300", "too many clients already", "busy"),
        ("XX000", "internal", "server"),
    ],
)
def test_sql_names_what_the_server_refuses(
    probe: Path, code: str, message: str, error: str
) -> None:
    port, thread = postgres(refusal(code, message))
    url = f"postgresql://u:p4ssword@127.0.0.1:{port}/d?sslmode=disable"
    found = ask(probe, "sql", stdin=url + "\n")
    thread.join()
    assert (found["error"], found["code"]) == (error, code)
    assert "p4ssword" not in json.dumps(found)


def test_sql_that_wants_encryption_and_gets_none(probe: Path) -> None:
    port, thread = postgres(b"N")
    found = ask(probe, "sql", stdin=f"postgresql://u:p@127.0.0.1:{port}/d?sslmode=require")
    thread.join()
    assert results.Sql(**found).error == "tls"


def test_sql_names_its_failures(probe: Path, closed_port: int) -> None:
    url = f"postgresql://u:p@127.0.0.1:{closed_port}/d"
    assert results.Sql(**ask(probe, "sql", stdin=url)).error == "refused"
    gone = ask(probe, "sql", "--timeout=20s", stdin="postgresql://u:p@nobody.invalid/d")
    assert results.Sql(**gone).error in ("dns", "timeout")


@pytest.mark.parametrize(
    ("words", "stdin"),
    [((), ""), (("dns",), ""), (("dns", "a", "--what"), ""), (("sql",), "x://:not a url")],
)
def test_wrong_use_is_said(probe: Path, words: tuple[str, ...], stdin: str) -> None:
    done = subprocess.run([probe, *words], input=stdin, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


def test_url_is_not_repeated_when_it_cannot_be_read(probe: Path) -> None:
    done = subprocess.run(
        [probe, "sql"], input="postgresql://u:s3cr et@h:x/y", capture_output=True, text=True,
        timeout=20,
    )  # fmt: skip
    assert "s3cr" not in done.stderr


def test_sleep_ends_when_it_is_told(probe: Path) -> None:
    with subprocess.Popen([probe, "sleep"]) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


@pytest.fixture
def relay(probe: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    with subprocess.Popen([probe, "relay", str(port)]) as process:
        while True:
            assert process.poll() is None, "it has ended"
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
        yield port
        process.terminate()
        assert process.wait(10) == 0


def connected(relay: int, target: str) -> tuple[socket.socket, bytes]:
    here = socket.create_connection(("127.0.0.1", relay), timeout=15)
    here.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    return here, here.recv(4096)


def test_a_relay_connects_to_whom_it_is_told(relay: int, server: str) -> None:
    target = server.removeprefix("http://")
    here, said = connected(relay, target)
    with here:
        assert said == b"HTTP/1.1 200 Connected\r\n\r\n"
        here.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        here.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: here.recv(65536), b""))
    assert answer.endswith(b"x" * 100_000)


@pytest.mark.parametrize(
    ("target", "reason"),
    [("127.0.0.1:1", b"refused"), ("nobody-has-this.invalid:80", b"dns"), ("nonsense", b"other")],
)
def test_a_relay_says_why_it_cannot(relay: int, target: str, reason: bytes) -> None:
    here, said = connected(relay, target)
    with here:
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 502 ")
        assert body.startswith(reason + b": "), body


def test_a_relay_does_nothing_else(relay: int, server: str) -> None:
    with socket.create_connection(("127.0.0.1", relay), timeout=15) as here:
        here.sendall(f"GET {server}/big HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert here.recv(4096).startswith(b"HTTP/1.1 405 ")


def test_a_relay_is_for_its_own_pod_alone(relay: int) -> None:
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        pytest.skip("this machine has no address but its loopback")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, relay), timeout=5).close()
