"""`migrate`: waits for the database, then brings the schema to this release's revision."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg

from todo_backend import schema
from todo_backend.causes import explain
from todo_backend.connection import PatientConnection, connector

LOCK_KEY = 0x746F646F
"""Advisory lock, "todo": two pods that start together migrate one after the other."""

RETRY_FIRST_S = 0.5
RETRY_MOST_S = 3.0

logger = logging.getLogger(__name__)

type Connect = Callable[[], PatientConnection]


class MigrationError(Exception):
    """The database answers, but refuses the change; trying again would not help."""


def migrate(url: str, stop: threading.Event) -> bool:
    """Bring the schema up to date; return False when `stop` was set before that was done.

    A database that cannot be reached, for whatever cause, is waited for: one log line a try.

    Raises:
        MigrationError: the database refuses a statement.

    """
    connect = connector(url, PatientConnection)
    delay = RETRY_FIRST_S
    attempt = 0
    while not stop.is_set():
        attempt += 1
        try:
            _bring_to_head(connect)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            logger.warning("try %d: %s; next try in %.1f s", attempt, explain(error), delay)
            stop.wait(delay)
            delay = min(delay * 1.5, RETRY_MOST_S)
        except psycopg.Error as error:
            raise MigrationError(explain(error)) from error
        else:
            return True
    return False


def _bring_to_head(connect: Connect) -> None:
    with connect() as connection:
        revision = _current_revision(connection)
    if revision is not None and schema.is_newer(revision):
        logger.info("schema revision %s is newer than this release (%s)", revision, schema.HEAD)
    elif revision == schema.HEAD:
        logger.info("schema revision %s is current", revision)
    else:
        logger.info("migrating the schema from %s to %s", revision or "nothing", schema.HEAD)
        _upgrade(connect)
        logger.info("schema revision %s is current", schema.HEAD)


def _current_revision(connection: PatientConnection) -> str | None:
    """Return the schema's revision, or None when it was never migrated."""
    found = connection.execute("SELECT to_regclass(%s)", [schema.VERSION_TABLE]).fetchone()
    if not found or found[0] is None:
        return None
    row = connection.execute(schema.CURRENT_REVISION).fetchone()
    return str(row[0]) if row else None


def _upgrade(connect: Connect) -> None:
    """Run alembic in one transaction that holds the lock: all of it happens, or nothing."""
    # Imported here: most starts find a current schema, and have little CPU to spend.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", "todo_backend:migrations")
    try:
        with engine.begin() as connection:
            # Not a session lock: a transaction pooler would hand it to somebody else.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from error
