"""Runs, and what changed between two of them, for other programs: as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.history.comparison import Change, Comparison, Pair
from harness.history.model import FAILING, Entry, Identity, Result
from harness.record.messages import PASSED, SKIPPED, UNKNOWN
from harness.report.model import NOT_RUN, NOT_SELECTED

_COUNTED = {
    "passed": (PASSED,),
    "failed": FAILING,
    "skipped": (SKIPPED,),
    "broken_off": (UNKNOWN,),
    "not_run": (NOT_RUN,),
    "not_selected": (NOT_SELECTED,),
}


def run(entry: Entry) -> dict[str, Any]:
    """Return a run without its scenarios; times in seconds, sizes in bytes."""
    return {
        "run": entry.number,
        "began": datetime.fromtimestamp(entry.began, UTC).isoformat(timespec="seconds"),
        "seconds": round(entry.seconds, 3),
        "commit": entry.source.commit,
        "dirty": entry.source.dirty,
        "chart": entry.chart,
        "provider": entry.provider,
        "workers": entry.workers,
        "exit_status": entry.exit_status,
        "outcome": entry.outcome,
        "command": entry.command,
        "scenarios": {word: entry.count(*statuses) for word, statuses in _COUNTED.items()},
    }


def compared(told: Comparison) -> dict[str, Any]:
    """Return what changed; `worse`: whether something that passed fails now."""
    return {
        "before": run(told.before),
        "after": run(told.after),
        "worse": told.worse,
        "failing": [_pair(pair) for pair in told.failing()],
        "failing_first": [_result(result) for result in told.failing_first()],
        "still_failing": [_pair(pair) for pair in told.still_failing()],
        "passing": [_pair(pair) for pair in told.passing()],
        "left_out": [_pair(pair) for pair in told.left_out()],
        "new": [_result(result) for result in told.new()],
        "gone": [_result(result) for result in told.gone()],
        "not_compared": told.not_asked(),
        "requirements": [
            {"id": pair.after.id, "before": pair.before.status, "after": pair.after.status}
            for pair in told.requirements()
        ],
        "sizes": [
            {"image": size.name, "bytes": _change(size), "compressed": _change(packed)}
            for size, packed in told.sizes()
        ],
        "phases": [{"phase": change.name, "seconds": _change(change)} for change in told.phases()],
        "slower": [_pair(pair) for pair in told.slower()],
    }


def _scenario(scenario: Identity) -> dict[str, str]:
    return {"feature": scenario.feature, "name": scenario.name, "example": scenario.example}


def _result(result: Result) -> dict[str, Any]:
    return {
        **_scenario(result.scenario),
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "cause": result.cause,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    before = {"status": pair.before.status, "seconds": round(pair.before.seconds, 3)}
    return {**_result(pair.after), "before": before}


def _change(change: Change) -> dict[str, float | None]:
    percent = change.percent
    return {
        "before": change.before,
        "after": change.after,
        "difference": change.difference,
        "percent": None if percent is None else round(percent, 2),
    }
