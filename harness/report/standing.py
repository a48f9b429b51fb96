"""How scenarios and requirements stand: met or not, and where that cannot be said, why.

This is the one model: the page, the terminal and the verdict as a document are views of it.

A scenario whose Given fails could not be tried. It is not judged because of what failed, which is
told by the scenario whose When or Then it is; where there is none, by the first that it struck.
What is not the project's fault makes nothing `not met`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.errors import Fault
from harness.record.messages import FAILED, PASSED, PENDING, SKIPPED, UNDEFINED, UNKNOWN
from harness.report.causes import OF_A_CHECK, Cause, recorded
from harness.report.facts import mapping
from harness.report.model import NOT_RUN, NOT_SELECTED, Run, Scenario, Step
from harness.statuses import (
    MET,
    NOT_APPLICABLE,
    NOT_JUDGED,
    NOT_MET,
    NOT_PROVABLE,
    NOTHING_OF_THE_KIND,
)

#: The kind of evidence that is the verdict without a cluster.
STATIC = "static"
_GIVEN, _WHEN, _THEN = _KEYWORDS = ("Given", "When", "Then")
_WHY = {
    UNKNOWN: "broken off when the run ended",
    NOT_RUN: "the run did not come to it",
    NOT_SELECTED: "it was not asked for in this run",
}


@dataclass(frozen=True)
class Stand:
    """How a scenario stands, and why it is not met.

    Attributes:
        cause: of one that failed.
        hidden: whether it could not be tried, because of a cause that another tells.
        step: the sentence at which it ended.

    """

    scenario: Scenario
    status: str
    why: str = ""
    cause: Cause | None = None
    hidden: bool = False
    step: Step | None = None


@dataclass(frozen=True)
class Checked:
    """A check that needs no cluster, and how it stands."""

    id: str
    text: str
    status: str
    why: str


@dataclass(frozen=True)
class Standing:
    """How a requirement stands, by all of its scenarios and checks, and why it is not met."""

    id: str
    text: str
    status: str
    why: str
    scenarios: tuple[Stand, ...]
    checks: tuple[Checked, ...] = ()

    @property
    def passed(self) -> int:
        """How many of its scenarios are met."""
        return sum(stand.status == MET for stand in self.scenarios)

    @property
    def selected(self) -> bool:
        """Whether the run was asked for any of it."""
        return any(stand.scenario.status != NOT_SELECTED for stand in self.scenarios)


def stands(run: Run) -> list[Stand]:
    """Return how each scenario stands, in the order of the files."""
    known = {check.text for check in checked(run)}
    found = [_stand(scenario, known) for scenario in run.scenarios]
    told = {s.cause.key for s in found if s.cause and s.status == NOT_MET}
    struck = sorted((s for s in found if s.hidden), key=lambda s: s.scenario.began)
    owners = set()
    for stand in struck:
        assert stand.cause is not None
        if stand.cause.key not in told:
            told.add(stand.cause.key)
            owners.add(stand.scenario.id)
    return [
        replace(s, status=NOT_MET, hidden=False, why=_headline(s.cause))
        if s.scenario.id in owners
        else s
        for s in found
    ]


def by_cause(found: Iterable[Stand]) -> list[tuple[Cause, list[Stand]]]:
    """Return each cause once, with the scenarios that it struck; those that tell it first."""
    causes: dict[tuple[str, str, str], list[Stand]] = {}
    for stand in found:
        if stand.cause is not None:
            causes.setdefault(stand.cause.key, []).append(stand)
    told = []
    for struck in causes.values():
        struck.sort(key=lambda stand: (stand.hidden, stand.scenario.began))
        assert struck[0].cause is not None
        told.append((struck[0].cause, struck))
    return told


def standings(run: Run, demanded: Mapping[str, str], found: Iterable[Stand]) -> list[Standing]:
    """Return how each requirement stands.

    Args:
        run: what its record tells.
        demanded: the sentence of each requirement by id.
        found: how its scenarios stand.

    """
    carrying: dict[str, list[Stand]] = {name: [] for name in demanded}
    for stand in found:
        for tag in dict.fromkeys(stand.scenario.tags):
            if tag in carrying:
                carrying[tag].append(stand)
    static = mapping(run.last(STATIC))
    checks = {check.id: check for check in checked(run)}
    used = {
        str(one.get("id")): [str(check) for check in one.get("checks") or ()]
        for one in _mappings(static.get("requirements"))
    }
    lacking = mapping(mapping(run.last("project")).get("lacking"))
    told = []
    for name, scenarios in carrying.items():
        own = tuple(checks[check] for check in used.get(name, ()) if check in checks)
        status, why = _judged(scenarios, own, mapping(lacking.get(name)))
        told.append(Standing(name, demanded[name], status, why, tuple(scenarios), own))
    return told


def checked(run: Run, *, counting: bool = False) -> list[Checked]:
    """Return how the checks without a cluster stand, where the record has them.

    Args:
        run: what its record tells.
        counting: leave out those that are advice.

    """
    return [
        Checked(*(str(told.get(key) or "") for key in ("id", "text", "status", "why")))
        for told in _mappings(mapping(run.last(STATIC)).get("checks"))
        if not (counting and told.get("advice"))
    ]


def _stand(scenario: Scenario, known: Collection[str]) -> Stand:
    """Return how a scenario stands; `known` are the sentences that checks have judged."""
    step = _ended_at(scenario)
    match scenario.status:
        case status if status == PASSED:
            return Stand(scenario, MET)
        case status if status == SKIPPED:
            return Stand(scenario, *_skipped(scenario, step, known), step=step)
        case status if status in (PENDING, UNDEFINED):
            why = f"{status.lower()}: {_line(scenario.reason)}"
            cause = recorded(scenario) if scenario.cause else None
            return Stand(scenario, NOT_JUDGED, why, cause, step=step)
        case status if status != FAILED:
            return Stand(scenario, NOT_JUDGED, _WHY.get(status, status.lower()), step=step)
    cause = recorded(scenario)
    if cause.fault is not Fault.PROJECT:
        whose = "" if cause.fault is Fault.INPUT else "not the project's fault: "
        return Stand(scenario, NOT_JUDGED, whose + cause.headline, cause, step=step)
    if step is not None and _phase(scenario, step) == _GIVEN:
        why = f"it could not be tried, because of: {cause.headline}"
        return Stand(scenario, NOT_JUDGED, why, cause, hidden=True, step=step)
    return Stand(scenario, NOT_MET, cause.headline, cause, step=step)


def _skipped(scenario: Scenario, step: Step | None, known: Collection[str]) -> tuple[str, str]:
    reason = _line(scenario.reason)
    if reason.startswith(NOTHING_OF_THE_KIND):
        reason = reason.removeprefix(NOTHING_OF_THE_KIND)
        left = [s for s in scenario.steps if s.not_reached and not s.hook and s.text not in known]
        # Of several things that are demanded, the others may be there.
        if left and step is not None and _phase(scenario, step) == _THEN:
            return NOT_JUDGED, f"{reason}, and what comes after that was not tried"
        return NOT_APPLICABLE, reason
    if f"{NOT_PROVABLE}: " in reason:
        return NOT_PROVABLE, reason
    return NOT_JUDGED, f"skipped: {reason}"


def _ended_at(scenario: Scenario) -> Step | None:
    """Return the sentence that did not pass, else the hook."""
    sentences = (s for s in scenario.steps if not s.hook and s.status == scenario.status)
    return next(sentences, scenario.failing)


def _phase(scenario: Scenario, step: Step) -> str:
    """Return which of Given, When and Then a sentence belongs to, "" for a hook."""
    phase = ""
    for one in scenario.steps:
        if not one.hook and one.keyword in _KEYWORDS:
            phase = one.keyword
        if one is step:
            return "" if one.hook else phase
    return ""


def _judged(
    scenarios: list[Stand], checks: tuple[Checked, ...], lacking: Mapping[str, Any]
) -> tuple[str, str]:
    """Return how a requirement stands, and the cause first."""
    told = [(check.status, check.why) for check in checks]
    # A scenario that a check has failed says in other words what the check says.
    broken = any(check.status == NOT_MET for check in checks)
    told += [
        (stand.status, stand.why)
        for stand in scenarios
        if not (broken and stand.cause and stand.cause.kind == OF_A_CHECK)
    ]
    for status in (NOT_MET, NOT_JUDGED, NOT_PROVABLE):
        reasons = Counter(why for one, why in told if one == status)
        if reasons:
            first = next(iter(reasons))
            others = len(reasons) - 1
            more = f"; {others} other cause{'' if others == 1 else 's'}" if others else ""
            struck = sum(stand.why == first for stand in scenarios)
            some = struck and status == NOT_JUDGED and len(scenarios) > 1
            share = f"{struck} of {len(scenarios)} scenarios: " if some else ""
            return status, f"{share}{first}{more}"
    if any(status == MET for status, _ in told):
        return MET, ""
    if lacking.get("status") in (NOT_APPLICABLE, NOT_PROVABLE):
        return str(lacking["status"]), str(lacking.get("why") or "")
    if told:
        return NOT_APPLICABLE, told[0][1]
    return NOT_JUDGED, "no scenario carries its id, so nothing of it is proven"


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _headline(cause: Cause | None) -> str:
    return cause.headline if cause else ""


def _line(text: str) -> str:
    """Return the line of a reason that says most."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("step:")]
    return lines[0].strip() if lines else ""
