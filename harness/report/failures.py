"""What failed, with its cause first; what follows from it is told with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.record.messages import PENDING
from harness.report.model import BAD, Run, Scenario
from harness.report.text import parts_of

_AS_IN = re.compile(r"\n\(as in .+\)")
#: A reader's order: what it came from, what was seen, what was needed, what to do.
_ORDER = ("cause", "seen", "", "needed", "looked", "fix", "at", "note")


@dataclass
class Failure:
    """A scenario that did not pass, and those that failed for the same reason."""

    scenario: Scenario
    sentence: str
    parts: list[tuple[str, str]]
    others: list[Scenario] = field(default_factory=list)


def failures(run: Run) -> list[Failure]:
    """Return what stands in the way of an acceptance, in the order in which it happened."""
    bad = [s for s in run.scenarios if s.status in BAD or s.status == PENDING]
    found: list[Failure] = []
    for scenario in sorted(bad, key=lambda scenario: scenario.began):
        if first := _same(scenario.reason, found):
            first.others.append(scenario)
            continue
        step = scenario.failing
        told = [(name, text) for name, text in parts_of(scenario.reason) if name != "step"]
        told.sort(key=lambda part: _ORDER.index(part[0]) if part[0] in _ORDER else len(_ORDER))
        sentence = f"{step.keyword} {step.text}" if step else ""
        found.append(Failure(scenario, sentence, told))
    return found


def failed_alone(run: Run, found: Iterable[Failure]) -> list[tuple[str, str]]:
    """Return those of `hooks_that_failed` that no failed scenario has told of already."""
    told = {_headline(failure.parts) for failure in found}
    return [hook for hook in hooks_that_failed(run) if hook[1] not in told]


def hooks_that_failed(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what the run shares and could not be set up or taken down, with the words to it."""
    for hook in run.hooks:
        if hook.status in BAD:
            yield f"{'set-up' if hook.before else 'tear-down'} of {hook.name}", hook.message


def _same(reason: str, found: Iterable[Failure]) -> Failure | None:
    """Return the failure that struck before, for a reason that says so."""
    if not _AS_IN.search(reason):
        return None
    headline = _AS_IN.split(reason)[0].splitlines()[-1]
    return next((failure for failure in found if _headline(failure.parts) == headline), None)


def _headline(parts: Iterable[tuple[str, str]]) -> str:
    told = dict(parts)
    seen = (told.get("seen") or "-").splitlines()[0]
    return f"{told.get('needed', '')}: {seen}"
