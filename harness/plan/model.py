"""A plan: what a run would build, create, install and run, and what it would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.ci.manifests import Difference

#: Seconds, as they were measured in an earlier run; None where none tells.
Seconds = float | None
#: How something stands that a run would need.
CACHED, TO_BUILD, BROKEN = "cached", "to be built", "cannot be built"
NEW, RUNNING, STOPPED = "new", "runs already", "stopped"
GIVEN, UNKNOWN = "given", "unknown"
FORMAT = 1  # of the plan as JSON; another number when something in it gets another meaning


@dataclass(frozen=True)
class PlannedBase:
    """The base image of a FROM. `ref` is what the engine has of it, "" for nothing or unknown."""

    name: str
    official: str
    ref: str
    detail: str


@dataclass(frozen=True)
class PlannedImage:
    """An image from sources of the project.

    Attributes:
        stand_in: whether it is that of a service that stands in for one outside.
        context: the folder that the build sees, as the description names it.
        ref: its name for the present sources; "" where that cannot be told yet.
        state: CACHED, TO_BUILD, BROKEN or UNKNOWN.
        why: the words to it.
        seconds: that its build took.

    """

    name: str
    stand_in: bool
    context: str
    dockerfile: str
    bases: tuple[PlannedBase, ...]
    ref: str
    state: str
    why: str
    seconds: Seconds


@dataclass(frozen=True)
class PlannedCluster:
    """The cluster. `makes` is what a run would create in it, `loads` the images it would get."""

    kind: str
    name: str
    state: str
    detail: str
    nodes: int
    makes: tuple[str, ...]
    loads: tuple[str, ...]
    how: str
    seconds: Seconds


@dataclass(frozen=True)
class PlannedService:
    """What runs beside the cluster or is somebody else's: a database, a service outside."""

    name: str
    kind: str
    state: str
    detail: str
    seconds: Seconds


@dataclass(frozen=True)
class PlannedRelease:
    """What Helm would install; one in each namespace. `values` have no secret in them."""

    chart: str
    name: str
    version: str
    app_version: str
    release: str
    namespaces: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    beside: str
    seconds: Seconds


@dataclass(frozen=True)
class PlannedScenario:
    """A scenario that was asked for.

    Attributes:
        requirements: ids that it proves.
        needs: cluster, images or project: what has to be there for it.
        skipped: why it would not be carried out, "" when it would.
        untouched: whether it would be left out before anything is made for it.
        selected_by: the changes that have selected it, if only some were asked for.
        uses: the fixtures that its sentences ask for.

    """

    id: str
    uri: str
    feature: str
    name: str
    requirements: tuple[str, ...]
    needs: str
    skipped: str = ""
    untouched: bool = False
    selected_by: tuple[str, ...] = ()
    uses: frozenset[str] = field(default=frozenset(), repr=False)
    seconds: Seconds = None


@dataclass(frozen=True)
class Phase:
    """A part of a run; those of one stage go on side by side, one stage after the other."""

    name: str
    stage: int
    seconds: Seconds


@dataclass(frozen=True)
class Changes:
    """What the rendered manifests would be, against those of the last run.

    Attributes:
        against: the run that is compared with; "" when there is none.
        problem: why nothing could be compared, with the remedy; "" when it could.
        objects: those that would be installed.

    """

    against: str
    problem: str
    objects: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Obstacle:
    """Something that would end the run, as the run itself would say it."""

    needed: str
    seen: str
    looked: str
    fix: str


@dataclass(frozen=True)
class Plan:
    """All of it.

    Attributes:
        notes: what has selected the scenarios, in lines.
        processes: that would share the scenarios.
        left_out: scenarios and tests that were not selected.
        others: tests that are no scenarios.
        tools: what would be used, found on this machine: name, which, and why.
        measured: the runs that the times are of.

    """

    project: str
    notes: tuple[str, ...]
    processes: int
    left_out: int
    others: int
    scenarios: tuple[PlannedScenario, ...]
    tools: tuple[tuple[str, str, str], ...]
    obstacles: tuple[Obstacle, ...]
    images: tuple[PlannedImage, ...]
    cluster: PlannedCluster | None
    services: tuple[PlannedService, ...]
    release: PlannedRelease | None
    changes: Changes | None
    phases: tuple[Phase, ...]
    measured: str

    @property
    def run(self) -> list[PlannedScenario]:
        """The scenarios that would be carried out."""
        return [scenario for scenario in self.scenarios if not scenario.skipped]

    @property
    def seconds(self) -> tuple[float, int]:
        """The length of all that earlier runs tell, and how many parts they tell nothing of."""
        stages: dict[int, float] = {}
        for phase in self.phases:
            stages[phase.stage] = max(stages.get(phase.stage, 0.0), phase.seconds or 0.0)
        share = sum(scenario.seconds or 0.0 for scenario in self.run) / self.processes
        measured = [phase.seconds for phase in self.phases] + [s.seconds for s in self.run]
        return sum(stages.values()) + share, measured.count(None)

    def features(self) -> Iterator[tuple[str, str, list[PlannedScenario]]]:
        """Yield file and name of each feature, and its scenarios."""
        found: dict[tuple[str, str], list[PlannedScenario]] = {}
        for scenario in self.scenarios:
            found.setdefault((scenario.uri, scenario.feature), []).append(scenario)
        yield from ((uri, name, scenarios) for (uri, name), scenarios in found.items())

    def told(self) -> Mapping[str, Any]:
        """Return it for JSON."""
        known, unknown = self.seconds
        told = asdict(self)
        if self.release:
            told["release"]["values"] = dict(self.release.values)
        for scenario in told["scenarios"]:
            scenario["uses"] = sorted(scenario["uses"])
        head = {"format": FORMAT, "executed": False, "seconds": known, "unknown": unknown}
        return head | told
