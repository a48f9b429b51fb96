"""Runs as rows of the tables, and back."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from harness.history.model import Demand, Entry, Identity, Result, Size, Source, Spent

_RUN = (
    "began, seconds, commit_id, dirty, tree, chart, provider, workers, exit_status, outcome, "
    "command, whole"
)


def write_entry(connection: sqlite3.Connection, entry: Entry) -> int:
    """Write a run, within a transaction, and return its number."""
    source = entry.source
    row = (
        *(entry.began, entry.seconds, source.commit, source.dirty, source.tree, entry.chart),
        *(entry.provider, entry.workers, entry.exit_status, entry.outcome, entry.command),
        entry.whole,
    )
    number = connection.execute(
        f"INSERT INTO runs ({_RUN}) VALUES ({_marks(len(row))})",  # noqa: S608 - constants
        tuple(map(_plain, row)),
    ).lastrowid
    assert number is not None
    sizes = [(s.name, s.size, s.packed, s.limit_mb, s.goal_mb) for s in entry.sizes]
    _write(connection, "sizes", number, sizes)
    phases = [(n, p.name, p.seconds, p.ok) for n, p in enumerate(entry.phases)]
    _write(connection, "phases", number, phases)
    results = [
        (n, _scenario(connection, r.scenario), r.status, r.seconds, r.attempts, r.cause)
        for n, r in enumerate(entry.results)
    ]
    _write(connection, "results", number, results)
    demands = [(n, d.id, d.status, d.scenarios, d.selected) for n, d in enumerate(entry.demands)]
    _write(connection, "demands", number, demands)
    return number


def _write(
    connection: sqlite3.Connection, table: str, run: int, rows: list[tuple[Any, ...]]
) -> None:
    for row in rows:
        values = (run, *map(_plain, row))
        connection.execute(f"INSERT INTO {table} VALUES ({_marks(len(values))})", values)  # noqa: S608


def _scenario(connection: sqlite3.Connection, identity: Identity) -> int:
    key = tuple(map(_plain, (identity.feature, identity.name, identity.example)))
    connection.execute(
        "INSERT OR IGNORE INTO scenarios (feature, name, example) VALUES (?, ?, ?)", key
    )
    (number,) = connection.execute(
        "SELECT id FROM scenarios WHERE feature = ? AND name = ? AND example = ?", key
    ).fetchone()
    return int(number)


def _plain(value: Any) -> Any:
    """Return a text that the database takes: half of a surrogate pair is no character."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def read_entries(
    connection: sqlite3.Connection, last: int, until: float | None = None
) -> list[Entry]:
    """Return the newest runs of those that began by a moment, the oldest first."""
    rows = connection.execute(
        f"SELECT number, {_RUN} FROM runs WHERE began <= ? ORDER BY number DESC LIMIT ?",  # noqa: S608
        (float("inf") if until is None else until, last),
    ).fetchall()
    numbers = [int(row[0]) for row in rows]
    if not numbers:
        return []
    sizes = _children(connection, "run, name, size, packed, limit_mb, goal_mb FROM sizes", numbers)
    phases = _children(connection, "run, name, seconds, ok FROM phases", numbers, "place")
    results = _children(
        connection,
        "run, feature, name, example, status, seconds, attempts, cause "
        "FROM results JOIN scenarios ON scenario = id",
        numbers,
        "place",
    )
    demands = _children(
        connection, "run, id, status, scenarios, selected FROM demands", numbers, "place"
    )
    return [
        Entry(
            number=row[0],
            began=row[1],
            seconds=row[2],
            source=Source(row[3], None if row[4] is None else bool(row[4]), row[5]),
            chart=row[6],
            provider=row[7],
            workers=row[8],
            exit_status=row[9],
            outcome=row[10],
            command=row[11],
            whole=bool(row[12]),
            sizes=tuple(Size(*told) for told in sizes[row[0]]),
            phases=tuple(Spent(name, took, bool(ok)) for name, took, ok in phases[row[0]]),
            results=tuple(Result(Identity(*told[:3]), *told[3:]) for told in results[row[0]]),
            demands=tuple(Demand(*told) for told in demands[row[0]]),
        )
        for row in reversed(rows)
    ]


def _children(
    connection: sqlite3.Connection, select: str, runs: list[int], order: str = "name"
) -> dict[int, list[tuple[Any, ...]]]:
    """Return the rows of some runs, by the run; the oldest and the newest of them are the ends."""
    wanted = set(runs)
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    asked = f"SELECT {select} WHERE run BETWEEN ? AND ? ORDER BY run, {order}"
    rows: Iterator[tuple[Any, ...]] = connection.execute(asked, (min(runs), max(runs)))
    for run, *told in rows:
        if run in wanted:
            found[int(run)].append(tuple(told))
    return found
