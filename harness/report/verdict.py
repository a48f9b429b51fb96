"""How it stands, in a sentence that claims no more than was shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.record.messages import FAILED, PASSED, PENDING, UNDEFINED, UNKNOWN
from harness.report.failures import hooks_that_failed
from harness.report.model import Run
from harness.report.standing import Standing, checked, stands
from harness.statuses import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, NOT_PROVABLE


@dataclass(frozen=True)
class Verdict:
    """A sentence, and its state: passed, failed, partly or spec."""

    state: str
    sentence: str


def verdict(run: Run, requirements: list[Standing]) -> Verdict:
    """Return how a run came out: accepted only when nothing that counts is open."""
    counted = Counter(scenario.status for scenario in run.scenarios)
    if not run.began:
        wanted = _count(len(requirements), "requirement")
        told = f"{wanted} and {_count(len(run.scenarios), 'scenario')}"
        return Verdict("spec", f"{told}, none of them run yet.")
    stand = Counter(requirement.status for requirement in requirements)
    checks = Counter(check.status for check in checked(run, counting=True))
    told = f" {_count(stand[NOT_MET], 'requirement')} not met." if stand[NOT_MET] else ""
    if bad := sum(counted[status] for status in (FAILED, UNDEFINED, PENDING)):
        said = f"{_count(bad, 'scenario')} did not pass"
        ours = not any(one.status == NOT_MET for one in stands(run)) and not checks[NOT_MET]
        if ours and counted[FAILED]:
            return Verdict("failed", f"Not judged: {said}, by no fault of the project's.")
        return Verdict("failed", f"Not accepted: {said}.{told}")
    if checks[NOT_MET]:
        said = f"{_count(checks[NOT_MET], 'check')} without a cluster not met"
        return Verdict("failed", f"Not accepted: {said}.{told}")
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
    met = stand[MET]
    if not met:
        return Verdict(
            "partly", "Nothing failed, and no requirement is met by all of its scenarios."
        )
    if not stand[NOT_JUDGED] and not checks[NOT_JUDGED]:
        others = [
            f"{stand[status]} {status}"
            for status in (NOT_APPLICABLE, NOT_PROVABLE)
            if stand[status]
        ]
        if not others:
            return Verdict("passed", f"Accepted: all {met} requirements are met.")
        return Verdict("passed", f"Accepted: {met} requirements are met, {', '.join(others)}.")
    told = f"{met} of {len(requirements)} requirements are met"
    return Verdict("partly", f"Nothing failed. {told}, the others not judged wholly.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
