"""The schema: how it comes to be, also when the database is late or two pods start at once."""

from __future__ import annotations

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from postgres import Postgres, free_port
from todo_backend import models, schema
from todo_backend.migrate import MigrationError, migrate


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in rows.fetchall()}


def run(url: str) -> bool:
    return migrate(url, threading.Event())


def test_an_empty_database_gets_the_schema(empty_database: str) -> None:
    assert run(empty_database)
    assert tables(empty_database) == {"task", schema.VERSION_TABLE}


def test_a_second_run_changes_nothing(empty_database: str) -> None:
    assert run(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO task (user_id, title) VALUES ('alice', 'kept')")
    assert run(empty_database)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT title FROM task").fetchall() == [("kept",)]


def test_the_frontend_s_tables_are_left_alone(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute('CREATE TABLE "user" (id text PRIMARY KEY)')
    assert run(empty_database)
    assert "user" in tables(empty_database)


def test_pods_that_start_together_do_not_collide(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, [empty_database] * 4))
    assert tables(empty_database) == {"task", schema.VERSION_TABLE}


def test_a_newer_schema_is_left_as_it_is(
    empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    with caplog.at_level(logging.INFO):
        assert run(empty_database)
    assert "newer than this release" in caplog.text


def test_a_late_database_is_waited_for(fragile: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    fragile.stop()
    try:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(run, fragile.url("postgres"))
            with pytest.raises(TimeoutError):
                done.result(timeout=2)
            fragile.start()
            assert done.result(timeout=30)
    finally:
        fragile.start_if_stopped()
    tries = [text for text in caplog.messages if text.startswith("try ")]
    assert len(tries) >= 2
    assert all("the connection to the database was refused" in text for text in tries)
    assert fragile.password not in caplog.text


def test_waiting_can_be_stopped() -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(migrate, f"postgresql://u:p@127.0.0.1:{free_port()}/d", stop)
        stop.set()
        assert done.result(timeout=10) is False


def test_a_refused_change_is_named(postgres: Postgres, empty_database: str) -> None:
    postgres.execute("DROP ROLE IF EXISTS reader")
    postgres.execute("CREATE ROLE reader LOGIN PASSWORD 'read-only'")
    try:
        name = empty_database.rpartition("/")[2]
        with pytest.raises(MigrationError, match="lacks a privilege"):
            run(postgres.url(name, "reader", "read-only"))
    finally:
        postgres.execute("DROP ROLE reader")


def test_the_models_are_what_the_revisions_build(database: str) -> None:
    engine = create_engine(re.sub("^postgresql", "postgresql+psycopg", database))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
        )
        assert models.Task.__tablename__ == "task"
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_the_head_that_serving_expects_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "todo_backend:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


@pytest.mark.parametrize(
    ("revision", "serves"),
    [(schema.HEAD, True), ("9999", True), ("0000", False), (None, False), ("abcd", False)],
)
def test_which_revisions_serve(revision: str | None, serves: bool) -> None:  # noqa: FBT001
    assert (schema.problem(revision) is None) is serves
