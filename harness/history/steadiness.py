"""Scenarios that come out differently though nothing was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.history.model import FAILING, TELLING, Entry, Identity
from harness.record.messages import PASSED

#: Runs that are looked back on.
LAST = 20


@dataclass(frozen=True)
class Steadiness:
    """How a scenario came out in the last runs that carried it out to its end.

    Attributes:
        outcomes: number of the run, and whether it passed; the oldest first.
        changes: how often it went from passed to failed or back between two runs of the same
            sources on the same kind of cluster, or between two attempts of one run.

    """

    scenario: Identity
    outcomes: tuple[tuple[int, bool], ...]
    changes: int

    @property
    def failed(self) -> int:
        """In how many of these runs it failed."""
        return sum(not passed for _, passed in self.outcomes)


def steadiness(runs: Sequence[Entry], last: int = LAST) -> list[Steadiness]:
    """Return each scenario of the newest run that failed of late; what changes most comes first.

    Args:
        runs: the oldest first.
        last: how many runs that carried a scenario out count for it.

    """
    if not runs:
        return []
    found = (_of(scenario, runs, last) for scenario in runs[-1].by_scenario)
    told = [one for one in found if one.failed or one.changes]
    return sorted(told, key=lambda one: (-one.changes, -one.failed, one.scenario))


def _of(scenario: Identity, runs: Sequence[Entry], last: int) -> Steadiness:
    ran = [
        (run, result)
        for run in runs
        if (result := run.by_scenario.get(scenario)) and result.status in TELLING
    ][-last:]
    changes = sum(result.unsteady for _, result in ran)
    before: dict[tuple[str, str], bool] = {}
    for run, result in ran:
        alike, passed = (run.source.tree, run.provider), result.status == PASSED
        if run.source.tree:
            changes += before.get(alike, passed) != passed
            before[alike] = passed
    outcomes = tuple((run.number, result.status not in FAILING) for run, result in ran)
    return Steadiness(scenario, outcomes, changes)
