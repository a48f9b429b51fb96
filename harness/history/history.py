"""The history of runs: a file that several processes read and add to at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from harness.history import schema
from harness.history.errors import (
    HistoryDamagedError,
    HistoryForeignError,
    HistoryMissingError,
    HistoryNewerError,
    HistoryUnavailableError,
    RunUnknownError,
)
from harness.history.model import Entry
from harness.history.rows import read_entries, write_entry
from harness.history.source import commit_named

#: Runs that are kept; older ones go.
KEPT = 500
_BUSY_SECONDS = 30.0
_LEAST = 4  # characters of a commit's id


class History:
    """A history that is open. Used as a context, which closes it.

    Each method raises HistoryDamagedError or HistoryUnavailableError when the file does not
    let it do its work. A file that is damaged, newer or something else's is never written to.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection

    @classmethod
    def open(cls, path: Path, migrations: Sequence[str] = schema.MIGRATIONS) -> Self:
        """Open a history to add to it; begin one where there is none.

        Raises:
            HistoryDamagedError, HistoryForeignError, HistoryNewerError, HistoryUnavailableError.

        """
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A change of format and of the journal's mode are each for one process alone.
            with FileLock(path.with_name(f".{path.name}.lock"), timeout=_BUSY_SECONDS):
                connection = _connected(path, "rwc")
                try:
                    _check(path, connection, len(migrations))
                    (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                    if damage != "ok":
                        raise HistoryDamagedError(path, str(damage).strip().splitlines()[-1])
                    connection.execute("PRAGMA journal_mode = WAL")
                    if schema.version(connection) < len(migrations):
                        schema.migrate(connection, migrations)
                except BaseException:
                    connection.close()
                    raise
        return cls(path, connection)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a history that is there, and change nothing of it but an older format.

        Raises:
            HistoryMissingError, and what `open` does.

        """
        with _told(path):
            if not path.exists() or not path.stat().st_size:
                raise HistoryMissingError(path)
            # In a folder that cannot be written to nobody writes beside us either.
            free = os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)
            connection = _connected(path, "rw" if free else "ro&immutable=1")
            try:
                _check(path, connection, len(schema.MIGRATIONS))
                current = schema.version(connection) == len(schema.MIGRATIONS)
            except BaseException:
                connection.close()
                raise
            if current:
                return cls(path, connection)
            connection.close()
        return cls.open(path)

    def add(self, entry: Entry, most: int = KEPT) -> int:
        """Keep a run, let the oldest go that are more than `most`, and return its number."""
        with _told(self.path), self._changing() as connection:
            number = write_entry(connection, entry)
            connection.execute(
                "DELETE FROM runs WHERE number NOT IN "
                "(SELECT number FROM runs ORDER BY number DESC LIMIT ?)",
                (most,),
            )
            connection.execute(
                "DELETE FROM scenarios WHERE id NOT IN (SELECT scenario FROM results)"
            )
        return number

    def runs(self, last: int = KEPT, until: float | None = None, provider: str = "") -> list[Entry]:
        """Return runs, the oldest first.

        Args:
            last: how many at most, of the newest.
            until: only those that began by then, in seconds since 1970.
            provider: of these, only the ones on this kind of cluster; "": on any.

        """
        with _told(self.path):
            runs = read_entries(self._connection, last, until)
        return [run for run in runs if provider in ("", run.provider)]

    def named(self, words: str, root: Path) -> Entry:
        """Return the run that is meant by words.

        Args:
            words: its number; `last`, `last-1`, …; a commit, or a name of one that git knows, for
                the newest run of it.
            root: a folder in the work tree whose git is asked.

        Raises:
            RunUnknownError: there is no such run, or there are several.

        """
        runs = self.runs()
        word, _, back = words.partition("-")
        if word == "last" and (not back or back.isdecimal()):
            place = int(back or 0)
            if place < len(runs):
                return runs[-1 - place]
            raise RunUnknownError(words, self.path, f"{len(runs)} runs are kept")
        if found := [run for run in runs if str(run.number) == words.removeprefix("#")]:
            return found[0]
        lower = words.lower()
        commits = {run.source.commit for run in runs} - {""}
        meant = {c for c in commits if len(words) >= _LEAST and c.startswith(lower)}
        meant = meant or {commit_named(root, words)} & commits
        if len(meant) > 1:
            raise RunUnknownError(words, self.path, f"{len(meant)} commits begin so")
        if not meant:
            first = f"runs {runs[0].number} to {runs[-1].number} are kept, " if runs else ""
            raise RunUnknownError(words, self.path, f"{first}none of that number or commit")
        return next(run for run in reversed(runs) if run.source.commit in meant)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    # Without the module's own transactions: ours begin where they are written.
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _check(path: Path, connection: sqlite3.Connection, known: int) -> None:
    if not schema.is_ours(connection):
        raise HistoryForeignError(path)
    if (found := schema.version(connection)) > known:
        raise HistoryNewerError(path, found, known)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell in our words what the database or the file system says."""
    try:
        yield
    except sqlite3.OperationalError as error:  # locked, full, read-only, no such folder
        raise HistoryUnavailableError(path, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise HistoryDamagedError(path, str(error)) from error
    except Timeout as error:
        said = f"another program held it for {_BUSY_SECONDS:.0f} s"
        raise HistoryUnavailableError(path, said) from error
    except OSError as error:
        raise HistoryUnavailableError(path, error.strerror or str(error)) from error
