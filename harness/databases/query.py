"""Asking a database, over the network, what it really holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.databases.reach import Address, connect


@dataclass(frozen=True)
class Tls:
    """Whether a connection is encrypted, and how, in the server's own words."""

    used: bool
    version: str | None
    cipher: str | None


@dataclass(frozen=True)
class Query:
    """Short questions to a database; each opens a connection of its own and closes it."""

    url: str
    timeout: float = 5.0

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows, none when it returns none.

        Values go in as parameters (`%s`), never into the text.

        Raises:
            errors.DatabaseError: no connection; one subclass a cause.
            psycopg.Error: the server refused the statement.

        """
        address = Address.parse(self.url, "the database of this run")
        with connect(address, "the database of this run", self.timeout) as connection:
            cursor = connection.execute(statement.encode(), tuple(parameters) or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, parameters: Sequence[object] = ()) -> Any:
        """Return the first column of the first row, None without rows."""
        rows = self.rows(statement, parameters)
        return rows[0][0] if rows else None

    def count(self, table: str) -> int:
        """Return how many rows a table has. `table` may be `schema.table`."""
        from psycopg import sql

        name = sql.Identifier(*table.split("."))
        statement = sql.SQL("SELECT count(*) FROM {}").format(name).as_string(None)
        return int(self.value(statement))

    def tables(self) -> list[str]:
        """Return the names of the tables in the public schema, sorted."""
        rows = self.rows(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        return [str(row[0]) for row in rows]

    def tls(self) -> Tls:
        """Return what the server says of the encryption of our own connection."""
        rows = self.rows(
            "SELECT ssl, version, cipher FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        return Tls(*rows[0])

    def clients(self) -> list[tuple[str, bool]]:
        """Return address and encryption of everyone else connected to this database."""
        return [
            (str(address), bool(encrypted))
            for address, encrypted in self.rows(
                "SELECT host(a.client_addr), s.ssl FROM pg_catalog.pg_stat_activity a"
                " JOIN pg_catalog.pg_stat_ssl s USING (pid)"
                " WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()"
                " AND a.client_addr IS NOT NULL"
            )
        ]
