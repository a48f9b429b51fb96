"""A branch at a stand-in for Neon, with a real PostgreSQL behind it."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from images_support import FixedBases, official, real_engine
from neon_support import KEY, Neon, serving

from harness.cache import Cache
from harness.databases import errors
from harness.databases.external import PostgresExternal
from harness.databases.neon.api import NeonApi
from harness.databases.neon.database import NeonDatabase
from harness.images import containers
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
    bases: Any = FixedBases({"postgres:17": official(engine, "postgres:17")})
    cache, progress = Cache(tmp_path_factory.mktemp("cache")), Progress(stream=io.StringIO())
    cluster = f"test-{uuid.uuid4().hex[:8]}"
    postgres = PostgresExternal(engine, bases, cache, progress, cluster, network="no-such-network")
    try:
        postgres.ensure()
        yield postgres
    finally:
        postgres.delete()


def address_of(postgres: PostgresExternal) -> str:
    """Return an address of the server that is no loopback, as Neon's is none."""
    [container] = containers.find(postgres.engine, postgres.cluster, "database")
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])


def test_a_run_has_a_database_of_its_own_and_leaves_none(postgres: PostgresExternal) -> None:
    host = address_of(postgres)

    def opened(branch: str, database: str) -> str:
        made = postgres.create_database(branch)
        return made.url_in_cluster.replace(f"@{postgres.host}:", f"@{host}:")

    def closed(branch: str) -> None:
        postgres.drop_database(branch)

    neon = Neon(open_database=opened, close_database=closed)
    with serving(neon) as url:
        first, second = (
            NeonDatabase(NeonApi(KEY, url), Progress(stream=io.StringIO()), name, name="shop")
            for name in ("one", "two")
        )
        one, two = first.ensure(), second.ensure()
        assert (one.host, one.tls, one.image) == (host, True, None)
        one.query.rows("CREATE TABLE only_here (id int)")
        assert one.query.tables() == ["only_here"]
        assert two.query.tables() == []
        first.delete()
        with pytest.raises(errors.DatabaseMissingError):
            one.query.value("SELECT 1")
        assert two.query.value("SELECT 1") == 1
        second.delete()
    assert neon.names() == ["main"]


@pytest.mark.skipif(not os.environ.get("NEON_API_KEY"), reason="NEON_API_KEY is not set")
def test_neon_itself() -> None:
    environ = os.environ
    api = NeonApi(environ["NEON_API_KEY"], organization=environ.get("NEON_ORG_ID", ""))
    project = environ.get("NEON_PROJECT_ID", "")
    database = NeonDatabase(api, Progress(stream=io.StringIO()), "test", project=project)
    made = database.ensure()
    try:
        made.query.rows("CREATE TABLE only_here (id int)")
        assert "only_here" in made.query.tables()
    finally:
        database.delete()
    with pytest.raises(errors.DatabaseError):
        made.query.value("SELECT 1")
