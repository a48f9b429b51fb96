"""What scenarios and phases typically take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from harness.history.model import Entry, Identity
from harness.record.messages import PASSED

#: How many of the newest times count.
LAST = 5


@dataclass(frozen=True)
class Durations:
    """Typical seconds; what never went well is not there.

    Attributes:
        scenarios: of each by itself, without what it sets up for others as well.
        phases: of what scenarios share, by the names of `harness.history.phases`.

    """

    scenarios: Mapping[Identity, float] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)


def durations(runs: Iterable[Entry], last: int = LAST) -> Durations:
    """Return the medians of the newest times, `last` of each at most.

    Args:
        runs: the oldest first.
        last: how many.

    """
    scenarios: dict[Identity, list[float]] = {}
    phases: dict[str, list[float]] = {}
    for run in runs:
        for result in run.results:
            if result.status == PASSED:
                scenarios.setdefault(result.scenario, []).append(result.seconds)
        for phase in run.phases:
            if phase.ok:
                phases.setdefault(phase.name, []).append(phase.seconds)
    return Durations(
        {name: median(times[-last:]) for name, times in scenarios.items()},
        {name: median(times[-last:]) for name, times in phases.items()},
    )
