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
