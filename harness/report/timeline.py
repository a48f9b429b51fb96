"""When what went on, from the first step of the deployment to the last scenario."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.report.facts import mapping, number
from harness.report.model import NOT_RUN, NOT_SELECTED, Run

_WORTH = 0.5, 0.005  # seconds, and part of the run, that something takes at least to be told
_SHOWN = 90  # characters of what came of it


@dataclass(frozen=True)
class Bar:
    """A length of time: `start` and `length` in percent of the whole.

    Attributes:
        kind: phase or scenarios.
        at: seconds from the beginning of the run.

    """

    name: str
    kind: str
    worker: str
    at: float
    seconds: float
    result: str
    ok: bool
    start: float
    length: float


_Row = tuple[str, str, str, float, float, str, bool]


def timeline(run: Run) -> list[Bar]:
    """Return what took its time, in the order in which it began."""
    whole = max(run.seconds, 0.001)
    bars = [
        Bar(
            name,
            kind,
            worker,
            max(0.0, began - run.began),
            seconds,
            result,
            ok,
            start=_percent(began - run.began, whole),
            length=_percent(seconds, whole),
        )
        for name, kind, worker, began, seconds, result, ok in (*_phases(run), *_spans(run))
    ]
    return sorted(bars, key=lambda bar: (bar.at, bar.kind != "phase"))


def _phases(run: Run) -> Iterator[_Row]:
    """Yield what the run did. Where nothing is wrong in the end, what failed was meant to."""
    bad = not run.success
    least = max(_WORTH[0], _WORTH[1] * run.seconds)
    for told in run.all("phases"):
        for phase in mapping(told).get("phases") or ():
            seconds, at = number(phase.get("seconds")), number(phase.get("at"))
            ok = bool(phase.get("ok", True))
            if seconds >= least or (not ok and bad):
                result = str(phase.get("result") or "")
                words = result if len(result) <= _SHOWN else f"{result[:_SHOWN]}…"
                if not ok:
                    words = f"failed{'' if bad else ', as a scenario wanted'}: {words}"
                name, worker = str(phase.get("name")), str(told.get("worker") or "")
                yield name, "phase", worker, at, seconds, words, ok or not bad


def _spans(run: Run) -> Iterator[_Row]:
    """Yield for each process the time in which it carried out scenarios."""
    ran = [s for s in run.scenarios if s.began and s.status not in (NOT_RUN, NOT_SELECTED)]
    for worker in sorted({scenario.worker for scenario in ran}):
        own = [scenario for scenario in ran if scenario.worker == worker]
        began = min(scenario.began for scenario in own)
        ended = max(scenario.began + scenario.seconds for scenario in own)
        count = f"{len(own)} scenario{'s' if len(own) != 1 else ''}"
        yield "scenarios", "scenarios", worker, began, ended - began, count, True


def _percent(seconds: float, whole: float) -> float:
    return round(min(100.0, max(0.0, 100 * seconds / whole)), 2)
