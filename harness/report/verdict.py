"""How it stands, in a sentence that claims no more than was shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.record.messages import FAILED, PASSED, PENDING, UNDEFINED, UNKNOWN
from harness.report.failures import hooks_that_failed
from harness.report.model import Run
from harness.report.requirements import DISPROVEN, PROVEN, Requirement


@dataclass(frozen=True)
class Verdict:
    """A sentence, and its state: passed, failed, partly or spec."""

    state: str
    sentence: str


def verdict(run: Run, requirements: list[Requirement]) -> Verdict:
    """Return how a run came out."""
    counted = Counter(scenario.status for scenario in run.scenarios)
    if not run.began:
        wanted = _count(len(requirements), "requirement")
        told = f"{wanted} and {_count(len(run.scenarios), 'scenario')}"
        return Verdict("spec", f"{told}, none of them run yet.")
    if bad := sum(counted[status] for status in (FAILED, UNDEFINED, PENDING)):
        broken = sum(requirement.status == DISPROVEN for requirement in requirements)
        told = f" {_count(broken, 'requirement')} failed." if broken else ""
        return Verdict("failed", f"Not accepted: {_count(bad, 'scenario')} did not pass.{told}")
    if run.ended and counted[UNKNOWN]:
        return Verdict("failed", "Not accepted: the run was broken off.")
    if not run.ended:
        return Verdict("failed", "Not accepted: the record ends before the run did.")
    if failed := next(hooks_that_failed(run), None):
        return Verdict("failed", f"Not accepted: the {failed[0]} failed.")
    if not run.success:
        return Verdict("failed", f"Not accepted: {run.message or 'the run did not end well'}.")
    if not requirements:
        return Verdict("passed", f"Passed: {_count(counted[PASSED], 'scenario')}.")
    proven = sum(requirement.status == PROVEN for requirement in requirements)
    if proven == len(requirements):
        return Verdict("passed", f"Accepted: all {proven} requirements are proven.")
    if not proven:
        return Verdict("partly", "Nothing failed, and no requirement is wholly proven.")
    told = f"{proven} of {len(requirements)} requirements are proven"
    return Verdict("partly", f"Nothing failed. {told}, the others not run or not wholly.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
