"""Why a history of runs cannot be read or added to."""

from __future__ import annotations

from pathlib import Path

from harness.errors import DeployError

_ELSEWHERE = "name another file by --deploy-history (`python -m harness.history --file`)"


class HistoryError(DeployError):
    """The history of runs cannot be used."""


class HistoryMissingError(HistoryError):
    """There is no such file."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            needed="the history of earlier runs",
            seen="no such file",
            looked=str(path),
            fix="run the scenarios (`make deploy`), which begins one, or name the file of another",
        )


class HistoryDamagedError(HistoryError):
    """The file is no database, or a broken one. It is left as it is."""

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(
            needed="a history of runs that can be read",
            seen=f"{said}; it is left as it is, and no run is added to it",
            looked=str(path),
            fix=f"move it away, and the next run begins a new one; or {_ELSEWHERE}",
        )


class HistoryForeignError(HistoryError):
    """The file is the database of something else. It is left as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            needed="a file for the history of runs",
            seen="a database that is something else's",
            looked=str(path),
            fix=_ELSEWHERE,
        )


class HistoryNewerError(HistoryError):
    """A later version of the harness has written it. It is left as it is."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            needed=f"a history of runs in format {known} or older",
            seen=f"format {found}, of a later version of the harness; nothing is added to it",
            looked=str(path),
            fix=f"use that version of the harness, or {_ELSEWHERE}",
        )


class HistoryUnavailableError(HistoryError):
    """The file system, or another process that holds it, does not let it be used."""

    def __init__(self, path: Path, said: str) -> None:
        super().__init__(
            needed="a history of runs that can be read and written",
            seen=said,
            looked=str(path),
            fix=f"see to its folder (rights, room, another program that holds it), or {_ELSEWHERE}",
        )


class RunUnknownError(HistoryError):
    """No run that is kept is meant by some words."""

    def __init__(self, words: str, path: Path, why: str) -> None:
        super().__init__(
            needed=f"a run that is called {words!r}",
            seen=why,
            looked=str(path),
            fix="name one by its number, by a commit, or as last, last-1, …; --list shows them",
        )
