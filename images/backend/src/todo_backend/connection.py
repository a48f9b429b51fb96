"""Connections to PostgreSQL whose every wait has an end; needs the driver only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict

CONNECT_TIMEOUT_S = 3
ANSWER_TIMEOUT_S = 6


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
