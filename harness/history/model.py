"""What is kept of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from harness.record.messages import FAILED, PASSED, PENDING, UNDEFINED
from harness.report.model import NOT_SELECTED

#: Statuses of a scenario that did not do what it claims. One that was broken off, skipped or not
#: run has shown nothing.
FAILING = (FAILED, UNDEFINED, PENDING)
#: Statuses that say whether a scenario holds.
TELLING = (PASSED, *FAILING)


@dataclass(frozen=True, order=True)
class Identity:
    """What a scenario is called in every run.

    Attributes:
        feature: its file, relative to where pytest runs.
        name: as it is written, with the values of its example in it.
        example: the values of its row, "" when it is of no outline. Scenarios that are alike in
            all this are numbered in the order of their file.

    """

    feature: str
    name: str
    example: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.example})" if self.example else self.name


@dataclass(frozen=True)
class Source:
    """What the sources were.

    Attributes:
        commit: the whole id, "" when none is known.
        dirty: whether they differ from it, None when that is not known.
        tree: the id of their content, committed or not: equal for equal sources. "" when it is
            not known, or changed while the run went on.

    """

    commit: str = ""
    dirty: bool | None = None
    tree: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a scenario.

    Attributes:
        status: of Cucumber Messages, NOT_RUN or NOT_SELECTED.
        seconds: its own, without what it set up or took down for others as well.
        attempts: how often it was tried.
        cause: the line that says why it did not pass.

    """

    scenario: Identity
    status: str
    seconds: float = 0.0
    attempts: int = 0
    cause: str = ""

    @property
    def unsteady(self) -> bool:
        """Whether it failed and passed within one run."""
        return self.attempts > 1 and self.status == PASSED


@dataclass(frozen=True)
class Size:
    """An image; sizes in bytes, budgets in MB, 0 where none is known."""

    name: str
    size: float
    packed: float
    limit_mb: float = 0.0
    goal_mb: float = 0.0


@dataclass(frozen=True)
class Spent:
    """How long a phase of the deployment went on; side by side it counts once."""

    name: str
    seconds: float
    ok: bool = True


@dataclass(frozen=True)
class Demand:
    """A requirement's verdict, and how many of its scenarios were asked for."""

    id: str
    status: str
    scenarios: int
    selected: int

    @property
    def whole(self) -> bool:
        """Whether the run was asked for all of it."""
        return self.selected == self.scenarios


@dataclass(frozen=True)
class Entry:
    """A run.

    Attributes:
        number: its place in the history, 0 before it is kept.
        began: in seconds since 1970.
        provider: kind of cluster that it was told to use.
        workers: processes that carried scenarios out.
        exit_status: of pytest.
        outcome: the sentence that the page begins with.
        whole: whether all scenarios of the project are among its results, asked for or not.

    """

    began: float
    seconds: float
    source: Source
    chart: str
    provider: str
    workers: int
    exit_status: int
    outcome: str
    command: str
    whole: bool
    sizes: tuple[Size, ...] = ()
    phases: tuple[Spent, ...] = ()
    results: tuple[Result, ...] = field(default=(), repr=False)
    demands: tuple[Demand, ...] = field(default=(), repr=False)
    number: int = 0

    @cached_property
    def by_scenario(self) -> Mapping[Identity, Result]:
        """Its results by scenario."""
        return {result.scenario: result for result in self.results}

    def count(self, *statuses: str) -> int:
        """Return how many scenarios have one of some statuses."""
        return sum(result.status in statuses for result in self.results)

    @property
    def selected(self) -> frozenset[Identity]:
        """The scenarios that it was asked for."""
        return frozenset(r.scenario for r in self.results if r.status != NOT_SELECTED)
