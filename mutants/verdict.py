"""Killed, survived, or killed by a wrong cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from mutants.mutant import Mutant
from mutants.scenarios import Outcome, Run

_WIDTH = 160
# The parts of a message that name no cause: the sentence itself may hold the very word, and the
# advice names things that were not seen. A part goes on in lines that are indented by 8.
_NO_CAUSE = re.compile(
    r"^(?:step|looked|fix|note|at): *.*\n?(?:^ {8}.*\n?)*|^at {6}.*\n?", re.MULTILINE
)


class Fate(StrEnum):
    """What became of a mutant. Only the first is good."""

    KILLED = "killed"
    SURVIVED = "survived"
    WRONG_CAUSE = "wrong cause"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, and by whom.

    Attributes:
        mutant: its id.
        fate: what became of it.
        scenario: the first scenario that failed with the expected cause, else the first
            that failed, else "".
        cause: the line of its message that names the cause.
        others: how many further scenarios failed.
        seconds: wall time, without `building`.
        building: seconds that the build of its image took.
        restoring: seconds until the good state was there again.

    """

    mutant: str
    fate: Fate
    scenario: str
    cause: str
    others: int
    seconds: float
    building: float = 0.0
    restoring: float = 0.0

    def line(self) -> str:
        """Return the verdict in one line."""
        by = f" by {self.scenario}: {self.cause}" if self.scenario else ""
        return f"{self.fate:<11} {self.seconds:5.1f} s  {self.mutant}{by}"


def judge(mutant: Mutant, run: Run) -> Verdict:
    """Return what became of a mutant in a run."""
    pattern = re.compile(mutant.cause, re.MULTILINE)
    failures = run.failures
    seconds = run.seconds - run.building
    for failure in failures:
        said = _NO_CAUSE.sub("", failure.message)
        if match := pattern.search(said):
            return _verdict(mutant, run, Fate.KILLED, failure, _line_at(said, match))
    if failures:
        first = failures[0]
        return _verdict(
            mutant, run, Fate.WRONG_CAUSE, first, _headline(_NO_CAUSE.sub("", first.message))
        )
    return Verdict(mutant.id, Fate.SURVIVED, "", "", 0, seconds, run.building)


def _verdict(mutant: Mutant, run: Run, fate: Fate, by: Outcome, cause: str) -> Verdict:
    seconds = run.seconds - run.building
    others = len(run.failures) - 1
    return Verdict(mutant.id, fate, by.scenario, cause, others, seconds, run.building)


def _line_at(message: str, match: re.Match[str]) -> str:
    start = message.rfind("\n", 0, match.start()) + 1
    end = message.find("\n", match.start())
    return _short(message[start : end if end >= 0 else None])


def _headline(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    # "E" stands before what pytest itself tells of an error.
    seen = [line for line in lines if line.startswith(("seen:", "E "))]
    return _short((seen or lines or ["no message"])[0])


def _short(line: str) -> str:
    line = re.sub(r"\s+", " ", line.strip())
    line = re.sub(r"^(?:seen:|needed:|E) ", "", line)
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
