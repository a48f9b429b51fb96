"""The tables of a history, and how an older file comes to have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

#: What tells our files from other databases: "runs" in ASCII.
APPLICATION = 0x72756E73

_FIRST = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
    began REAL NOT NULL,  -- seconds since 1970
    seconds REAL NOT NULL,
    commit_id TEXT NOT NULL,
    dirty INTEGER,  -- NULL: not known
    tree TEXT NOT NULL,
    chart TEXT NOT NULL,
    provider TEXT NOT NULL,
    workers INTEGER NOT NULL,
    exit_status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    command TEXT NOT NULL,
    whole INTEGER NOT NULL
);
CREATE TABLE sizes (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name TEXT NOT NULL,
    size REAL NOT NULL,
    packed REAL NOT NULL,
    limit_mb REAL NOT NULL,
    goal_mb REAL NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE phases (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    seconds REAL NOT NULL,
    ok INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE scenarios (
    id INTEGER PRIMARY KEY,
    feature TEXT NOT NULL,
    name TEXT NOT NULL,
    example TEXT NOT NULL,
    UNIQUE (feature, name, example)
);
CREATE TABLE results (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    place INTEGER NOT NULL,
    scenario INTEGER NOT NULL REFERENCES scenarios,
    status TEXT NOT NULL,
    seconds REAL NOT NULL,
    attempts INTEGER NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE INDEX results_by_scenario ON results (scenario, status);
CREATE TABLE demands (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    scenarios INTEGER NOT NULL,
    selected INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
"""
#: What leads from each format to the next; a file's format is how many of them it has had.
MIGRATIONS: tuple[str, ...] = (_FIRST,)


def version(connection: sqlite3.Connection) -> int:
    """Return the format of a file, 0 for an empty one."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def is_ours(connection: sqlite3.Connection) -> bool:
    """Return whether a file is a history, or has nothing in it yet."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION:
        return True
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return not tables and not application and not version(connection)


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring a file to the newest format: wholly, or not at all.

    Args:
        connection: in autocommit mode, of a file that is ours and not newer.
        migrations: see MIGRATIONS.

    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version(connection), len(migrations)):
            for statement in _statements(migrations[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """Return the statements of a script: run as a whole it would end the transaction."""
    found, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return [*found, *([begun] if begun.strip() else [])]
