"""Two runs side by side: what fails now, what passes now, what grew, what takes longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.history.model import FAILING, Demand, Entry, Result, Size, Spent
from harness.record.messages import PASSED
from harness.report.model import NOT_SELECTED
from harness.report.requirements import DISPROVEN, PROVEN


@dataclass(frozen=True)
class Pair:
    """A scenario of both runs."""

    before: Result
    after: Result

    @property
    def seconds(self) -> float:
        """How much longer it took."""
        return self.after.seconds - self.before.seconds


@dataclass(frozen=True)
class Verdicts:
    """A requirement whose verdict has changed."""

    before: Demand
    after: Demand


@dataclass(frozen=True)
class Change:
    """A size in bytes or a time in seconds, None where it was not measured."""

    name: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """By how much it grew, None where one is not known."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def percent(self) -> float | None:
        """The same in percent of what it was before."""
        if self.difference is None or not self.before:
            return None
        return 100 * self.difference / self.before


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    What only one of them was asked for is neither new nor gone.
    """

    before: Entry
    after: Entry

    def failing(self) -> list[Pair]:
        """Return what fails and passed before."""
        return [p for p in self._pairs(PASSED) if p.after.status in FAILING]

    def failing_first(self) -> list[Result]:
        """Return what fails, and before was new, skipped, broken off or not run."""
        shown = {p.after.scenario for p in self._pairs(PASSED, *FAILING)}
        found = (r for r in self.after.results if r.status in FAILING)
        return [result for result in found if result.scenario not in shown]

    def still_failing(self) -> list[Pair]:
        """Return what fails as it did before."""
        return [p for p in self._pairs(*FAILING) if p.after.status in FAILING]

    def passing(self) -> list[Pair]:
        """Return what passes and failed before."""
        return [p for p in self._pairs(*FAILING) if p.after.status == PASSED]

    def left_out(self) -> list[Pair]:
        """Return what passed before, was asked for, and was skipped, broken off or not run."""
        other = (PASSED, NOT_SELECTED, *FAILING)
        return [p for p in self._pairs(PASSED) if p.after.status not in other]

    def new(self) -> list[Result]:
        """Return scenarios that were not there before, as far as that is known."""
        return _missing(self.after, self.before)

    def gone(self) -> list[Result]:
        """Return scenarios that are not there any more, as far as that is known."""
        return _missing(self.before, self.after)

    def not_asked(self) -> int:
        """Return how many scenarios only one of the runs was asked for, and both know."""
        both = self.before.by_scenario.keys() & self.after.by_scenario.keys()
        return len((self.before.selected ^ self.after.selected) & both)

    def requirements(self) -> list[Verdicts]:
        """Return the requirements whose verdict has changed.

        One that a run was not wholly asked for says something only when it failed there.
        """
        before = {demand.id: demand for demand in self.before.demands}
        pairs = [Verdicts(before[d.id], d) for d in self.after.demands if d.id in before]
        changed = (pair for pair in pairs if pair.before.status != pair.after.status)
        return [pair for pair in changed if all(map(_says, (pair.before, pair.after)))]

    def sizes(self) -> list[tuple[Change, Change]]:
        """Return for each image its size and its compressed size."""
        before = {size.name: size for size in self.before.sizes}
        after = {size.name: size for size in self.after.sizes}
        return [
            (
                Change(name, _size(before.get(name)), _size(after.get(name))),
                Change(name, _packed(before.get(name)), _packed(after.get(name))),
            )
            for name in dict.fromkeys([*after, *before])
        ]

    def phases(self) -> list[Change]:
        """Return what each phase took."""
        before, after = _times(self.before.phases), _times(self.after.phases)
        names = dict.fromkeys([*after, *before])
        return [Change(name, before.get(name), after.get(name)) for name in names]

    def slower(self) -> list[Pair]:
        """Return what passed in both runs and took longer, the most first."""
        pairs = (p for p in self._pairs(PASSED) if p.after.status == PASSED and p.seconds > 0)
        return sorted(pairs, key=lambda pair: -pair.seconds)

    @property
    def worse(self) -> bool:
        """Whether something that passed fails now."""
        broken = (p.before.status == PROVEN and _failed(p.after) for p in self.requirements())
        return bool(self.failing()) or any(broken)

    def _pairs(self, *statuses: str) -> Iterator[Pair]:
        for result in self.after.results:
            before = self.before.by_scenario.get(result.scenario)
            if before and before.status in statuses:
                yield Pair(before, result)


def _says(demand: Demand) -> bool:
    return demand.whole or _failed(demand)


def _failed(demand: Demand) -> bool:
    return demand.status == DISPROVEN


def _missing(there: Entry, here: Entry) -> list[Result]:
    """Return what only the first has. A run that read only some files knows those alone."""
    known = {scenario.feature for scenario in here.by_scenario}
    return [
        result
        for result in there.results
        if result.scenario not in here.by_scenario
        and (here.whole or result.scenario.feature in known)
    ]


def _size(size: Size | None) -> float | None:
    return size.size if size and size.size else None


def _packed(size: Size | None) -> float | None:
    return size.packed if size and size.packed else None


def _times(phases: tuple[Spent, ...]) -> dict[str, float]:
    return {phase.name: phase.seconds for phase in phases}
