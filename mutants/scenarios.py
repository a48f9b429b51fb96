"""Running scenarios on a project in a process of its own, and reading what came of each."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.command import CommandTimedOutError, Completed
from harness.errors import DeployError
from mutants.launch import Launch, as_program

_BEFORE = "before any scenario"
#: Exit codes after which each scenario has said what it found.
_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_BUILDING = re.compile(r"^[+x] building image (\S+): .* (?:in|after) ([\d.]+) s", re.MULTILINE)


class RunUnusableError(DeployError):
    """The run ended in a way that says nothing about the project."""

    def __init__(self, completed: Completed, problem: str) -> None:
        last = "\n".join((completed.stdout + completed.stderr).strip().splitlines()[-15:])
        super().__init__(
            needed="scenarios that are carried out and judged",
            seen=f"{problem}\n{last}",
            looked=" ".join(completed.argv),
            fix="see the words above; a selection that matches nothing is a wrong `notices`",
        )


@dataclass(frozen=True)
class Outcome:
    """What one scenario found. `status` is passed, failed or skipped; `seconds` is its own time."""

    scenario: str
    status: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """What the scenarios of one run found. `seconds` is wall time, `building` a part of it."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    building: float = 0.0

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The scenarios that failed."""
        return tuple(one for one in self.outcomes if one.status == "failed")

    @property
    def passed(self) -> tuple[Outcome, ...]:
        """The scenarios that passed."""
        return tuple(one for one in self.outcomes if one.status == "passed")


@dataclass(frozen=True)
class Scenarios:
    """How scenarios are run.

    Args:
        root: the folder with pytest.ini, in which pytest runs.
        words: further words for each run, such as the cluster's name.
        timeout: seconds after which a run is ended.
        launch: how pytest is started.

    """

    root: Path
    words: Sequence[str] = ()
    timeout: float = 300.0
    launch: Launch = as_program

    def run(self, project: Path, marks: str, names: str = "", *words: str) -> Run:
        """Run the scenarios that `marks` (-m) and `names` (-k) select on a project.

        Raises:
            RunUnusableError: nothing was selected, or pytest itself failed.

        """
        with tempfile.TemporaryDirectory(prefix="deploy-mutant-run-") as folder:
            report = Path(folder) / "report.xml"
            argv = ["-c", "pytest.ini", "-m", marks]
            argv += ["-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}"]
            argv += [f"--deploy-project={project}", f"--deploy-artifacts={folder}/artifacts"]
            argv += ["-k", names] if names else []
            argv += [*self.words, *words]
            try:
                done = self.launch(argv, self.root, self.timeout)
            except CommandTimedOutError as error:
                return _late(error)
            outcomes = tuple(_read(report, project)) if report.is_file() else ()
        return _judged(done, outcomes, project)


def _judged(done: Completed, outcomes: tuple[Outcome, ...], project: Path) -> Run:
    if done.returncode == pytest.ExitCode.USAGE_ERROR:
        said = _without(project, done.stderr.strip() or done.stdout.strip())
        return Run((Outcome(_BEFORE, "failed", said, done.seconds),), done.seconds)
    if done.returncode not in _JUDGED:
        raise RunUnusableError(done, f"pytest ended with exit code {done.returncode}")
    if not any(one.status != "skipped" for one in outcomes):
        raise RunUnusableError(done, "every scenario was skipped, so that nothing was judged")
    built = _BUILDING.findall(done.stdout + done.stderr)
    return Run(outcomes, done.seconds, sum(float(seconds) for _, seconds in built))


def _late(error: CommandTimedOutError) -> Run:
    seconds = error.completed.seconds
    return Run((Outcome("the run", "failed", str(error), seconds),), seconds)


def _read(report: Path, project: Path) -> Iterator[Outcome]:
    """Read a report in JUnit's format, which pytest writes."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own file
        status, message = "passed", ""
        for child in case:
            if child.tag in ("failure", "error"):
                status, message = "failed", f"{message}\n{child.text or child.get('message', '')}"
            elif child.tag == "skipped" and status == "passed":
                status = "skipped"
        # A scenario that failed and then could not be undone is reported twice.
        yield Outcome(
            case.get("name", "?"),
            status,
            _without(project, message.strip()),
            float(case.get("time", 0)),
        )


def _without(project: Path, text: str) -> str:
    """Return the text with the copy's place left out, which says nothing to anybody."""
    return text.replace(f"{project}/", "").replace(str(project), ".")
