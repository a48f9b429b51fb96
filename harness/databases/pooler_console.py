"""The console of a PgBouncer, at which it is asked and told things in SQL's words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.ports import LOOPBACK

#: Whom the pooler's configuration lets do so.
ADMIN = "pooler"


@dataclass(frozen=True)
class PoolerConsole:
    """A console, reached at a port of this machine. Databases are named.

    All methods raise `psycopg.Error` when it does not answer.
    """

    port: int
    user: str
    password: str = field(repr=False)

    def drop_clients(self, database: str) -> int:
        """Cut the connections of all clients of a database; return how many there were.

        They are cut as a network does it: without a word. New ones are welcome.
        """
        there = self.clients(database)
        self._tell(f'KILL "{database}"')
        self._tell(f'RESUME "{database}"')
        return there

    def clients(self, database: str) -> int:
        """Return how many clients are connected for a database."""
        return sum(row["database"] == database for row in self._tell("SHOW CLIENTS"))

    def transactions(self, database: str) -> int:
        """Return how many transactions of a database have gone through it so far."""
        shown = self._tell("SHOW STATS_TOTALS")
        return sum(int(row["xact_count"]) for row in shown if row["database"] == database)

    def _tell(self, command: str) -> list[dict[str, Any]]:
        """Say something at the pooler's own console, and return its rows by column."""
        import psycopg
        from psycopg.rows import dict_row

        # It knows the simple protocol only, and no transactions.
        with psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname="pgbouncer",
            sslmode="require",
            autocommit=True,
            connect_timeout=5,
            cursor_factory=psycopg.ClientCursor,
        ) as console:
            cursor = console.cursor(row_factory=dict_row)
            cursor.execute(command.encode())
            return cursor.fetchall() if cursor.description else []
