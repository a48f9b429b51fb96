"""The page of a record: what it claims, and what it says of what is missing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from history_support import entry
from history_support import result as kept

from harness.history.model import Spent
from harness.record.messages import timestamp
from harness.report.diagram import draw
from harness.report.failures import failed_alone, failures
from harness.report.model import Scenario
from harness.report.page import render
from harness.report.reader import read_run
from harness.report.requirements import Requirement, grouped
from harness.report.sparkline import WIDTH, sparkline
from harness.report.standing import standings, stands
from harness.report.text import clean, cut, parts_of, seconds
from harness.report.timeline import timeline
from harness.report.trends import SHOWN, trends
from harness.report.verdict import verdict

Message = dict[str, Any]
REQUIREMENTS = {"FR-1": "It sells", "FR-2": "It buys", "EC-1": "Nobody thought of it"}


def evidence(kind: str, facts: Any, **ids: str) -> Message:
    import json

    name = f"{kind}.evidence.json"
    told = {"body": json.dumps(facts), "mediaType": "application/json", "fileName": name, **ids}
    return {"attachment": told}


def record(*scenarios: tuple[str, str, str, str], end: bool = True) -> list[Message]:
    """Return the messages of a run; of each scenario: name, tag, status, words."""
    messages: list[Message] = [
        {"gherkinDocument": {"uri": "f", "feature": {"name": "Selling", "children": []}}}
    ]
    body: list[Message] = [{"testRunStarted": {"id": "run", "timestamp": timestamp(1000)}}]
    body.append(evidence("project", {"name": "shop", "requirements": REQUIREMENTS}))
    good = True
    for number, (name, tag, status, words) in enumerate(scenarios):
        step = {"id": f"s{number}", "text": "it sells", "astNodeIds": []}
        tags = [{"name": f"@{tag}"}]
        pickle = {"id": f"p{number}", "uri": "f", "name": name, "steps": [step], "tags": tags}
        messages.append({"pickle": pickle})
        if status == "not selected":
            continue
        test = {"id": f"t{number}", "pickleStepId": step["id"]}
        body.append(
            {"testCase": {"id": f"c{number}", "pickleId": f"p{number}", "testSteps": [test]}}
        )
        if status == "not run":
            good = False
            continue
        good &= status in ("PASSED", "SKIPPED")
        at = timestamp(1001 + number)
        attempt, place = f"a{number}", {"testCaseStartedId": f"a{number}", "testStepId": test["id"]}
        told = {"status": status, "duration": timestamp(0.5), "message": words}
        body += [
            {"testCaseStarted": {"id": attempt, "testCaseId": f"c{number}", "timestamp": at}},
            {"testStepStarted": {**place, "timestamp": at}},
            {"testStepFinished": {**place, "testStepResult": told, "timestamp": at}},
            {"testCaseFinished": {"testCaseStartedId": attempt, "timestamp": at}},
        ]
    if end:
        body.append({"testRunFinished": {"success": good, "timestamp": timestamp(1010)}})
    return messages + body


def scenario(status: str) -> Scenario:
    return Scenario("i", "n", "u", 1, (), status, ())


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], "no scenario"),
        (["PASSED", "PASSED"], "proven"),
        (["PASSED", "SKIPPED"], "partly proven"),
        (["PASSED", "NOT_RUN"], "partly proven"),
        (["PASSED", "NOT_SELECTED"], "partly proven"),
        (["SKIPPED"], "not run"),
        (["NOT_SELECTED"], "not run"),
        (["PASSED", "FAILED"], "failed"),
        (["PASSED", "UNDEFINED"], "failed"),
        (["PASSED", "UNKNOWN"], "partly proven"),
        (["UNKNOWN"], "not run"),
        (["PASSED", "PENDING"], "failed"),
    ],
)
def test_requirement_is_proven_by_all_of_its_scenarios(found: list[str], status: str) -> None:
    assert Requirement("FR-1", "", tuple(map(scenario, found))).status == status


ALL = [("Sale", "FR-1", "PASSED", ""), ("Buy", "FR-2", "PASSED", ""), ("E", "EC-1", "PASSED", "")]


@pytest.mark.parametrize(
    ("messages", "state", "sentence"),
    [
        (record(*ALL), "passed", "Accepted: all 3 requirements are met."),
        (record(*ALL[:2]), "partly", "Nothing failed. 2 of 3 requirements are met"),
        (record(*ALL, end=False), "failed", "the record ends before the run did"),
        (record(("Sale", "FR-1", "FAILED", "w")), "failed", "1 scenario did not pass"),
        (record(("Sale", "FR-1", "PENDING", "w")), "failed", "1 scenario did not pass"),
        (record(("Sale", "FR-1", "UNKNOWN", "w")), "failed", "the run was broken off"),
        (record(("Sale", "FR-1", "SKIPPED", "w"), *ALL[1:]), "partly", "2 of 3"),
        (record(("Sale", "FR-1", "SKIPPED", "w")), "partly", "no requirement is met by all"),
        (record(("Sale", "FR-1", "not run", ""), *ALL[1:]), "failed", "did not end well"),
        (record(("Sale", "FR-1", "not selected", ""), *ALL[1:]), "partly", "2 of 3"),
        ([m for m in record(*ALL) if "pickle" in m], "spec", "3 requirements and 3 scenarios"),
    ],
    ids=[
        *("accepted", "no scenario", "cut off", "failed", "pending", "broken off", "skipped"),
        *("all skipped", "not run", "not selected", "specification"),
    ],
)
def test_verdict_claims_no_more_than_was_shown(
    messages: list[Message], state: str, sentence: str
) -> None:
    run = read_run(messages)
    told = verdict(run, standings(run, REQUIREMENTS, stands(run)))
    assert told.state == state
    assert sentence in told.sentence


def test_requirements_come_by_kind() -> None:
    told = standings(read_run([]), {"US1.1": "", "FR-1": "", "XY-1": "", "FR-2": ""}, [])
    assert [(g.name, len(g.requirements)) for g in grouped(told)] == [
        ("User stories", 1),
        ("Functional requirements", 2),
        ("XY", 1),
    ]


def test_failure_that_strikes_again_is_told_with_the_first() -> None:
    words = (
        "step:   Then it sells\nneeded: a shop\nseen:   no shop\n        at all\nlooked: l\nfix: f"
    )
    again = "step:   Then it sells\na shop: no shop\n(as in f::test_a)"
    run = read_run(record(("A", "FR-1", "FAILED", words), ("B", "FR-2", "FAILED", again)))
    (failure,) = failures(run)
    assert failure.parts[0] == ("seen", "no shop\nat all")
    assert [other.name for other in failure.others] == ["B"]


def test_fixture_that_failed_is_told_once() -> None:
    words = "needed: a shop\nseen:   no shop"
    messages = record(("A", "FR-1", "FAILED", words))
    hook = {"hook": {"id": "h", "name": "release", "type": "BEFORE_TEST_RUN"}}
    for said, alone in (("a shop: no shop", []), ("x", [("set-up of release", "x")])):
        ends = {"testRunHookStartedId": "1", "result": {"status": "FAILED", "message": said}}
        begun = {"testRunHookStarted": {"id": "1", "hookId": "h"}}
        run = read_run([*messages, hook, begun, {"testRunHookFinished": ends}])
        assert failed_alone(run, failures(run)) == alone


def test_parts_of_an_error() -> None:
    text = (
        "step:   When it is\nseen:   AssertionError: no\nat      it.py:3 in f\ncause?  it is away"
    )
    assert parts_of(text) == [
        ("step", "When it is"),
        ("seen", "AssertionError: no"),
        ("at", "it.py:3 in f"),
        ("cause", "it is away"),
    ]
    assert parts_of("step:   When it is\n>  assert x\nE  no") == [
        ("step", "When it is"),
        ("", ">  assert x\nE  no"),
    ]
    assert parts_of("plain") == [("", "plain")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("a\x00b", "a␛0000b"),
        ("\u202egnp.exe", "␛202Egnp.exe"),
        ("a\u2028b", "a␛2028b"),
        ("tab\tline\r\nnext", "tab\tline\nnext"),
        ("naïve 日本 👩‍🚀", "naïve 日本 👩‍🚀"),
    ],
)
def test_nothing_hides_in_a_text(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_text_is_cut_and_that_is_said() -> None:
    assert cut("x" * 10, 4) == "xxxx\n… 6 characters more are in the record"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.01, "< 0.1 s"),
        (3.14, "3.1 s"),
        (42, "42 s"),
        (372, "6 min 12 s"),
        (299.7, "5 min 0 s"),
        (330.4, "5 min 30 s"),
    ],
)
def test_times_read_well(value: float, shown: str) -> None:
    assert seconds(value) == shown


SYSTEM = {
    "url": "http://127.0.0.1:1",
    "cluster": {"name": "c", "version": "v1"},
    "namespace": "n",
    "services": [
        {"name": "api-svc", "role": "api", "type": "ClusterIP", "ports": [], "ready": []},
        {"name": "web-svc", "role": "web", "type": "NodePort", "ready": ["1"],
         "ports": [{"port": 80, "target": "http", "node_port": 30080}]},
    ],
    "pods": [{"name": "web-1", "role": "web", "phase": "Running", "ready": True, "restarts": 0}],
    "database": {"kind": "external", "host": "db", "port": 5432, "tls": True, "inside": False},
    "standins": [{"name": "llm", "made_up": True}],
}  # fmt: skip


def test_diagram_shows_what_was_found_and_nothing_else() -> None:
    calls = [
        ({"from": "outside", "to": "web", "how": "HTTP 200"}, True),
        ({"from": "web", "to": "api", "how": "answered"}, False),
        ({"from": "web", "to": "api", "how": "answered"}, True),
        ({"from": "web", "to": "database", "how": "SQL"}, False),
        ({"from": "api", "to": "nobody", "how": "x"}, True),
        ({"from": "inside", "to": "api", "how": "DNS"}, True),
    ]
    diagram = draw(SYSTEM, calls)
    assert [box.key for box in diagram.boxes] == ["outside", "web", "api", "database", "llm"]
    assert "80 → http, node port 30080" in diagram.boxes[1].lines[1]
    assert [(edge.words, edge.proven) for edge in diagram.edges] == [
        ("this machine → web: HTTP 200", True),
        ("web → api: answered", True),
        ("web → the database: SQL", False),
    ]
    assert diagram.checks == (("inside the cluster → api: DNS", True),)
    ends = [box.y + box.height for box in diagram.boxes]
    assert all(end <= box.y for end, box in zip(ends, diagram.boxes[1:], strict=False))
    x, y, width, height = diagram.frame
    for box in diagram.boxes[1:3]:
        assert x < box.x
        assert box.x + box.width < x + width
        assert y < box.y
        assert box.y + box.height < y + height


def test_timeline_is_of_the_whole_run() -> None:
    phases = {
        "worker": "gw0",
        "phases": [
            {"name": "build", "at": 1002, "seconds": 4, "result": "", "ok": True},
            {"name": "quick", "at": 1002, "seconds": 0.1, "result": "", "ok": True},
            {"name": "broke", "at": 1003, "seconds": 0.1, "result": "why", "ok": False},
        ],
    }
    messages = record(*ALL)
    bars = timeline(read_run([*messages[:-1], evidence("phases", phases), messages[-1]]))
    assert [(bar.name, bar.start, bar.length) for bar in bars] == [
        ("scenarios", 10.0, 20.0),
        ("build", 20.0, 40.0),
    ]
    ended_badly = {"testRunFinished": {"success": False, "timestamp": timestamp(1010)}}
    bars = timeline(read_run([*messages[:-1], evidence("phases", phases), ended_badly]))
    assert [(bar.name, bar.result) for bar in bars if not bar.ok] == [("broke", "failed: why")]


def test_each_process_has_an_installation() -> None:
    other = {**SYSTEM, "namespace": "n-1", "url": "http://other"}
    found = [evidence("system", SYSTEM), evidence("system", other)]
    page = text_of(render([*record(*ALL), *found]))
    assert "this is one of 2" in page
    assert "http://127.0.0.1:1" in page
    assert "http://other" not in page


def text_of(page: str) -> str:
    """Return what a reader sees of a page."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", "", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_page_without_the_formatter_says_so() -> None:
    page = text_of(render(record(*ALL)))
    assert "is not in this page: it was not prepared on the machine" in page
    assert "Accepted: all 3 requirements are met." in page


def test_page_shows_images_against_their_budget() -> None:
    image = {"name": "api", "bytes": 600_000_000, "packed": 1, "limit_mb": 500, "goal_mb": 120}
    page = render([*record(*ALL), evidence("image", image)])
    assert '"size over" style="width: 100.0%"' in page
    assert "left: 24.0%" in page
    assert "600.0 MB" in page


def test_damaged_record_still_has_its_page() -> None:
    messages = record(*ALL)
    whole = len(messages)
    for missing in range(whole):
        page = text_of(render(messages[:missing] + messages[missing + 1 :], problems=["line 3"]))
        assert "1 part of the record could not be read" in page
        assert "line 3" in page
    for length in range(whole):
        assert "shop" in text_of(render(messages[:length], told={"name": "shop"}))


@pytest.mark.parametrize(
    "odd",
    [
        {"pickle": {}},
        {"gherkinDocument": {}},
        {"testCase": {}},
        {"testCaseStarted": {}},
        {"testStepFinished": {}},
        {"testRunHookStarted": {}},
        {"testRunFinished": {}},
        {"attachment": {"fileName": "system.evidence.json", "body": "[1"}},
        {"meta": {"runtime": None}},
        *(evidence(kind, 7) for kind in ("system", "image", "choices", "phases", "call")),
        evidence("system", {"pods": [7, {}], "services": [{"ports": [7]}, 7], "standins": [{}]}),
        evidence("image", {"bytes": "many"}),
        {"from another version": {"a": 1}},
        {"testStepFinished": {"testStepResult": {"status": "NEW", "duration": "long"}}},
    ],
    ids=str,
)
def test_odd_messages_stop_nothing(odd: Message) -> None:
    page = text_of(render([*record(*ALL)[:-1], odd, record()[-1]]))
    assert "It sells 1 of 1 passed" in page


# Trends


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "This run is not in the history of runs, so it is compared with none."),
        (1, "No earlier run is kept, so there is no trend yet."),
        (2, "Only one earlier run is kept, so there is no trend yet."),
        (3, "This is run 3; 3 runs are shown, from run 1 on."),
    ],
)
def test_page_says_when_there_is_no_trend(count: int, sentence: str) -> None:
    runs = [entry(number) for number in range(1, count + 1)]
    told = trends(runs, entry(count).began)
    text = render(record(*ALL), trends=told)
    assert sentence in text
    assert ('class="spark"' in text) == (count > 2)


def test_page_without_a_history_has_no_trends() -> None:
    assert 'id="trends"' not in render(record(*ALL))


def test_times_are_compared_with_like_alone() -> None:
    runs = [
        entry(1, seconds=10.0, phases=(Spent("build", 1.0),)),
        entry(2, seconds=20.0, phases=(Spent("build", 2.0),), workers=2),
        entry(3, seconds=30.0, phases=(Spent("build", 3.0),), provider="minikube"),
        entry(4, kept("A sale", "NOT_SELECTED"), kept("B"), seconds=40.0, phases=()),
        entry(5, seconds=50.0, phases=(Spent("build", 5.0),)),
    ]
    told = trends(runs, runs[-1].began)
    whole, build = told.times
    assert whole.line.words == "the whole run: run 1 10 s, run 5 50 s"
    assert build.line.words == "build: run 1 1.0 s, run 2 2.0 s, run 5 5.0 s"
    assert (build.now, build.before, build.usual) == ("5.0 s", "2.0 s", "1.5 s")
    assert any("same kind of cluster, kind" in note for note in told.notes)


def test_only_runs_of_late_are_drawn() -> None:
    runs = [entry(number) for number in range(1, 101)]
    told = trends(runs, runs[-1].began)
    assert len(told.sizes[0].line.points) == SHOWN
    assert told.sizes[0].line.points[-1][0] <= WIDTH
    assert len(told.figures[0].rows) == SHOWN


def test_sparkline_begins_at_nothing_and_marks_what_is_over() -> None:
    line = sparkline([(1, 0.0), (3, 200.0)], [1, 2, 3], "w", limit=100.0)
    assert line.points == ((5, 43.0), (235, 5.0))
    assert (line.limit, line.over) == (24.0, True)
    assert sparkline([(1, 0.0)], [1], "w").points == ((5, 43.0),)
