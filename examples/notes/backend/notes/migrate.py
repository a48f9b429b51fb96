"""`python -m notes.migrate`: make the tables that are missing; any number of times."""

from __future__ import annotations

from sqlalchemy import text

from notes.database import Base, engine

LOCK = 20251  # any number: two pods that start at once do not make a table twice

if __name__ == "__main__":
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        Base.metadata.create_all(connection)
