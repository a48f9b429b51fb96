"""How long things took when they were last done, as the records of earlier runs tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Protocol

from harness.errors import DeployError
from harness.history.durations import Durations, durations
from harness.history.errors import HistoryError
from harness.history.history import History
from harness.history.phases import BUILD, phase_of
from harness.record.merging import merge
from harness.record.messages import NAME, PASSED
from harness.record.reading import read_parts
from harness.report.facts import mapping, number
from harness.report.model import Run, Scenario
from harness.report.reader import read_run


class Times(Protocol):
    """Measured times of earlier runs."""

    @property
    def source(self) -> str:
        """The runs that they are of, in words; "" when there is none."""

    def phase(self, name: str) -> float | None:
        """Return the seconds of a step of that name, or that begins with it and a colon.

        Names are those of `Progress.step`. None when no run tells.
        """

    def scenario(self, uri: str, name: str) -> float | None:
        """Return the seconds of a scenario's own sentences and fixtures; None as above."""


@dataclass
class RecordedTimes:
    """Those in records; of two that tell the same the first counts."""

    runs: Sequence[Run] = ()
    _phases: dict[str, float] = field(default_factory=dict, init=False)
    _scenarios: dict[tuple[str, str], float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Take the times out of the records."""
        for run in self.runs:
            self._phases = _phases(run) | self._phases
            self._scenarios = _scenarios(run) | self._scenarios

    @property
    def source(self) -> str:
        """The runs that they are of, in words; "" when there is none."""
        when = [f"{datetime.fromtimestamp(run.began, UTC):%Y-%m-%d %H:%M} UTC" for run in self.runs]
        return f"the run of {', '.join(when)}" if when else ""

    def phase(self, name: str) -> float | None:
        """Return the seconds of a step."""
        if name in self._phases:
            return self._phases[name]
        begun = (seconds for said, seconds in self._phases.items() if said.startswith(f"{name}:"))
        return next(begun, None)

    def scenario(self, uri: str, name: str) -> float | None:
        """Return the seconds of a scenario."""
        return self._scenarios.get((uri, name))


def recorded(folder: Path) -> RecordedTimes:
    """Return the times of the records in a folder, the newest first; none if there is none."""
    stem, suffix = Path(NAME).stem, Path(NAME).suffix
    found = [f for f in folder.glob(f"{stem}*{suffix}") if f.stem.removeprefix(stem)[:3] != "-gw"]
    runs = []
    for record in sorted(found, key=lambda file: file.stat().st_mtime, reverse=True):
        try:
            run = read_run(merge(read_parts(record)))
        except DeployError:
            continue  # it went away, or cannot be opened
        if run.began:
            runs.append(run)
    return RecordedTimes(runs)


@dataclass(frozen=True)
class UsualTimes:
    """Those of many runs, as their history tells them; what it does not, records may.

    Attributes:
        usual: medians of the newest times.
        runs: how many runs they are of.
        until: when the newest of these began, in seconds since 1970.
        records: the steps of the newest runs by their whole names.

    """

    usual: Durations
    runs: int
    until: float
    records: RecordedTimes

    @property
    def source(self) -> str:
        """The runs that they are of, in words."""
        when = f"{datetime.fromtimestamp(self.until, UTC):%Y-%m-%d %H:%M} UTC"
        return (
            f"the last of {self.runs} runs, up to {when}" if self.runs > 1 else f"the run of {when}"
        )

    def phase(self, name: str) -> float | None:
        """Return the seconds of a step; of those that are not recorded, what its phase takes."""
        found, phase = self.records.phase(name), phase_of(name)
        # An image is one of several that are built side by side: the phase tells nothing of it.
        return self.usual.phases.get(phase) if found is None and phase != BUILD else found

    def scenario(self, uri: str, name: str) -> float | None:
        """Return the seconds of a scenario, the mean where rows of an outline share its name."""
        rows = [
            seconds
            for scenario, seconds in self.usual.scenarios.items()
            if (scenario.feature, scenario.name) == (uri, name)
        ]
        return fmean(rows) if rows else self.records.scenario(uri, name)


def measured(folder: Path, history: Path | None, provider: str) -> Times:
    """Return the times of the runs on a kind of cluster, as history and records tell them.

    Args:
        folder: where the records are.
        history: its file, None when none is kept. One that cannot be read tells nothing.
        provider: kind of cluster.

    """
    records = recorded(folder)
    try:
        if history is None:
            return records
        with History.read(history) as opened:
            runs = opened.runs(provider=provider)
    except HistoryError:
        return records
    if not runs:
        return records
    return UsualTimes(durations(runs), len(runs), max(run.began for run in runs), records)


def _phases(run: Run) -> dict[str, float]:
    """Return the longest of each name: side by side, that is what one waits for."""
    found: dict[str, float] = {}
    for told in run.all("phases"):
        for phase in mapping(told).get("phases") or ():
            if phase.get("ok", True):
                name = str(phase.get("name"))
                found[name] = max(found.get(name, 0.0), number(phase.get("seconds")))
    return found


def _scenarios(run: Run) -> dict[tuple[str, str], float]:
    """Return the mean of each name: the rows of an outline may share one."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for scenario in run.scenarios:
        if scenario.status == PASSED:
            found[scenario.uri, scenario.name].append(_own(scenario))
    return {key: fmean(seconds) for key, seconds in found.items()}


def _own(scenario: Scenario) -> float:
    """Return its time without that in which what the whole run shares was made ready."""
    return sum(step.seconds for step in scenario.steps)
