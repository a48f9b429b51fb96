"""Secrets looked for in pages, files and what containers are given."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from kube_support import FakeApi

from harness.canaries.pages import pages
from harness.canaries.reach import given
from harness.canaries.search import Canaries, Leak, told
from harness.kube.client import Kube

SECRET = "correct/horse+battery=staple"
CANARIES = Canaries({"token": SECRET, "database.url": "postgresql://app:pa55word!x@db:5432/app"})
SITE = {
    "/": b'<a href="/about#top">x</a><script src=/app.js></script><a href="http://other/">y</a>',
    "/about": b"<p>nothing</p>",
    "/app.js": b'load("/chunks/one.js") //# sourceMappingURL=app.js.map',
    "/chunks/one.js": b"const key = 1",
    "/app.js.map": b'{"sourcesContent": ["const key = \'' + SECRET.encode() + b"'\"]}",
}


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in SITE else 404)
            self.send_header("X-Powered-By", "a test")
            self.end_headers()
            self.wfile.write(SITE.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_pages_are_followed_to_their_scripts_and_maps(site: str) -> None:
    fetched = {page.url.removeprefix(site): page for page in pages(site + "/")}
    assert set(fetched) == set(SITE)
    assert b"X-Powered-By: a test" in fetched["/"].content
    leaks = [leak for url, page in fetched.items() for leak in CANARIES.in_bytes(url, page.content)]
    assert told(leaks) == "/app.js.map: the value of token, plain"


def test_a_first_page_that_is_not_to_be_had_proves_nothing() -> None:
    with pytest.raises(httpx.HTTPError):
        list(pages("http://127.0.0.1:9/"))


def test_every_form_is_found_in_files(tmp_path: Path) -> None:
    forms = {
        "plain.txt": SECRET,
        "query.log": quote(SECRET, safe=""),
        "deep/record.ndjson": base64.b64encode(f"say {SECRET}".encode()).decode(),
        "password.txt": "pa55word!x",
        "clean.txt": "nothing",
    }
    for name, text in forms.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("/etc/hostname")
    leaks = list(CANARIES.in_files(tmp_path))
    found = {str(Path(one.where).relative_to(tmp_path)) for one in leaks}
    assert found == {*forms} - {"clean.txt"}
    assert "database.url (its password)" in told(leaks)
    assert SECRET not in told(leaks)


def test_each_place_is_told_once_in_the_plainest_form() -> None:
    leaks = [
        Leak("a", "token", "base64"),
        Leak("a", "token", "plain"),
        Leak("b", "token", "base64"),
    ]
    assert told(leaks).splitlines() == [
        "a: the value of token, plain",
        "b: the value of token, base64",
    ]


def test_what_a_container_is_given_is_found_by_each_way(tmp_path: Path) -> None:
    api = FakeApi()
    try:
        data = {"key": base64.b64encode(SECRET.encode()).decode()}
        api.put("/api/v1/namespaces/web/secrets", {"metadata": {"name": "keys"}, "data": data})
        api.put(
            "/api/v1/namespaces/web/configmaps",
            {"metadata": {"name": "conf"}, "data": {"MODE": "x"}},
        )
        container: dict[str, Any] = {
            "name": "web",
            "env": [
                {"name": "PLAIN", "value": "1"},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
                {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "key"}}},
            ],
            "envFrom": [{"configMapRef": {"name": "conf"}, "prefix": "P_"}],
            "volumeMounts": [{"name": "files", "mountPath": "/etc/keys"}],
        }
        volumes = [
            {"name": "files", "projected": {"sources": [{"secret": {"name": "keys"}}]}},
            {"name": "other", "secret": {"secretName": "keys"}},
        ]
        pod = {
            "metadata": {"namespace": "web"},
            "spec": {"containers": [container], "volumes": volumes},
        }
        kube = Kube(api.kubeconfig(tmp_path), "fake", timeout=5)
        assert given(kube, pod, container) == {
            "variable PLAIN": "1",
            "variable KEY": SECRET,
            "variable NONE": "",
            "variable P_MODE": "x",
            "file key of Secret keys": SECRET,
        }
        without = {**container, "volumeMounts": [], "env": [], "envFrom": []}
        assert given(kube, pod, without) == {}
    finally:
        api.close()
