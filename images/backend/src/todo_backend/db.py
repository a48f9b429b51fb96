"""The pooled engine that requests use."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from todo_backend.connection import BoundedConnection

STATEMENT_TIMEOUT_S = 5
POOL_SIZE = 5
POOL_OVERFLOW = 5
POOL_TIMEOUT_S = 3

type Connect = Callable[[], BoundedConnection]


def make_engine(connect: Connect) -> Engine:
    """Return the pooled engine for requests; opens no connection yet."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        pool_recycle=900,
        pool_use_lifo=True,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _limit_statements)
    return engine


def _limit_statements(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s'")


def is_outage(error: BaseException) -> bool:
    """Tell whether `error` means that the database cannot serve now, not that a query is wrong."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    undefined_table = isinstance(error.orig, psycopg.errors.UndefinedTable)
    broken = isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)
    return error.connection_invalidated or broken or undefined_table
