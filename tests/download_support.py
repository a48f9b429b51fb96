"""A server of files that behaves as a test says, a proxy, and a private certificate authority."""

from __future__ import annotations

import datetime
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Request(BaseHTTPRequestHandler):
    """One request; a test's behaviour answers it by these methods."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.site.asked.append(self.path)
        self.server.site.ranges.append(self.headers.get("Range", ""))
        self.close_connection = True
        path = urlsplit(self.path).path
        behave = self.server.site.files.get(path)
        if behave is None:
            self.answer(404, b"no such file")
        else:
            behave(self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer."""
        self.begin(status, len(body), **headers)
        self.wfile.write(body)

    def begin(self, status: int, length: int, **headers: str) -> None:
        """Send the head of an answer whose body has this length in bytes."""
        self.send_response(status)
        # Closed after each answer, and said, so that no client tries to use it again.
        named = {"Content-Length": str(length), "Connection": "close"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()

    def first_byte(self) -> int:
        """Return where a range begins, 0 without one."""
        said = self.headers.get("Range", "bytes=0-")
        return int(said.removeprefix("bytes=").rstrip("-"))

    def log_message(self, *_: object) -> None:
        return


Behaviour = Callable[[Request], None]


@dataclass
class Site:
    """A running server: what it has, and what it was asked."""

    scheme: str
    port: int
    files: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def puts(self, path: str, behave: Behaviour) -> str:
        """Have a path behave so; return its address."""
        self.files[path] = behave
        return self.url(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site

    def handle_error(self, request: object, client_address: object) -> None:
        return  # a client that goes away in the middle is what several tests are about


@contextmanager
def site(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Have a server on loopback for the length of a block."""
    with _Server(("127.0.0.1", 0), Request) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.site = Site("https" if tls else "http", server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.site
        server.site.stop.set()
        server.shutdown()
        thread.join()


def closed_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def whole(content: bytes, **headers: str) -> Behaviour:
    """All of it, or from where a range begins."""

    def behave(request: Request) -> None:
        if start := request.first_byte():
            said = f"bytes {start}-{len(content) - 1}/{len(content)}"
            request.answer(206, content[start:], Content_Range=said, **headers)
        else:
            request.answer(200, content, **headers)

    return behave


def cut(content: bytes, after: int, times: int, *, ranges: bool = True) -> Behaviour:
    """Some bytes and then the end of the connection, some times; then all that is asked for."""
    left = [times]

    def behave(request: Request) -> None:
        start = request.first_byte() if ranges else 0
        if start:
            said = f"bytes {start}-{len(content) - 1}/{len(content)}"
            request.begin(206, len(content) - start, Content_Range=said, ETag='"one"')
        else:
            request.begin(200, len(content), ETag='"one"')
        rest = content[start:]
        left[0] -= 1
        request.wfile.write(rest if left[0] < 0 else rest[:after])

    return behave


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """An answer without the file."""
    return lambda request: request.answer(code, body, **headers)


def silent(content: bytes, after: int) -> Behaviour:
    """Some bytes, then nothing, the connection kept."""

    def behave(request: Request) -> None:
        request.begin(200, len(content))
        request.wfile.write(content[:after])
        request.wfile.flush()
        request.server.site.stop.wait(20)

    return behave


def trickle(content: bytes, seconds: float) -> Behaviour:
    """A byte now and then."""

    def behave(request: Request) -> None:
        request.begin(200, len(content))
        for position in range(len(content)):
            if request.server.site.stop.is_set():
                return
            request.wfile.write(content[position : position + 1])
            request.wfile.flush()
            time.sleep(seconds)

    return behave


class _Proxy(BaseHTTPRequestHandler):
    """Forwards http and makes tunnels; names are all taken for loopback."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    wants: str

    def do_CONNECT(self) -> None:
        if not self._may():
            return
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as there:
            self.send_response(200, "Connection established")
            self.end_headers()
            self._both_ways(there)
        self.close_connection = True

    def do_GET(self) -> None:
        if not self._may():
            return
        url = urlsplit(self.path)
        head = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", url.port or 80), 5) as there:
            there.sendall(head.encode())
            while data := there.recv(65536):
                self.wfile.write(data)
        self.close_connection = True

    def _may(self) -> bool:
        self.asked.append(self.path)
        if self.wants and self.headers.get("Proxy-Authorization") != self.wants:
            self.send_response(407, "Proxy Authentication Required")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def _both_ways(self, there: socket.socket) -> None:
        here = self.connection
        while True:
            ready, _, _ = select.select([here, there], [], [], 5)
            for one in ready:
                data = one.recv(65536)
                if not data:
                    return
                (there if one is here else here).sendall(data)
            if not ready:
                return

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def proxy(wants: str = "", tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[str]]]:
    """Have a proxy on loopback; yields HOST:PORT and what it was asked for.

    `wants` is the Proxy-Authorization that it asks for; with `tls` it is spoken to encrypted.
    """
    asked: list[str] = []
    handler = type("Handler", (_Proxy,), {"asked": asked, "wants": wants})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Authority:
    """A private certificate authority: its certificate's file, and a server it vouches for."""

    certificate: Path
    server: ssl.SSLContext


def authority(folder: Path, *names: str) -> Authority:
    """Make an authority and a certificate for 127.0.0.1 and these host names."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _sign("House authority", root_key, None, root_key, ca=True)
    leaf = _sign("server", key, root, root_key, names=names)
    certificate, chain = folder / "house.pem", folder / "server.pem"
    pem = serialization.Encoding.PEM
    certificate.write_bytes(root.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(leaf.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(certificate, context)


def _sign(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    names: tuple[str, ...] = (),
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName(host) for host in names]
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([loopback, *hosts]), critical=False)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=not ca, key_cert_sign=ca, crl_sign=ca,
                content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(issuer_key, hashes.SHA256())
    )  # fmt: skip
