"""Requirement by requirement: which scenarios prove it, and whether they did in one run.

The history of runs compares by it. How a requirement stands is told by `harness.report.standing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.record.messages import FAILED, PASSED, PENDING, UNDEFINED
from harness.report.model import NOT_SELECTED, Scenario

if TYPE_CHECKING:
    from harness.report.standing import Standing

PROVEN = "proven"
DISPROVEN = "failed"
PARTLY = "partly proven"
UNPROVEN = "not run"
UNCOVERED = "no scenario"

#: What the ids of specs begin with, and what a reader calls them.
GROUPS = {
    "US": "User stories",
    "FR": "Functional requirements",
    "NFR": "Non-functional requirements",
    "SC": "Success criteria",
    "EC": "Edge cases",
}


@dataclass(frozen=True)
class Requirement:
    """A demand, the scenarios that carry its id, and what these came to."""

    id: str
    sentence: str
    scenarios: tuple[Scenario, ...]

    @property
    def status(self) -> str:
        """PROVEN only when each scenario passed; one that was broken off disproves nothing."""
        if not self.scenarios:
            return UNCOVERED
        if any(scenario.status in (FAILED, UNDEFINED, PENDING) for scenario in self.scenarios):
            return DISPROVEN
        passed = sum(scenario.status == PASSED for scenario in self.scenarios)
        if passed == len(self.scenarios):
            return PROVEN
        return PARTLY if passed else UNPROVEN

    @property
    def passed(self) -> int:
        """How many of its scenarios passed."""
        return sum(scenario.status == PASSED for scenario in self.scenarios)

    @property
    def selected(self) -> bool:
        """Whether the run was asked for any of it."""
        return any(scenario.status != NOT_SELECTED for scenario in self.scenarios)


@dataclass(frozen=True)
class Group:
    """Requirements of a kind."""

    name: str
    requirements: tuple[Standing, ...]


def proven_by(told: Mapping[str, str], scenarios: Iterable[Scenario]) -> list[Requirement]:
    """Return each requirement with its scenarios, in the order in which they are told."""
    carrying: dict[str, list[Scenario]] = {name: [] for name in told}
    for scenario in scenarios:
        for tag in dict.fromkeys(scenario.tags):
            if tag in carrying:
                carrying[tag].append(scenario)
    return [Requirement(name, told[name], tuple(found)) for name, found in carrying.items()]


def grouped(requirements: Iterable[Standing]) -> list[Group]:
    """Return requirements by the letters that their ids begin with."""
    groups: dict[str, list[Standing]] = {}
    for requirement in requirements:
        letters = re.match(r"[A-Za-z]*", requirement.id)
        groups.setdefault(letters[0] if letters else "", []).append(requirement)
    return [
        Group(GROUPS.get(letters, letters or "Requirements"), tuple(found))
        for letters, found in groups.items()
    ]
