"""A verdict: what is met, what is not and why, and what could not be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.contract import Finding
from harness.errors import DeployError
from harness.inference.facts import Fact

MET, NOT_MET, NOT_APPLICABLE, NOT_PROVABLE, NOT_JUDGED = STATUSES = (
    *("met", "not met", "not applicable", "not provable", "not judged"),
)
#: Exit codes: all that can be judged is met; something is not; the input is at fault; neither.
EXIT_MET, EXIT_NOT_MET, EXIT_BAD_INPUT, EXIT_NOT_JUDGED = range(4)
SCHEMA, VERSION = "deploy-harness/verdict", 1
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

    """

    id: str
    text: str
    status: str
    why: str = ""
    findings: tuple[Finding, ...] = ()
    advice: bool = False
    checks: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the verdict depends on it."""
        return not self.advice


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
    seconds: float = field(default=0.0, compare=False)

    @property
    def status(self) -> str:
        """MET, NOT_MET or NOT_JUDGED: the worst that counts, what is certain first."""
        found = {item.status for item in (*self.checks, *self.requirements) if item.counts}
        if NOT_MET in found:
            return NOT_MET
        return NOT_JUDGED if NOT_JUDGED in found or MET not in found else MET

    @property
    def exit_code(self) -> int:
        """Return the exit code for it."""
        return {MET: EXIT_MET, NOT_MET: EXIT_NOT_MET}.get(self.status, EXIT_NOT_JUDGED)

    def document(self) -> dict[str, Any]:
        """Return it as the document that `--json` writes; docs/how-to/your-repository.md has it."""
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "stage": "static",
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
            "requirements": [
                _item(item) | {"checks": list(item.checks)} for item in self.requirements
            ],
            "checks": [
                _item(item)
                | {"advice": item.advice, "findings": [_finding(f) for f in _few(item.findings)]}
                for item in self.checks
            ],
            "seconds": round(self.seconds, 1),
        }


def refused(error: DeployError, folder: str, code: int) -> dict[str, Any]:
    """Return the document of an input that no verdict can be given on."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "stage": "static",
        "verdict": "bad input" if code == EXIT_BAD_INPUT else NOT_JUDGED,
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
