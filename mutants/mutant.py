"""What a mutant is: one defect of the project, and the cause by which it must be noticed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.errors import DeployError
from mutants.change import Change


class Needs(StrEnum):
    """What has to be there to judge a mutant."""

    NOTHING = "static"
    ENGINE = "engine"
    CLUSTER = "cluster"


#: Which scenarios can be asked with what is there, as an expression for pytest's `-m`.
MARKS = {
    Needs.NOTHING: "static",
    Needs.ENGINE: "deploy and not cluster and not static",
    Needs.CLUSTER: "cluster",
}


@dataclass(frozen=True)
class Mutant:
    """One defect.

    Args:
        id: its stable name, `topic-defect`.
        says: the defect in a sentence for people.
        changes: what is changed in the project.
        cause: a pattern that the message which notices the defect must match.
        needs: what has to be there to judge it.
        notices: which scenarios are asked, as an expression for pytest's `-k`; empty
            means all that need no more than `needs`.
        builds: the image that has to be built for it, whose time is told apart.

    """

    id: str
    says: str
    changes: tuple[Change, ...]
    cause: str
    needs: Needs = Needs.NOTHING
    notices: str = ""
    builds: str = ""

    @property
    def topic(self) -> str:
        """The first word of the id."""
        return self.id.partition("-")[0]


class DefinitionsInvalidError(DeployError):
    """Some definitions cannot be meant as they stand."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            needed="mutants that are defined once, whole and readable",
            seen="\n".join(problems),
            looked="mutants/definitions/",
            fix="correct the definitions that are named above",
        )


def checked(mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """Return the mutants. Raises DefinitionsInvalidError."""
    found = tuple(mutants)
    problems = [problem for mutant in found for problem in _problems(mutant)]
    names = [mutant.id for mutant in found]
    problems += [f"{name}: defined twice" for name in sorted(set(names)) if names.count(name) > 1]
    if problems:
        raise DefinitionsInvalidError(problems)
    return found


def _problems(mutant: Mutant) -> Iterable[str]:
    if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", mutant.id):
        yield f"{mutant.id}: its id is not of the form topic-defect"
    if not mutant.changes:
        yield f"{mutant.id}: it changes nothing"
    if mutant.needs is not Needs.NOTHING and not mutant.notices:
        yield f"{mutant.id}: it names no scenario, so that all would be run"
    try:
        # What matches nothing at all would match every message.
        if re.search(mutant.cause, ""):
            yield f"{mutant.id}: any message would match the cause it expects"
    except re.error as error:
        yield f"{mutant.id}: its cause is no pattern: {error}"
