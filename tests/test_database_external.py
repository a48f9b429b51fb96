"""Our own PostgreSQL beside the cluster, for real."""

from __future__ import annotations

import io
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.canaries.rows import in_rows
from harness.canaries.search import Canaries
from harness.databases import errors
from harness.databases.database import Database
from harness.databases.external import PostgresExternal
from harness.databases.query import Query
from harness.databases.reach import Address, connect
from harness.faults import database as faults
from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.images import containers
from harness.images.alone import Alone
from harness.progress import Progress
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture(scope="module")
def postgres(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresExternal]:
    cache = Cache(tmp_path_factory.mktemp("cache"))
    postgres = another(engine, cache, f"test-{uuid.uuid4().hex[:8]}")
    yield postgres
    postgres.delete()
    assert containers.find(engine, postgres.cluster, "database") == []
    assert engine.sdk().networks.list(names=[f"{postgres.cluster}-side"]) == []


@pytest.fixture
def database(postgres: PostgresExternal) -> Database:
    return postgres.ensure()


def another(engine: Engine, cache: Cache, cluster: str) -> PostgresExternal:
    """Return what a later run, or another worker, has in its hands."""
    bases: Any = FixedBases({"postgres:17": official(engine, "postgres:17")})
    progress = Progress(stream=io.StringIO())
    return PostgresExternal(engine, bases, cache, progress, cluster, network="no-such-network")


def said(postgres: PostgresExternal) -> str:
    stream = postgres.progress.stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_it_answers_encrypted_to_a_role_without_power(database: Database) -> None:
    assert database.tls
    assert database.query.tls().version in ("TLSv1.2", "TLSv1.3")
    [(user, superuser, encoding)] = database.query.rows(
        "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
        " pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    )
    assert (user, superuser, encoding) == ("app", False, "UTF8")


def test_the_role_can_do_what_migrations_do(database: Database) -> None:
    query = database.query
    query.rows("DROP TABLE IF EXISTS thing")
    query.rows("CREATE TABLE thing (id serial PRIMARY KEY, name text)")
    query.rows("INSERT INTO thing (name) VALUES (%s), (%s)", ("100% 'quoted'", "b"))
    assert query.count("thing") == 2
    assert query.count("public.thing") == 2
    assert query.tables() == ["thing"]
    assert query.value("SELECT name FROM thing WHERE id = %s", (1,)) == "100% 'quoted'"
    assert query.value("SELECT name FROM thing WHERE id = 99") is None
    assert query.rows("SELECT 1 WHERE 'a' LIKE 'a%'") == [(1,)]


def test_it_refuses_what_is_not_encrypted(database: Database) -> None:
    plain = database.url_on_host.replace("sslmode=require", "sslmode=disable")
    with pytest.raises(errors.TlsRequiredError):
        connect(Address.parse(plain, "a test"), "a test")


def test_it_refuses_a_wrong_password(database: Database) -> None:
    address = Address.parse(database.url_on_host, "a test")
    wrong = database.url_on_host.replace(address.password, "wrong-password")
    with pytest.raises(errors.LoginRefusedError, match="user app") as raised:
        connect(Address.parse(wrong, "a test"), "a test")
    assert "wrong-password" not in str(raised.value)


def test_it_knows_no_other_database(database: Database) -> None:
    with pytest.raises(errors.DatabaseMissingError, match="nothing_here"):
        Query(database.url_on_host.replace("/app?", "/nothing_here?")).value("SELECT 1")


def test_its_port_is_for_this_machine_only(
    engine: Engine, postgres: PostgresExternal, database: Database
) -> None:
    [container] = containers.find(engine, postgres.cluster, "database")
    bindings = container.attrs["HostConfig"]["PortBindings"]["5432/tcp"]
    assert [one["HostIp"] for one in bindings] == ["127.0.0.1"]
    assert database.port == 5432


def test_a_later_run_adopts_it(
    engine: Engine, postgres: PostgresExternal, database: Database
) -> None:
    database.query.rows("CREATE TABLE IF NOT EXISTS kept (id int)")
    later = another(engine, postgres.cache, postgres.cluster).ensure()
    assert later.adopted
    assert later.url_on_host == database.url_on_host
    assert "kept" in later.query.tables()


def test_it_is_started_again_with_its_data(
    engine: Engine, postgres: PostgresExternal, database: Database
) -> None:
    database.query.rows("CREATE TABLE IF NOT EXISTS kept (id int)")
    postgres.stop()
    with pytest.raises(errors.ConnectionRefusedByHostError):
        database.query.value("SELECT 1")
    assert postgres.start().url_on_host == database.url_on_host
    assert "kept" in database.query.tables()
    postgres.stop()
    later = another(engine, postgres.cache, postgres.cluster)
    assert later.ensure().adopted
    assert "kept" in database.query.tables()


def test_a_frozen_server_hangs_and_goes_on(postgres: PostgresExternal, database: Database) -> None:
    postgres.pause()
    try:
        with pytest.raises(errors.HostTimedOutError):
            Query(database.url_on_host, timeout=2).value("SELECT 1")
    finally:
        postgres.resume()
    assert database.query.value("SELECT 1") == 1


def test_databases_come_and_go(postgres: PostgresExternal, database: Database) -> None:
    first = postgres.create_database("run-2")
    again = postgres.create_database("run-2")
    assert first.url_in_cluster == again.url_in_cluster
    first.query.rows("CREATE TABLE only_here (id int)")
    assert "only_here" not in database.query.tables()
    open_one = connect(Address.parse(first.url_on_host, "a test"), "a test")
    postgres.drop_database("run-2")
    postgres.drop_database("run-2")
    open_one.close()
    with pytest.raises(errors.DatabaseMissingError):
        first.query.value("SELECT 1")


def test_a_container_beside_it_reaches_it_by_name(
    engine: Engine, postgres: PostgresExternal, database: Database
) -> None:
    network = containers.side_network(engine, postgres.cache, postgres.cluster)
    log = Alone(
        engine,
        str(database.image),
        None,
        env={"URL": database.url_in_cluster},
        secrets=[database.url_in_cluster],
        command=[
            "sh",
            "-c",
            'psql "$URL" -Atc "select ssl from pg_stat_ssl where pid=pg_backend_pid()"',
        ],
        network=network,
    ).to_end()
    assert log.strip() == "t"


def test_the_password_is_nowhere_to_be_seen(postgres: PostgresExternal, database: Database) -> None:
    password = Address.parse(database.url_on_host, "a test").password
    assert len(password) >= 24
    assert password not in said(postgres)
    assert password not in repr(database)
    assert password not in postgres.log(500)
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    assert password not in listed.stdout


def test_the_environment_is_as_before(postgres: PostgresExternal, database: Database) -> None:
    assert "TESTCONTAINERS_RYUK_DISABLED" not in os.environ
    assert database.host == f"database.{postgres.cluster}.internal"


def test_one_made_otherwise_is_replaced(engine: Engine, tmp_path: Path) -> None:
    postgres = another(engine, Cache(tmp_path), f"test-{uuid.uuid4().hex[:8]}")
    image = official(engine, "postgres:17")
    container = engine.sdk().containers.create(
        image,
        name=f"{postgres.cluster}-database",
        labels=containers.labels(postgres.cluster, "database", "other content"),
    )
    try:
        assert not postgres.ensure().adopted
        assert "made otherwise" in said(postgres)
        assert container.id != containers.find(engine, postgres.cluster, "database")[0].id
        (tmp_path / "databases" / f"{postgres.cluster}.json").unlink()
        without_password = another(engine, Cache(tmp_path), postgres.cluster)
        assert not without_password.ensure().adopted
        assert "let in" in said(without_password)
    finally:
        postgres.delete()


FAULTS: list[tuple[Callable[[PostgresExternal, Database], Fault], type[errors.DatabaseError]]] = [
    (faults.Stopped, errors.ConnectionRefusedByHostError),
    (faults.Silent, errors.HostTimedOutError),
    (faults.WithoutTls, errors.TlsError),
    (faults.OutOfConnections, errors.ConnectionsExhaustedError),
]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_a_fault_takes_hold_and_loses_nothing(
    postgres: PostgresExternal,
    database: Database,
    fault: Callable[[PostgresExternal, Database], Fault],
    cause: type[errors.DatabaseError],
) -> None:
    database.query.rows("CREATE TABLE IF NOT EXISTS lasting (id int)")
    before = database.query.count("lasting")
    database.query.rows("INSERT INTO lasting VALUES (1)")
    # An open connection, as an application's pool holds it, must not outlive the fault.
    address = Address.parse(database.url_on_host, "a test")
    pooled = None if fault is faults.Silent else connect(address, "a test")
    with fault(postgres, database) as broken:
        with pytest.raises(cause):
            connect(address, "a test", 2)
        if pooled is not None:
            with pytest.raises(psycopg.OperationalError):
                pooled.execute("SELECT 1")
        assert broken.describe().startswith("the database ")
    assert database.query.count("lasting") == before + 1
    assert database.query.tls().used


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_a_fault_without_effect_says_so(
    postgres: PostgresExternal,
    database: Database,
    fault: Callable[[PostgresExternal, Database], Fault],
    cause: type[errors.DatabaseError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cause
    broken = fault(postgres, database)
    monkeypatch.setattr(broken, "_break", lambda: None)
    with pytest.raises(FaultWithoutEffectError, match="answers as ever"):
        broken.__enter__()
    assert database.query.value("SELECT 1") == 1


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_a_later_run_mends_what_a_killed_one_left(
    engine: Engine,
    postgres: PostgresExternal,
    database: Database,
    fault: Callable[[PostgresExternal, Database], Fault],
    cause: type[errors.DatabaseError],
) -> None:
    assert cause
    broken = fault(postgres, database)
    broken._break()
    if isinstance(broken, faults.OutOfConnections):
        broken._held.close()  # they end with the process
    later = another(engine, postgres.cache, postgres.cluster).ensure()
    assert later.adopted
    held = [connect(Address.parse(later.url_on_host, "a test"), "a test") for _ in range(6)]
    for connection in held:
        connection.close()


def test_an_image_that_ends_tells_its_last_words(engine: Engine, tmp_path: Path) -> None:
    postgres = another(engine, Cache(tmp_path), f"test-{uuid.uuid4().hex[:8]}")
    python: Any = FixedBases({"postgres:17": official(engine, "python:3.12-slim")})
    postgres.bases = python
    try:
        with pytest.raises(errors.DatabaseNotStartedError, match="postgres"):
            postgres.ensure()
        assert containers.find(engine, postgres.cluster, "database") == []
    finally:
        postgres.delete()


def test_a_secret_that_is_kept_as_it_is_is_found(database: Database) -> None:
    canaries = Canaries(
        {"token": "kept-as-it-is-4711", "hidden": "in-bytes-0815", "gone": "n-o-n-e"}
    )
    query = database.query
    query.rows('CREATE SCHEMA "Other"')
    try:
        query.rows('CREATE TABLE "Other".settings (id int, content jsonb, raw bytea)')
        assert in_rows(query, canaries) == ([], len(query.tables()) + 1)
        query.rows(
            'INSERT INTO "Other".settings VALUES (1, %s, %s)',
            ('{"key": "Bearer kept-as-it-is-4711"}', b"before in-bytes-0815 after"),
        )
        leaks, _ = in_rows(query, canaries)
        assert {(one.where, one.secret) for one in leaks} == {
            ("table Other.settings", "token"),
            ("table Other.settings", "hidden"),
        }
        assert "4711" not in str(leaks)
    finally:
        query.rows('DROP SCHEMA "Other" CASCADE')
