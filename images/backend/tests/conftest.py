"""Shared fixtures: a real database server, a local Cohere, the application and its callers."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from cohere_server import CohereServer
from postgres import Postgres, find_binaries
from todo_backend.app import create_app
from todo_backend.migrate import migrate
from todo_backend.settings import Settings, load
from todo_backend.state import State

SECRET = "a-secret-of-the-tests-" + "x" * 64
API_KEY = "cohere-key-of-the-tests"

type Token = Callable[..., str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give a PostgreSQL server of this test run."""
    with _server() as server:
        yield server


@pytest.fixture(scope="module")
def fragile() -> Iterator[Postgres]:
    """Give a PostgreSQL server that a test may stop and freeze; it runs again for the next."""
    with _server() as server:
        yield server


@pytest.fixture(scope="module")
def tls_only() -> Iterator[Postgres]:
    """Give a PostgreSQL server that refuses connections without TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: the server's certificate cannot be made")
    with _server() as server:
        server.offer_tls()
        yield server


@contextmanager
def _server() -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed: initdb is neither on the PATH nor below "
                    "/usr/lib/postgresql (Debian: apt-get install postgresql)")  # fmt: skip
    # Not below pytest's own folder: when root runs the tests, the server's user cannot enter that.
    with tempfile.TemporaryDirectory(prefix="todo-backend-postgres-") as folder:
        server = Postgres(binaries, Path(folder))
        server.create()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """Give the URL of a new database without a schema."""
    with _database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def _migrated(postgres: Postgres) -> Iterator[str]:
    with _database(postgres) as url:
        assert migrate(url, threading.Event())
        yield url


@pytest.fixture
def database(postgres: Postgres, _migrated: str) -> str:
    """Give the URL of a migrated database without tasks."""
    postgres.execute("TRUNCATE task RESTART IDENTITY", _migrated.rpartition("/")[2])
    return _migrated


@contextmanager
def _database(postgres: Postgres) -> Iterator[str]:
    name = f"todo_{secrets.token_hex(6)}"
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def cohere() -> Iterator[CohereServer]:
    """Give a local Cohere that accepts the tests' key."""
    with CohereServer(API_KEY) as server:
        yield server


def environment(url: str, cohere_url: str | None = None) -> dict[str, str]:
    """Return a complete configuration."""
    given = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET, "COHERE_API_KEY": API_KEY}
    return given | ({"COHERE_BASE_URL": cohere_url} if cohere_url else {})


@pytest.fixture
def state(database: str, cohere: CohereServer) -> Iterator[State]:
    """Give the application's objects, on a migrated database."""
    state = State(load(Settings, environment(database, cohere.url)))
    yield state
    state.close()


@pytest.fixture
def client(state: State) -> Iterator[TestClient]:
    """Give a caller without a token."""
    with TestClient(create_app(state), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def token() -> Token:
    """Give a function that signs tokens as the frontend does; keywords replace claims."""

    def sign(
        user_id: str = "alice", *, secret: str = SECRET, algorithm: str = "HS256", **claims: Any
    ) -> str:
        issued = int(time.time())
        payload = {
            "sub": user_id,
            "iat": issued,
            "exp": issued + 900,
            "iss": "todo-app",
            "aud": "todo-api",
        } | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, secret, algorithm=algorithm)

    return sign


@pytest.fixture
def alice(client: TestClient, token: Token) -> TestClient:
    """Give a caller with alice's token."""
    client.headers["Authorization"] = f"Bearer {token('alice')}"
    return client


@pytest.fixture
def source_tree() -> Path:
    """Give the folder of the backend's sources."""
    return Path(__file__).parents[1]
