"""The database engine: every wait for the server has an end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 6
POOL_SIZE = 5
POOL_OVERFLOW = 5
POOL_TIMEOUT_S = 3


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that stays silent.

    The server's `statement_timeout` cannot help when the server is frozen or the network
    swallows packets; then this limit frees the thread and drops the connection.
    """

    answer_timeout: ClassVar[float | None] = ANSWER_TIMEOUT_S

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server.

        Raises:
            psycopg.OperationalError: no answer within `answer_timeout` seconds.

        """
        if timeout is not None or self.answer_timeout is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # no goodbye: that would be one more wait
            raise psycopg.OperationalError(
                f"no answer within {self.answer_timeout:g} s, connection dropped"
            ) from None


class PatientConnection(BoundedConnection):
    """A connection for migrations: a statement there may take as long as it needs."""

    answer_timeout: ClassVar[float | None] = None


def connector[C: psycopg.Connection[Any]](url: str, kind: type[C]) -> Callable[[], C]:
    """Return a function that opens a connection to `url`; options in the URL win over ours."""
    ours: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "todo-backend",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    given = conninfo_to_dict(url)
    options = {name: value for name, value in ours.items() if name not in given}

    def connect() -> C:
        # Prepared statements and session settings do not survive a transaction pooler
        # (PgBouncer, Neon's `-pooler` hosts): use neither.
        return kind.connect(url, prepare_threshold=None, **options)

    return connect


def make_engine(url: str) -> Engine:
    """Return the pooled engine for requests; opens no connection yet."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connector(url, BoundedConnection),
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
