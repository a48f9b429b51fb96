"""The database fails in every way that it does in practice: what the API then says and does."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import psycopg
import pytest
import uvicorn
from sqlalchemy import text

from conftest import Token, environment
from postgres import Postgres, free_port
from todo_backend import db, schema
from todo_backend.app import create_app
from todo_backend.migrate import migrate
from todo_backend.settings import Settings, load
from todo_backend.state import State

FAST_S = 1.0
"""The kubelet's default timeout for a probe."""


@contextmanager
def serving(url: str, token: Token) -> Iterator[tuple[httpx.Client, State]]:
    """Serve on a port of its own, and give alice's client."""
    state = State(load(Settings, environment(url, f"http://127.0.0.1:{free_port()}")))
    config = uvicorn.Config(create_app(state), log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        headers = {"Authorization": f"Bearer {token('alice')}"}
        try:
            with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
                yield client, state
        finally:
            server.should_exit = True
            thread.join()
            state.close()


@pytest.fixture
def migrated(fragile: Postgres) -> str:
    """Give the URL of a migrated database on the server that may fail."""
    fragile.start_if_stopped()
    url = fragile.url("postgres")
    assert migrate(url, threading.Event())
    return url


def eventually(look: Callable[[], bool], within: float = 15.0) -> None:
    """Wait until `look` returns true."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not look():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.1)


def health(client: httpx.Client) -> dict[str, Any]:
    started = time.monotonic()
    answer = client.get("/health")
    assert time.monotonic() - started < FAST_S
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def test_all_is_well(migrated: str, token: Token) -> None:
    with serving(migrated, token) as (client, state):
        eventually(lambda: client.get("/ready").status_code == 200)
        body = health(client)
        assert body["database"] == {"status": "connected", "detail": "schema revision 0001"}
        assert body["version"] == state.version


def test_the_server_stops_and_comes_back(
    fragile: Postgres, migrated: str, token: Token, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), serving(migrated, token) as (client, _):
        assert client.post("/api/alice/tasks", json={"title": "kept"}).status_code == 201
        fragile.stop()
        eventually(lambda: client.get("/ready").status_code == 503)
        for answer in (client.get("/ready"), client.get("/api/alice/tasks")):
            assert answer.status_code == 503
            assert "the connection to the database was refused" in answer.json()["detail"]
        body = health(client)
        assert (body["status"], body["database"]["status"]) == ("degraded", "unreachable")
        fragile.start()
        eventually(lambda: client.get("/ready").status_code == 200)
        answer = client.get("/api/alice/tasks")
        assert [task["title"] for task in answer.json()] == ["kept"]
        assert health(client)["database"]["status"] == "connected"
    assert fragile.password not in caplog.text


def test_a_restart_between_two_requests_is_not_noticed(
    fragile: Postgres, migrated: str, token: Token
) -> None:
    with serving(migrated, token) as (client, _):
        assert client.get("/api/alice/tasks").status_code == 200
        fragile.stop()
        fragile.start()
        assert client.get("/api/alice/tasks").status_code == 200


def test_connections_that_the_server_ends_are_replaced(
    fragile: Postgres, migrated: str, token: Token
) -> None:
    with serving(migrated, token) as (client, _):
        assert client.get("/api/alice/tasks").status_code == 200
        ended = fragile.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'todo-backend'"
        )
        assert ended[0][0] != 0
        assert client.get("/api/alice/tasks").status_code == 200


def test_a_frozen_server_blocks_no_probe(fragile: Postgres, migrated: str, token: Token) -> None:
    with serving(migrated, token) as (client, _), ThreadPoolExecutor(60) as pool:
        assert client.get("/api/alice/tasks").status_code == 200
        frozen = fragile.freeze()
        try:
            # More than there are worker threads: the probes must not need one.
            waiting = [pool.submit(client.get, "/api/alice/tasks") for _ in range(60)]
            for _ in range(8):
                assert health(client)["database"]["status"] != "connected"
                started = time.monotonic()
                ready = client.get("/ready")
                assert time.monotonic() - started < 2.5
                assert ready.status_code == 503
                assert "not answer" in ready.json()["detail"]
            assert health(client)["database"]["status"] == "unreachable"
            assert {answer.result(timeout=60).status_code for answer in waiting} == {503}
        finally:
            fragile.thaw(frozen)
        eventually(lambda: client.get("/ready").status_code == 200)
        assert client.get("/api/alice/tasks").status_code == 200


def test_a_pool_that_requests_hold_is_named(migrated: str, token: Token) -> None:
    with serving(migrated, token) as (client, state):
        held = [state.engine.connect() for _ in range(db.POOL_SIZE + db.POOL_OVERFLOW)]
        try:
            in_use = "all connections of this process are in use"
            eventually(lambda: in_use in client.get("/ready").text)
            assert client.get("/ready").status_code == 503
            assert health(client)["status"] == "degraded"
        finally:
            for connection in held:
                connection.close()
        eventually(lambda: client.get("/ready").status_code == 200)


def test_liveness_survives_what_nobody_expected(
    migrated: str, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(migrated, token) as (client, state):
        monkeypatch.setattr(state.engine, "connect", lambda: 1 / 0)
        assert health(client)["database"]["status"] == "unreachable"
        ready = client.get("/ready")
        assert (ready.status_code, "division by zero" in ready.text) == (503, True)


def test_a_long_statement_is_cancelled(
    migrated: str, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_S", 1)
    with serving(migrated, token) as (client, state):
        with state.engine.connect() as connection:
            limit = connection.execute(text("SHOW statement_timeout")).scalar()
        assert limit == "1s"
        with psycopg.connect(migrated) as blocker:
            blocker.execute("LOCK TABLE task IN ACCESS EXCLUSIVE MODE")
            answer = client.get("/api/alice/tasks")
        assert answer.status_code == 503
        assert "a statement took too long" in answer.json()["detail"]
        assert client.get("/api/alice/tasks").status_code == 200


def test_a_server_without_free_connections_is_named(
    fragile: Postgres, migrated: str, token: Token
) -> None:
    fragile.execute("DROP ROLE IF EXISTS app")
    fragile.execute("CREATE ROLE app LOGIN PASSWORD 'app-password' CONNECTION LIMIT 0")
    try:
        limited = fragile.url("postgres", "app", "app-password")
        with serving(limited, token) as (client, _):
            assert_named(client, "the database server has no free connection")
        fragile.execute("ALTER ROLE app CONNECTION LIMIT -1")
        taken: list[psycopg.Connection] = []
        try:
            while len(taken) < 30:
                taken.append(psycopg.connect(limited))
        except psycopg.OperationalError:
            with serving(limited, token) as (client, _):
                assert_named(client, "the database server has no free connection")
        finally:
            for connection in taken:
                connection.close()
        assert len(taken) < 30, "the server never ran out of connections"
    finally:
        fragile.execute("DROP ROLE app")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda url: f"{url}?sslmode=require", "does not offer TLS, which the URL requires"),
        (lambda url: url.replace("owner:", "owner:wrong"), "rejected the user name or password"),
        (lambda url: url.replace("owner:", "nobody:"), "rejected the user name or password"),
        (lambda url: url.replace("/postgres", "/absent"), "the database does not exist"),
        (lambda url: url.replace("127.0.0.1", "db.invalid"), "name cannot be resolved"),
    ],
    ids=["tls", "password", "user", "database", "host"],
)
def test_a_wrong_url_is_named(
    migrated: str, token: Token, change: Callable[[str], str], cause: str
) -> None:
    with serving(change(migrated), token) as (client, _):
        assert_named(client, cause)


def test_tls_with_channel_binding_works_as_managed_databases_want_it(
    tls_only: Postgres, token: Token
) -> None:
    url = tls_only.url("postgres") + "?sslmode=require&channel_binding=require"
    assert migrate(url, threading.Event())
    with serving(url, token) as (client, state):
        assert client.get("/ready").status_code == 200
        with state.engine.connect() as connection:
            query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert connection.execute(text(query)).scalar() is True


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ("sslmode=disable", "demands TLS, and the URL does not ask for it"),
        ("sslmode=verify-full&sslrootcert=system", "certificate is not trusted"),
    ],
)
def test_wrong_tls_is_named(tls_only: Postgres, token: Token, parameters: str, cause: str) -> None:
    with serving(f"{tls_only.url('postgres')}?{parameters}", token) as (client, _):
        assert_named(client, cause)


def test_an_address_that_swallows_packets_is_named(token: Token) -> None:
    with socket.socket() as deaf:  # accepts the connection, never says a word
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        port = deaf.getsockname()[1]
        with serving(f"postgresql://u:secret-word@127.0.0.1:{port}/d", token) as (client, _):
            assert_named(client, "not answer")


def test_a_schema_that_is_missing_or_old_is_named(
    postgres: Postgres, empty_database: str, token: Token
) -> None:
    with serving(empty_database, token) as (client, _):
        ready = client.get("/ready")
        assert ready.status_code == 503
        assert "not migrated" in ready.json()["detail"]
        body = health(client)
        assert (body["status"], body["database"]["status"]) == ("degraded", "connected")
        tasks = client.get("/api/alice/tasks")
        assert tasks.status_code == 503
        assert "not migrated" in tasks.json()["detail"]
        assert migrate(empty_database, threading.Event())
        eventually(lambda: client.get("/ready").status_code == 200)
        name = empty_database.rpartition("/")[2]
        postgres.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0000'", name)
        eventually(lambda: client.get("/ready").status_code == 503)
        assert "at revision 0000" in client.get("/ready").json()["detail"]


def assert_named(client: httpx.Client, cause: str) -> None:
    """Check that readiness, liveness and the API say the cause, and no password."""
    eventually(lambda: health(client)["database"]["status"] == "unreachable")
    answers = [client.get(path) for path in ("/ready", "/health", "/api/alice/tasks")]
    assert [answer.status_code for answer in answers] == [503, 200, 503]
    for answer in answers:
        assert cause in answer.text
        for secret in ("wrong", "secret-word", "app-password"):
            assert secret not in answer.text
