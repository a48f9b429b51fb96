"""How a run ended, said honestly: well only when nothing was wrong and nothing was missing."""

from __future__ import annotations

import time
from collections.abc import Iterable

from harness.record.messages import (
    BROKEN_OFF,
    PASSED,
    SKIPPED,
    Message,
    kind_of,
    timestamp,
)

_GOOD = (PASSED, SKIPPED)


def verdict(
    messages: Iterable[Message], exit_code: int, *, interrupted: bool = False, stopped: str = ""
) -> Message:
    """Return the end of a run: a success if each scenario ran, and no step or hook was bad.

    Args:
        messages: of the whole run.
        exit_code: of the program; a failure of what is no scenario shows there alone.
        interrupted: whether it was told to end.
        stopped: why it ended early, if it did.

    """
    cases: set[str] = set()
    begun: set[str] = set()
    again: set[str] = set()
    bad: set[str] = set()
    for message in messages:
        told = message[(kind := kind_of(message))]
        if kind == "testCase":
            cases.add(told["id"])
        elif kind == "testCaseStarted":
            begun.add(told["testCaseId"])
        elif kind == "testCaseFinished" and told.get("willBeRetried"):
            again.add(told["testCaseStartedId"])
        elif kind == "testStepFinished" and told["testStepResult"]["status"] not in _GOOD:
            bad.add(told["testCaseStartedId"])
        elif kind == "testRunHookFinished" and told["result"]["status"] not in _GOOD:
            bad.add(told["testRunHookStartedId"])
    # With several processes -x is an interruption, too, which comes upon no scenario.
    said = [stopped] if stopped else [BROKEN_OFF] if interrupted else []
    if missing := len(cases - begun):
        were = "was" if missing == 1 else "were"
        said.append(f"{missing} of {len(cases)} scenarios {were} not run")
    success = exit_code == 0 and not bad - again and not missing and not interrupted
    if exit_code and not bad - again and not said:
        said.append(f"the run ended with exit code {exit_code}, though no scenario failed")
    told = {"success": success, "timestamp": timestamp(time.time()), "testRunStartedId": "run"}
    return {"testRunFinished": {**told, **({"message": "; ".join(said)} if said else {})}}
