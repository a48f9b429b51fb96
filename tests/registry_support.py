"""A registry that keeps what is pushed in memory: as much of OCI's protocol as charts need."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class _Handler(BaseHTTPRequestHandler):
    """https://github.com/opencontainers/distribution-spec/blob/main/spec.md"""

    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes]
    manifests: dict[str, tuple[str, bytes]]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name, _, reference = path.rpartition("/")
        if path == "/v2/":
            self._answer(200)
        elif "/manifests/" in path and path in self.manifests:
            kind, body = self.manifests[path]
            self._answer(200, body, **{"Content-Type": kind, "Docker-Content-Digest": _name(body)})
        elif "/blobs/" in path and reference in self.blobs:
            self._answer(200, self.blobs[reference], **{"Docker-Content-Digest": reference})
        elif path.endswith("/tags/list"):
            prefix = name.removesuffix("/tags") + "/manifests/"
            tags = [p.removeprefix(prefix) for p in self.manifests if p.startswith(prefix)]
            listed = ",".join(f'"{tag}"' for tag in tags if ":" not in tag)
            self._answer(200, b'{"name":"x","tags":[%s]}' % listed.encode())
        else:
            self._answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not there"}]}')

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._body()
        self._answer(202, Location=f"{urlsplit(self.path).path}1")

    def do_PUT(self) -> None:
        url, body = urlsplit(self.path), self._body()
        if "/manifests/" in url.path:
            kept = (self.headers["Content-Type"], body)
            self.manifests[url.path] = kept
            self.manifests[f"{url.path.rpartition('/')[0]}/{_name(body)}"] = kept
        else:
            self.blobs[parse_qs(url.query)["digest"][0]] = body
        self._answer(201, Location=url.path)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def _name(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@contextmanager
def registry() -> Iterator[str]:
    """Have an empty registry for the length of a block; yields HOST:PORT."""
    handler = type("Handler", (_Handler,), {"blobs": {}, "manifests": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
