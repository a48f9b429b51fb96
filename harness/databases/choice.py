"""Which kind of database a run uses, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.databases.errors import DatabaseError
from harness.databases.neon.errors import KEY
from harness.errors import DeployError, Fault
from harness.options import DATABASES

EXTERNAL, POOLED, GIVEN, NEON, INSIDE = KINDS = DATABASES
#: Those of which the server is ours, to be stopped and started.
OURS = (EXTERNAL, POOLED)


class DatabaseNotGivenError(DatabaseError):
    """A kind of database was asked for, and what it needs is not there."""

    fault = Fault.INPUT

    def __init__(self, kind: str, needed: str, looked: str) -> None:
        super().__init__(
            needed=f"{needed}, for the database of kind {kind}",
            seen="it is not there",
            looked=looked,
            fix=f"give it, or choose another kind: {', '.join(KINDS)}",
        )


class NoDatabaseError(DeployError):
    """A database is asked for, and the project describes none."""

    def __init__(self) -> None:
        super().__init__(
            needed="a database outside the cluster",
            seen="the project describes none",
            looked="[database] in deploy.toml",
            fix="describe it there, or do without the sentences that need it",
        )


@dataclass(frozen=True)
class Choice:
    """A kind of database, one of KINDS, and what it was chosen for."""

    kind: str
    reason: str

    @property
    def ours(self) -> bool:
        """Whether its server, outside the cluster, is of our own."""
        return self.kind in OURS


class NotOursError(DeployError):
    """The database belongs to somebody else, and is not to be broken."""

    def __init__(self, choice: Choice) -> None:
        super().__init__(
            needed="a database of our own outside the cluster, to be stopped and started",
            seen=f"the run uses one of kind {choice.kind}, which is only used: {choice.reason}",
            looked="the option --deploy-database and the environment",
            fix="let the run start a database of its own: --deploy-database=external",
        )


def choose(asked: str, variable: str, environ: Mapping[str, str]) -> Choice:
    """Return the kind that was asked for; without one, what the environment suggests.

    Args:
        asked: one of KINDS, or nothing.
        variable: the name of the variable that may hold a database's URL.
        environ: holds that and Neon's key.

    Raises:
        DatabaseNotGivenError: what the kind needs is not in the environment.

    """
    needs = {GIVEN: variable, NEON: KEY}
    if asked in needs and not environ.get(needs[asked]):
        name = needs[asked]
        raise DatabaseNotGivenError(asked, f"the variable {name}", "the environment")
    if asked:
        return Choice(asked, "it was asked for")
    for kind, name in needs.items():
        if environ.get(name):
            return Choice(kind, f"{name} is set")
    return Choice(EXTERNAL, f"neither {variable} nor {KEY} is set")
