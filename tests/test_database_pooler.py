"""A pooler before our own PostgreSQL, for real: what it shares, what it forgets, what it cuts."""

from __future__ import annotations

import io
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.databases import errors
from harness.databases.database import Database
from harness.databases.external import PostgresExternal
from harness.databases.pooler import Pooler
from harness.databases.query import Query
from harness.databases.reach import Address, connect
from harness.images import containers
from harness.images.build import Builder
from harness.progress import Progress
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def pooler(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooler]:
    cache, progress = Cache(tmp_path_factory.mktemp("cache")), Progress(stream=io.StringIO())
    names = ("postgres:17", "debian:trixie-slim")
    bases: Any = FixedBases({name: official(engine, name) for name in names})
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    postgres = PostgresExternal(engine, bases, cache, progress, cluster, network="no-such-network")
    pooler = Pooler(postgres, Builder(engine, bases, cache, progress, os.environ))
    try:
        yield pooler
    finally:
        pooler.delete()
        postgres.delete()
    assert containers.find(engine, cluster, "pooler") == []
    assert engine.sdk().networks.list(names=[f"{cluster}-side"]) == []


@pytest.fixture
def database(pooler: Pooler) -> Database:
    return pooler.ensure(pooler.postgres.ensure())


def test_pods_are_led_to_it_and_this_machine_to_the_server(
    pooler: Pooler, database: Database
) -> None:
    assert database.host == pooler.host
    assert f"@{pooler.host}:5432/app?sslmode=require" in database.url_in_cluster
    before = pooler.console.transactions(database.name)
    assert database.query.value("SELECT 1") == 1
    assert pooler.console.transactions(database.name) == before
    assert Query(pooler.url_on_host(database)).value("SELECT 1") == 1
    assert pooler.console.transactions(database.name) > before


@pytest.fixture
def clients(pooler: Pooler, database: Database) -> Iterator[list[psycopg.Connection]]:
    """Two clients who have been served at the same time, by a connection each."""
    address = Address.parse(pooler.url_on_host(database), "a test")
    with connect(address, "a test") as one, connect(address, "a test") as other:
        one.prepare_threshold = other.prepare_threshold = None
        with one.transaction(), other.transaction():
            one.execute("SELECT 1")
            other.execute("SELECT 1")
        yield [one, other]


def test_each_transaction_gets_another_connection(clients: list[psycopg.Connection]) -> None:
    one, _ = clients
    pids = {one.execute("SELECT pg_backend_pid()").fetchone() for _ in range(6)}
    assert len(pids) > 1


def test_what_a_session_keeps_is_lost(clients: list[psycopg.Connection]) -> None:
    one, _ = clients
    one.prepare_threshold = 0

    def ask() -> None:
        for _ in range(6):
            one.execute("SELECT %s::int", (1,))

    with pytest.raises(psycopg.Error, match="prepared statement"):
        ask()


def test_what_a_session_sets_is_met_by_others(clients: list[psycopg.Connection]) -> None:
    one, other = clients
    for _ in range(6):
        one.execute("SET statement_timeout = '7s'")
    met = {other.execute("SHOW statement_timeout").fetchone() for _ in range(6)}
    for _ in range(12):
        one.execute("RESET statement_timeout")
    assert ("7s",) in met


def test_clients_are_cut_and_welcome_again(
    pooler: Pooler, database: Database, clients: list[psycopg.Connection]
) -> None:
    assert pooler.console.clients(database.name) >= 2
    assert pooler.console.drop_clients(database.name) >= 2
    with pytest.raises(psycopg.OperationalError):
        clients[0].execute("SELECT 1")
    assert Query(pooler.url_on_host(database)).value("SELECT 1") == 1


def test_a_server_that_starts_is_waited_for(pooler: Pooler, database: Database) -> None:
    pooler.postgres.stop()
    with pytest.raises(errors.DatabaseError):
        database.query.value("SELECT 1")
    waker = threading.Timer(2, pooler.postgres.start)
    waker.start()
    try:
        assert Query(pooler.url_on_host(database), timeout=20).value("SELECT 1") == 1
    finally:
        waker.join()


def test_it_refuses_what_is_not_encrypted_and_wrong_passwords(
    pooler: Pooler, database: Database
) -> None:
    url = pooler.url_on_host(database)
    with pytest.raises(errors.TlsRequiredError):
        Query(url.replace("sslmode=require", "sslmode=disable")).value("SELECT 1")
    wrong = url.replace(Address.parse(url, "x").password, "wrong-password")
    with pytest.raises(errors.LoginRefusedError):
        Query(wrong).value("SELECT 1")


def test_a_later_run_adopts_it(pooler: Pooler, database: Database) -> None:
    [before] = containers.find(pooler.postgres.engine, pooler.postgres.cluster, "pooler")
    again = replace(pooler, postgres=replace(pooler.postgres)).ensure(database)
    assert again == database
    [after] = containers.find(pooler.postgres.engine, pooler.postgres.cluster, "pooler")
    assert before.id == after.id


def test_the_passwords_are_nowhere_to_be_seen(pooler: Pooler, database: Database) -> None:
    [container] = containers.find(pooler.postgres.engine, pooler.postgres.cluster, "pooler")
    stream = pooler.postgres.progress.stream
    assert isinstance(stream, io.StringIO)
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    shown = stream.getvalue() + pooler.log(500) + listed.stdout + str(container.attrs)
    password = Address.parse(database.url_on_host, "a test").password
    assert password not in shown + repr(pooler) + repr(database)
