"""How scenarios and requirements stand: the one model behind page, terminal and document."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import DeployError, Fault
from harness.images.precheck import TargetUnknownError
from harness.images.spec import ImageSpec
from harness.report.causes import Cause, cause_of
from harness.report.model import Evidence, Feature, Run, Scenario, Step
from harness.report.standing import STATIC, by_cause, standings, stands
from harness.statuses import (
    MET,
    NOT_APPLICABLE,
    NOT_JUDGED,
    NOT_MET,
    NOT_PROVABLE,
    NOTHING_OF_THE_KIND,
)
from harness.supply.disk import DiskTooSmallError

BROKEN = Cause("BuildFailedError", Fault.PROJECT, "image api to build", "no `x`", "l", "f")
FULL = Cause("DiskTooSmallError", Fault.MACHINE, "9 GB free", "1 GB free", "/", "free some")
WRONG = Cause("NoSlotError", Fault.INPUT, "at most 4", "5", "-n", "use 4")
OURS = Cause("KeyError", Fault.HARNESS, "Then it sells", "KeyError: 'x'", "a.py:1", "f")


def scenario(
    name: str,
    status: str = "PASSED",
    *,
    at: str = "Then",
    cause: Cause | None = None,
    reason: str = "",
    tags: tuple[str, ...] = ("R-1",),
    began: float = 0.0,
) -> Scenario:
    """Return a scenario of four sentences that ended at one of them."""
    words = ["Given", "When", "Then", "And"]
    ended = words.index(at)
    found = [
        "PASSED" if n < ended or status == "PASSED" else status if n == ended else "SKIPPED"
        for n in range(4)
    ]
    if status in ("NOT_RUN", "NOT_SELECTED"):
        found = ["NOT_RUN"] * 4
    steps = tuple(
        Step(word, f"it {word}s", one, 0.0, reason if n == ended else "", line=n + 2)
        for n, (word, one) in enumerate(zip(words, found, strict=True))
    )
    told = cause.told() if cause else None
    return Scenario(name, name, "f", 1, tags, status, steps, began=began, cause=told)


def run(*scenarios: Scenario, **evidence: Any) -> Run:
    facts = tuple(Evidence(kind, told, passed=True) for kind, told in evidence.items())
    feature = Feature("f", "F", "", scenarios)
    ended = all(s.status not in ("NOT_RUN", "UNKNOWN") for s in scenarios)
    return Run((feature,), (), facts, 1.0, 1.0, ended=True, success=ended, message="", workers=1)


@pytest.mark.parametrize(
    ("told", "status", "why"),
    [
        (scenario("a"), MET, ""),
        (scenario("a", "FAILED", cause=BROKEN), NOT_MET, "image api to build: no `x`"),
        (scenario("a", "FAILED", at="When", cause=BROKEN), NOT_MET, "image api to build: no `x`"),
        (scenario("a", "FAILED", cause=FULL), NOT_JUDGED, "not the project's fault: 9 GB free"),
        (scenario("a", "FAILED", cause=OURS), NOT_JUDGED, "not the project's fault: Then it"),
        (scenario("a", "FAILED", cause=WRONG), NOT_JUDGED, "at most 4: 5"),
        (scenario("a", "SKIPPED", reason="no tool"), NOT_JUDGED, "skipped: no tool"),
        (
            scenario(
                "a", "SKIPPED", at="And", reason=f"{NOTHING_OF_THE_KIND}there are no Ingresses"
            ),
            NOT_APPLICABLE,
            "there are no Ingresses",
        ),
        # The others that are demanded may be there; without what is given nothing is demanded.
        (
            scenario("a", "SKIPPED", reason=f"{NOTHING_OF_THE_KIND}no Ingress"),
            NOT_JUDGED,
            "no Ingress, and what comes after that was not tried",
        ),
        (
            scenario("a", "SKIPPED", at="Given", reason=f"{NOTHING_OF_THE_KIND}no secret"),
            NOT_APPLICABLE,
            "no secret",
        ),
        (
            scenario("a", "SKIPPED", reason="a document: not provable: there is none; f"),
            NOT_PROVABLE,
            "a document: not provable: there is none; f",
        ),
        (scenario("a", "PENDING", reason="to be done"), NOT_JUDGED, "pending: to be done"),
        (scenario("a", "UNDEFINED", reason="?"), NOT_JUDGED, "undefined: ?"),
        (scenario("a", "UNKNOWN"), NOT_JUDGED, "broken off when the run ended"),
        (scenario("a", "NOT_RUN"), NOT_JUDGED, "the run did not come to it"),
        (scenario("a", "NOT_SELECTED"), NOT_JUDGED, "it was not asked for in this run"),
        # Records that tell words only.
        (scenario("a", "FAILED", reason="needed: tea\nseen:   none"), NOT_MET, "tea: none"),
        (
            scenario("a", "FAILED", reason="the process gw0 ended here"),
            NOT_JUDGED,
            "not the project's fault: Then it Thens: the process gw0 ended here",
        ),
    ],
)
def test_scenario_stands_as_it_ended(told: Scenario, status: str, why: str) -> None:
    (stand,) = stands(run(told))
    assert stand.status == status
    assert stand.why.startswith(why)


def test_a_failing_given_hides_a_scenario_and_the_cause_is_told_once() -> None:
    found = stands(
        run(
            scenario("small", "FAILED", at="Given", cause=BROKEN, began=1),
            scenario("starts", "FAILED", at="When", cause=BROKEN, began=2),
            scenario("deployed", "FAILED", at="Given", cause=BROKEN, began=3),
            scenario("other", began=4),
        )
    )
    assert [s.status for s in found] == [NOT_JUDGED, NOT_MET, NOT_JUDGED, MET]
    assert found[2].why == "it could not be tried, because of: image api to build: no `x`"
    ((cause, struck),) = by_cause(found)
    assert cause == BROKEN
    assert [(s.scenario.name, s.hidden) for s in struck] == [
        *(("starts", False), ("small", True), ("deployed", True)),
    ]


def test_without_a_scenario_that_demands_it_the_first_that_was_struck_tells_a_cause() -> None:
    found = stands(
        run(
            scenario("later", "FAILED", at="Given", cause=BROKEN, began=5),
            scenario("first", "FAILED", at="Given", cause=BROKEN, began=2),
        )
    )
    assert {s.scenario.name: s.status for s in found} == {"later": NOT_JUDGED, "first": NOT_MET}


def test_what_the_machine_fails_in_is_never_not_met() -> None:
    found = stands(run(*(scenario(n, "FAILED", at="Given", cause=FULL) for n in "abc")))
    assert {s.status for s in found} == {NOT_JUDGED}
    ((_, struck),) = by_cause(found)
    assert len(struck) == 3


def checks(status: str, why: str = "") -> dict[str, Any]:
    one = {"id": "c", "text": "it holds", "status": status, "why": why, "advice": False}
    return {"checks": [one], "requirements": [{"id": "R-1", "checks": ["c"]}]}


@pytest.mark.parametrize(
    ("told", "static", "status", "why"),
    [
        ([scenario("a"), scenario("b")], {}, MET, ""),
        ([scenario("a"), scenario("b", "FAILED", cause=BROKEN)], {}, NOT_MET, "image api"),
        (
            [scenario("a"), scenario("b", "NOT_SELECTED"), scenario("c", "NOT_SELECTED")],
            {},
            NOT_JUDGED,
            "2 of 3 scenarios: it was not asked for",
        ),
        ([scenario("a")], checks(NOT_MET, "Dockerfile:1: no x"), NOT_MET, "Dockerfile:1: no x"),
        ([scenario("a")], checks(NOT_JUDGED, "Helm is needed"), NOT_JUDGED, "Helm is needed"),
        ([scenario("a")], checks(NOT_APPLICABLE, "none"), MET, ""),
        ([], checks(MET), MET, ""),
        ([], {}, NOT_JUDGED, "no scenario carries its id"),
        (
            [scenario("a", "SKIPPED", at="Given", reason=f"{NOTHING_OF_THE_KIND}no database")],
            {},
            NOT_APPLICABLE,
            "no database",
        ),
        (
            [scenario("a"), scenario("b", "SKIPPED", reason="x: not provable: y")],
            {},
            NOT_PROVABLE,
            "x: not provable: y",
        ),
        ("garbage", {"checks": 7, "requirements": ["x"]}, NOT_JUDGED, "no scenario"),
    ],
)
def test_requirement_stands_by_all_scenarios_and_checks(
    told: Any, static: dict[str, Any], status: str, why: str
) -> None:
    came = run(*(told if isinstance(told, list) else ()), **{STATIC: static})
    (found,) = standings(came, {"R-1": "It sells"}, stands(came))
    assert (found.status, found.why[: len(why)]) == (status, why)


def test_what_a_check_has_failed_is_no_other_cause() -> None:
    again = Cause("ContractBrokenError", Fault.PROJECT, "no x", "x", "Dockerfile:1", "f")
    came = run(scenario("a", "FAILED", cause=again), static=checks(NOT_MET, "Dockerfile:1: x"))
    (found,) = standings(came, {"R-1": ""}, stands(came))
    assert found.why == "Dockerfile:1: x"


def test_why_there_is_no_scenario_is_told() -> None:
    lacking = {"R-1": {"status": NOT_APPLICABLE, "why": "there is no database"}}
    came = run(project={"lacking": lacking})
    (found,) = standings(came, {"R-1": ""}, [])
    assert (found.status, found.why) == (NOT_APPLICABLE, "there is no database")


def test_an_error_becomes_a_cause_by_its_class(tmp_path: Any) -> None:
    spec = ImageSpec(name="api", context=tmp_path, repository="api", target="x")
    told = cause_of(TargetUnknownError(spec, []), "Given it", "a.py:1")
    assert (told.kind, told.fault, told.needed) == (
        *("TargetUnknownError", Fault.PROJECT),
        "the stage `x` of image api",
    )
    assert cause_of(DiskTooSmallError(tmp_path, 1, 9), "", "").fault is Fault.MACHINE
    plain = DeployError(needed="n", seen="s", looked="l", fix="f")
    assert cause_of(plain, "", "").fault is Fault.MACHINE
    held = cause_of(AssertionError("it answers 500"), "Then it answers", "steps.py:3 in f")
    assert (held.fault, held.needed, held.seen, held.looked) == (
        *(Fault.PROJECT, "Then it answers", "it answers 500", "steps.py:3 in f"),
    )
    assert cause_of(KeyError("x"), "Then it answers", "a.py:1").fault is Fault.HARNESS


def test_an_application_that_does_not_answer_is_not_the_harnesss_fault() -> None:
    import httpx

    assert cause_of(httpx.ReadTimeout("slow"), "Then it answers", "a.py:1").fault is Fault.PROJECT
