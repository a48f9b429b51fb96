"""Where the public Services of a release are reached, and the facts its chart is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.entrance import Entrance, NothingPublicError, needs_way_in
from harness.facts import Facts
from harness.project import Project

SHOP = Project.load(Path(__file__).parent / "shop")
NODE = "http://127.0.0.1:30080"
TUNNEL = "http://127.0.0.1:4711"


class Guest:
    """A cluster that is not ours, reached through tunnels."""

    def __init__(self, url: str = "") -> None:
        self.options = SimpleNamespace(url=url)
        self.way_in = SimpleNamespace(address=self._address)
        self.asked: list[tuple[str, str, int]] = []

    def _address(self, namespace: str, release: str, port: int) -> str:
        self.asked.append((namespace, release, port))
        return TUNNEL


def entrance(guest: Any = None, url: str = NODE) -> Entrance:
    provider: Any = SimpleNamespace(endpoint=lambda port: f"{url} {port}" if port != 1 else url)
    way_in = guest.way_in if guest else None
    return Entrance(SHOP, "market", 30080 if url == NODE else 1, provider, guest, way_in)


@contextmanager
def answering() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def test_a_cluster_of_ours_is_entered_by_the_port_of_a_node() -> None:
    ours = entrance()
    assert ours.url == f"{NODE} 30080"
    assert ours.address("market-beside", 30090) == f"{NODE} 30090"
    release: Any = None
    assert ours.direct(release) == ours.url


def test_another_by_a_tunnel_to_the_public_service() -> None:
    guest = Guest()
    assert entrance(guest).url == TUNNEL
    assert guest.asked == [("market", "shop", 80)]


def test_one_of_ours_too_where_the_chart_has_no_value_for_the_port() -> None:
    assert not needs_way_in(SHOP)
    fixed = SHOP.model_copy(
        update={"values": {k: v for k, v in SHOP.values.items() if v != "${cluster.node_port}"}}
    )
    assert needs_way_in(fixed)
    way_in, provider = Guest().way_in, SimpleNamespace()
    ours = Entrance(fixed, "market", 30080, cast("Any", provider), None, cast("Any", way_in))
    assert ours.url == TUNNEL


def test_where_nothing_is_public_there_is_no_entrance() -> None:
    roles = {k: v.model_copy(update={"public": False}) for k, v in SHOP.services.items()}
    closed = SHOP.model_copy(update={"services": roles})
    with pytest.raises(NothingPublicError, match="none is described so"):
        _ = Entrance(closed, "market", 0, cast("Any", None), None, cast("Any", Guest().way_in)).url


def test_what_the_user_gave_leads_to_the_release_alone() -> None:
    guest = Guest("https://shop.example.org/")
    assert entrance(guest).url == "https://shop.example.org"
    assert guest.asked == []
    assert entrance(guest).address("market-beside", 0) == TUNNEL


@pytest.mark.parametrize("asks", [True, False])
def test_what_answers_is_open(*, asks: bool) -> None:
    with answering() as (url, asked):
        entrance(url=url).wait_until_open((lambda *_: None) if asks else None)
    assert asked == ["/api/health"]  # the one Service that is public


def facts(*, inside: bool = False) -> Facts:
    outside: Any = SimpleNamespace(
        inside=inside,
        facts=lambda *, alone=False: {"database.url": "sql://alone" if alone else "sql://it"},
        facts_inside=lambda: {"database.password": "hunter2-hunter2"},
    )
    names = [f"images.{name}.{part}" for name in ("api", "web") for part in ("repository", "tag")]
    sources: Any = SimpleNamespace(facts=lambda _only=None: {name: name for name in names})
    return Facts(SHOP, sources, outside, {"shop": "s3cret"}, 30080)


def test_the_values_are_those_of_the_run() -> None:
    values = facts().values()
    assert values["secrets"] == {"databaseUrl": "sql://it", "shop": "s3cret"}
    assert values["web"]["nodePort"] == 30080
    beside = facts().values({"cluster.node_port": None}, {"secrets.shop": "other"})
    assert beside["web"]["nodePort"] is None
    assert beside["secrets"]["shop"] == "other"


def test_what_runs_alone_has_a_database_of_its_own() -> None:
    assert facts().env_alone("api") == {"DATABASE_URL": "sql://alone", "SHOP_SECRET": "s3cret"}


def test_secrets_are_known_and_not_shown() -> None:
    assert facts().all_secrets() == {"shop": "s3cret", "database.url": "sql://it"}
    assert facts(inside=True).all_secrets()["database.password"] == "hunter2-hunter2"
    assert "s3cret" not in repr(facts())
