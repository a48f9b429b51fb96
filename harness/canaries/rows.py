"""What a database holds, row by row as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.canaries.search import Canaries, Leak
from harness.images.needles import secret_needles

if TYPE_CHECKING:
    from harness.databases.query import Query

_TABLES = """
SELECT schemaname, tablename FROM pg_catalog.pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""

# Numbers of the values that some row holds, as it is or in a `bytea` as PostgreSQL shows one.
_FOUND = """
SELECT n.number FROM unnest(%s::text[]) WITH ORDINALITY AS n (value, number)
WHERE EXISTS (
    SELECT 1 FROM {} AS r WHERE strpos(r::text, n.value) > 0
    OR strpos(r::text, encode(convert_to(n.value, 'UTF8'), 'hex')) > 0
)
"""


def in_rows(query: Query, canaries: Canaries) -> tuple[list[Leak], int]:
    """Return the leaks, and how many tables were looked through.

    The server compares, so that no row leaves it.

    Raises:
        errors.DatabaseError: it cannot be asked.

    """
    tables = query.rows(_TABLES)
    return list(_leaks(query, canaries, tables)), len(tables)


def _leaks(query: Query, canaries: Canaries, tables: list[tuple[str, str]]) -> Iterator[Leak]:
    from psycopg import sql

    needles = secret_needles(canaries.secrets)
    values = [needle.value.decode() for needle in needles]
    for schema, table in tables:
        statement = sql.SQL(_FOUND).format(sql.Identifier(schema, table)).as_string(None)
        for (number,) in query.rows(statement, (values,)):
            needle = needles[number - 1]
            yield Leak(f"table {schema}.{table}", needle.label, needle.form)
