"""Which kind of database a run uses, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.databases.errors import DatabaseError
from harness.databases.neon.errors import KEY
from harness.errors import DeployError, Fault
from harness.options import DATABASES

if TYPE_CHECKING:
    from harness.project import Database

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


class DatabaseFixedError(DatabaseError):
    """A kind of database was asked for, and the chart has its own and takes no other."""

    fault = Fault.INPUT

    def __init__(self, kind: str) -> None:
        super().__init__(
            needed=f"a chart that takes a database of kind {kind}",
            seen="it has one of its own in the cluster, and no value for another",
            looked="`external = false` below [database], in deploy.toml or inferred",
            fix=f"leave --deploy-database out or let it be {INSIDE}; or correct the description",
        )


def choose(asked: str, database: Database, environ: Mapping[str, str]) -> Choice:
    """Return the kind that was asked for; without one, what the environment suggests.

    Args:
        asked: one of KINDS, or nothing.
        database: as the project describes it; `env` names the variable that may hold its URL.
        environ: holds that and Neon's key.

    Raises:
        DatabaseNotGivenError: what the kind needs is not in the environment.
        DatabaseFixedError: the chart takes none of the kind that was asked for.

    """
    variable = database.env
    if not database.external:
        if asked not in ("", INSIDE):
            raise DatabaseFixedError(asked)
        return Choice(INSIDE, "the chart has its own, and takes no other")
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
