"""`python -m tickets.migrate`: make the table; any number of times."""

from __future__ import annotations

import psycopg

from tickets.database import DATABASE_URL

TABLE = """
CREATE TABLE IF NOT EXISTS tickets (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    closed boolean NOT NULL DEFAULT false
)
"""

if __name__ == "__main__":
    with psycopg.connect(DATABASE_URL, connect_timeout=10) as connection:
        connection.execute(TABLE)
