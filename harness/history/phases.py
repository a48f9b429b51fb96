"""What a run did for its deployment, under names that are the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.history.model import Spent
from harness.report.facts import mapping, number
from harness.report.model import Run

BUILD = "build"
#: What the words of a step begin with, and the phase that it is of. Names of clusters, images and
#: the like come after these words, and differ between runs.
PHASES = {
    "building image ": BUILD,
    "making cluster ": "create",
    "waking cluster ": "wake",
    "checking the cluster ": "check",
    "loading images ": "load",
    "rolling out release ": "install",
    "rolling release ": "roll back",
    "starting database ": "database",
    "starting pooler ": "database",
    "making branch ": "database",
    "starting stand-in ": "stand-ins",
    "starting the relay ": "relay",
    "compile the probe": "probe",
    "deleting branch ": "remove",
    "removing ": "remove",
    "an earlier run's ": "wait for an earlier run",
}
#: The order in which they usually come.
ORDER = tuple(dict.fromkeys(PHASES.values()))
Interval = tuple[float, float]


def phase_of(words: str) -> str:
    """Return the phase that a step is of; one that is not known is a phase of its own."""
    found = (name for beginning, name in PHASES.items() if words.startswith(beginning))
    return next(found, words)


def spent(run: Run) -> list[Spent]:
    """Return how long each phase of what the run shares went on, in the usual order.

    What a scenario does itself, such as an upgrade, is part of that scenario's time. Steps side
    by side, of several threads or processes, count once.
    """
    times: dict[str, list[Interval]] = {}
    bad: set[str] = set()
    for worker, words, began, seconds, ok in _steps(run):
        if _inside_a_scenario(run, worker, began):
            continue
        name = phase_of(words)
        times.setdefault(name, []).append((began, began + seconds))
        if not ok:
            bad.add(name)
    order = {name: place for place, name in enumerate(ORDER)}
    names = sorted(times, key=lambda name: order.get(name, len(order)))
    return [Spent(name, length(times[name]), name not in bad) for name in names]


def shared(run: Run, worker: str) -> list[Interval]:
    """Return when a process set up or took down what scenarios share."""
    hooks = (hook for hook in run.hooks if hook.worker == worker)
    return [(hook.began, hook.began + hook.seconds) for hook in hooks]


def length(intervals: Iterable[Interval], within: Interval = (0.0, float("inf"))) -> float:
    """Return the seconds that some intervals cover together, of those within one."""
    total, reached = 0.0, within[0]
    for begin, end in sorted(intervals):
        begin, end = max(begin, reached), min(end, within[1])
        if end > begin:
            total += end - begin
            reached = end
    return total


def _steps(run: Run) -> Iterator[tuple[str, str, float, float, bool]]:
    for told in map(mapping, run.all("phases")):
        worker = str(told.get("worker") or "")
        for phase in map(mapping, told.get("phases") or ()):
            at, seconds = number(phase.get("at")), number(phase.get("seconds"))
            yield worker, str(phase.get("name")), at, seconds, bool(phase.get("ok", True))


def _inside_a_scenario(run: Run, worker: str, at: float) -> bool:
    own = (s for s in run.scenarios if s.worker == worker and s.began)
    during = any(s.began <= at < s.began + s.seconds for s in own)
    return during and not any(begin <= at < end for begin, end in shared(run, worker))
