import json
import socketserver
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from harness.supply import registry
from harness.supply.engine import Engine, registry_reachable
from harness.supply.registry import registry_of, registry_problem

VERSION = {"ApiVersion": "1.41", "Version": "20.10.24"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[Engine, dict[str, tuple[int, Any]]]]:
    """An engine's socket that answers to a question for an image as the test says."""
    answers: dict[str, tuple[int, Any]] = {}
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/version"):
                return self._send(200, VERSION)
            image = self.path.partition("/distribution/")[2].removesuffix("/json")
            if image not in answers:
                stop.wait(30)
                return None
            return self._send(*answers[image])

        def _send(self, code: int, body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: Any) -> None:
            return

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(tmp_path / "s"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Engine(Path("docker"), f"unix://{tmp_path}/s", "20.10", "test"), answers
        stop.set()
        server.shutdown()
        thread.join()


FOUND = (200, {"Descriptor": {"digest": "sha256:00"}, "Platforms": []})
CASES = [
    (FOUND, True, True),
    ((500, {"message": "dial tcp: lookup registry.test: no such host"}), False, False),
    ((500, {"message": "net/http: TLS handshake timeout"}), False, False),
    ((500, {"message": "toomanyrequests: you have reached your pull rate limit"}), True, False),
    ((403, {"message": "errors: denied: requested access to the resource is denied"}), True, False),
    ((404, {"message": "manifest unknown"}), True, False),
]


@pytest.mark.parametrize(
    ("answer", "reachable", "there"), CASES, ids=[str(case[0][1])[:40] for case in CASES]
)
def test_a_refusal_is_an_answer_and_silence_is_none(
    engine: tuple[Engine, dict[str, tuple[int, Any]]],
    answer: tuple[int, Any],
    *,
    reachable: bool,
    there: bool,
) -> None:
    one, answers = engine
    answers["shop:1"] = answer
    assert registry_reachable(one, "shop:1") is reachable
    assert (registry_problem(one, "shop:1") == "") is there


def test_the_question_is_bounded_in_time(
    engine: tuple[Engine, dict[str, tuple[int, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "TIMEOUT", 0.5)
    one, _ = engine
    assert not registry_reachable(one, "never:answered")
    assert "timed out" in registry_problem(one, "never:answered").lower()


def test_an_engine_that_is_away_reaches_nothing(tmp_path: Path) -> None:
    away = Engine(Path("docker"), f"unix://{tmp_path}/none", "20.10", "test")
    assert not registry_reachable(away, "shop:1")


def test_each_thread_has_one_client_of_its_own(
    engine: tuple[Engine, dict[str, tuple[int, Any]]],
) -> None:
    one, _ = engine
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(one.sdk).result()
    assert one.sdk() is one.sdk()
    assert one.sdk() is not other
    for each in (one.sdk(), other):
        each.close()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("python:3.12", ""),
        ("someone/image:1", ""),
        ("example.com/python:3.12", "example.com"),
        ("localhost/x", "localhost"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000"),
    ],
)
def test_the_registry_is_read_from_the_name(image: str, expected: str) -> None:
    assert registry_of(image) == expected
