"""A verdict: what is met, what is not and why, and what could not be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.contract import Finding, Place
from harness.errors import DeployError, Fault
from harness.inference.facts import Fact
from harness.report.causes import Cause
from harness.statuses import MET as MET
from harness.statuses import NOT_APPLICABLE as NOT_APPLICABLE
from harness.statuses import NOT_JUDGED as NOT_JUDGED
from harness.statuses import NOT_MET as NOT_MET
from harness.statuses import NOT_PROVABLE as NOT_PROVABLE
from harness.statuses import STATUSES as STATUSES

#: Exit codes: all that can be judged is met; something is not; the input is at fault; neither.
EXIT_MET, EXIT_NOT_MET, EXIT_BAD_INPUT, EXIT_NOT_JUDGED = range(4)
SCHEMA, VERSION = "deploy-harness/verdict", 1
STATIC, CLUSTER = "static", "cluster"
#: A verdict on what the run was told, not on the project.
BAD_INPUT = "bad input"
_CODES = {
    MET: EXIT_MET,
    NOT_MET: EXIT_NOT_MET,
    BAD_INPUT: EXIT_BAD_INPUT,
    NOT_JUDGED: EXIT_NOT_JUDGED,
}
_MOST_FINDINGS = 100


@dataclass(frozen=True)
class Item:
    """A check or a requirement, and how it stands.

    Attributes:
        id: of the check, or of the requirement.
        text: what it demands, as a sentence.
        status: one of STATUSES.
        why: the cause, first and in one line; "" where it is met.
        findings: each with file, line and cause.
        advice: whether it does not count for the verdict.
        checks: for a requirement, the ids of the checks that it was judged by.
        scenarios: and those of the scenarios.

    """

    id: str
    text: str
    status: str
    why: str = ""
    findings: tuple[Finding, ...] = ()
    advice: bool = False
    checks: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the verdict depends on it."""
        return not self.advice


@dataclass(frozen=True)
class Trial:
    """A scenario, and how it stands.

    Attributes:
        id: its file and line.
        place: of the sentence at which it ended, else of the scenario.
        step: that sentence; "" where it is met.
        requirements: the ids that it carries.
        cause: of one that failed, also of one that could not be tried.

    """

    id: str
    name: str
    status: str
    why: str
    place: Place
    step: str = ""
    requirements: tuple[str, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True)
class Struck:
    """A cause, the scenarios that tell it, and those that it hides: they could not be tried."""

    cause: Cause
    scenarios: tuple[str, ...]
    hides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """How a project stands.

    Attributes:
        name: of the project.
        folder: as it was named.
        source: whether its description was given or inferred.
        facts: what was inferred.
        remarks: what else to know; a line each.
        unread: what of the folder was not read, and why.
        checks, requirements: how they stand.
        stage: STATIC, or CLUSTER for one that is given by a run too.
        trials: how the scenarios of the run stand.
        causes: why those that failed did, each once.
        problems: what of the run itself did not go well.
        seconds: wall time.

    """

    name: str
    folder: str
    source: str
    facts: tuple[Fact, ...]
    remarks: tuple[str, ...]
    unread: tuple[str, ...]
    checks: tuple[Item, ...]
    requirements: tuple[Item, ...] = ()
    stage: str = STATIC
    trials: tuple[Trial, ...] = ()
    causes: tuple[Struck, ...] = ()
    problems: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def status(self) -> str:
        """MET, NOT_MET, NOT_JUDGED or BAD_INPUT: the worst that counts, what is certain first."""
        found = {item.status for item in (*self.checks, *self.requirements) if item.counts}
        found |= {trial.status for trial in self.trials}
        if NOT_MET in found:
            return NOT_MET
        if any(struck.cause.fault is Fault.INPUT for struck in self.causes):
            return BAD_INPUT
        if self.stage == CLUSTER and (self.problems or not self.trials):
            return NOT_JUDGED
        return NOT_JUDGED if NOT_JUDGED in found or MET not in found else MET

    @property
    def exit_code(self) -> int:
        """Return the exit code for it."""
        return _CODES[self.status]

    def document(self) -> dict[str, Any]:
        """Return it as the document that `--json` writes; docs/how-to/your-repository.md has it."""
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "stage": self.stage,
            "verdict": self.status,
            "exit_code": self.exit_code,
            "project": {
                "name": self.name,
                "folder": self.folder,
                "description": self.source,
                "inferred": [_fact(fact) for fact in self.facts],
                "remarks": list(self.remarks),
                "unread": list(self.unread),
            },
            "summary": {status: _count(self.checks, status) for status in STATUSES},
            "requirements": [_item(item) | self._judged_by(item) for item in self.requirements],
            "checks": [
                _item(item)
                | {"advice": item.advice, "findings": [_finding(f) for f in _few(item.findings)]}
                for item in self.checks
            ],
            **(self._run() if self.stage == CLUSTER else {}),
            "seconds": round(self.seconds, 1),
        }

    def _judged_by(self, item: Item) -> dict[str, Any]:
        by: dict[str, Any] = {"checks": list(item.checks)}
        return by | ({"scenarios": list(item.scenarios)} if self.stage == CLUSTER else {})

    def _run(self) -> dict[str, Any]:
        return {
            "scenarios": [_trial(trial) for trial in self.trials],
            "causes": [
                struck.cause.told()
                | {"scenarios": list(struck.scenarios), "hides": list(struck.hides)}
                for struck in self.causes
            ],
            "problems": list(self.problems),
        }


def refused(error: DeployError, folder: str, code: int, stage: str = STATIC) -> dict[str, Any]:
    """Return the document of an input that no verdict can be given on."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "stage": stage,
        "verdict": BAD_INPUT if code == EXIT_BAD_INPUT else NOT_JUDGED,
        "exit_code": code,
        "project": {"folder": folder},
        "error": {
            "kind": type(error).__name__,
            "needed": error.needed,
            "seen": error.seen,
            "looked": error.looked,
            "fix": error.fix,
        },
    }


def _few(findings: Iterable[Finding]) -> list[Finding]:
    return list(findings)[:_MOST_FINDINGS]


def _count(items: Iterable[Item], status: str) -> int:
    return sum(item.status == status for item in items if item.counts)


def _item(item: Item) -> dict[str, Any]:
    return {"id": item.id, "text": item.text, "status": item.status, "why": item.why}


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.id,
        "name": trial.name,
        "status": trial.status,
        "why": trial.why,
        "file": trial.place.file,
        "line": trial.place.line,
        "step": trial.step,
        "requirements": list(trial.requirements),
        "cause": trial.cause.told() if trial.cause else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.place.file,
        "line": finding.place.line,
        "needed": finding.needed,
        "cause": finding.seen,
        "fix": finding.fix,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "key": fact.dotted,
        "value": fact.value,
        "why": fact.why,
        "file": fact.place.file if fact.place else None,
        "line": fact.place.line if fact.place else None,
        "sure": fact.sure,
    }
