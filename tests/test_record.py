"""The record's mechanism: messages, journals, parts, damage."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.record.attachments import Attachments
from harness.record.case import Attempt, Case
from harness.record.documents import read_document
from harness.record.journal import Journal
from harness.record.merging import merge
from harness.record.messages import (
    BROKEN_OFF,
    STATUSES,
    kind_of,
    recorded,
    result,
    seconds_of,
    status_of,
    timestamp,
)
from harness.record.place import Place
from harness.record.reading import Part, RecordMissingError, part_path, read_part, read_parts
from harness.record.verdict import verdict

FEATURE = """\
Feature: F
  Background:
    Given b

  Scenario Outline: O <n>
    Then <n>

    Examples:
      | n |
      | 1 |
      | 2 |

  Rule: R
    Scenario: S
      Then s
"""
Message = dict[str, Any]


def same(text: str) -> str:
    return text


@pytest.fixture
def feature(tmp_path: Path) -> Path:
    file = tmp_path / "features" / "f.feature"
    file.parent.mkdir()
    file.write_text(FEATURE)
    return file


def test_document_tells_each_scenario_under_an_id_that_stays(feature: Path) -> None:
    one, other = (read_document(feature, feature.parents[1]) for _ in range(2))
    assert one.messages == other.messages
    assert [kind_of(m) for m in one.messages] == ["source", "gherkinDocument", *["pickle"] * 3]
    assert one.uri == "features/f.feature"
    assert [pickle["name"] for pickle in one.pickles(5)] == ["O 1", "O 2"]
    assert [pickle["name"] for pickle in one.pickles(14)] == ["S"]
    assert set(one.keywords.values()) == {"Given", "Then"}


def test_ids_of_two_files_differ(feature: Path) -> None:
    other = feature.with_name("g.feature")
    other.write_text(FEATURE)
    root = feature.parents[1]
    ids = [
        {m["pickle"]["id"] for m in read_document(file, root).messages if "pickle" in m}
        for file in (feature, other)
    ]
    assert not ids[0] & ids[1]


def test_journal_is_there_line_by_line_and_forgets_secrets(tmp_path: Path) -> None:
    known = {"early"}

    def redact(text: str) -> str:
        for word in known:
            text = text.replace(word, "***")
        return text

    journal = Journal(tmp_path / "j.ndjson", redact)
    journal.write({"attachment": {"body": "early late\ud800"}})
    assert json.loads(journal.path.read_text())["attachment"]["body"].startswith("*** late")
    known.add("late")
    journal.close()
    journal.write({"meta": {}})
    assert json.loads(journal.path.read_text())["attachment"]["body"].startswith("*** ***")


def test_full_disk_ends_the_record_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.ndjson", same)
    journal.write({"meta": {}})
    os.close(journal._file)
    journal._file = os.open("/dev/full", os.O_WRONLY)
    journal.write({"source": {"uri": "f"}})
    assert journal.problem.endswith("No space left on device")
    journal.write({"source": {"uri": "g"}})
    journal.close()
    assert journal.path.read_text() == '{"meta":{}}\n'


def case(**pickle: Any) -> Case:
    told = {"id": "p", "name": "A sale", "uri": "f", "steps": [], "tags": [], **pickle}
    return Case("case", told, "run")


STEPS = [{"id": f"p{n}", "text": f"step {n}", "astNodeIds": ["n"]} for n in (1, 2, 3)]


def test_hooks_stand_where_they_were_found() -> None:
    written: list[Message] = []
    one = case(steps=STEPS)
    attempt = Attempt(one, lambda *messages: written.extend(messages))
    attempt.begin_step()
    attempt.end_step("PASSED")
    hook = attempt.begin_hook("before: till", "BEFORE_TEST_CASE")
    attempt.end_hook(hook, "PASSED")
    attempt.begin_step()
    attempt.end_step("FAILED", "words", "ValueError")
    attempt.skip_rest()
    attempt.end_hook(attempt.begin_hook("after: till", "AFTER_TEST_CASE"), "PASSED")
    attempt.finish()
    told = [step.get("pickleStepId") or step["hookId"] for step in one.steps]
    assert told == ["p1", "before: till", "p2", "p3", "after: till"]
    assert attempt.status == "FAILED"
    last = [m["testCase"] for m in written if "testCase" in m][-1]
    assert last["testSteps"] == one.steps


def test_attempt_that_is_ended_early_is_broken_off() -> None:
    written: list[Message] = []
    attempt = Attempt(case(steps=STEPS), lambda *messages: written.extend(messages))
    attempt.begin_step()
    attempt.finish()
    (end,) = (m["testStepFinished"] for m in written if "testStepFinished" in m)
    assert attempt.status == status_of(end["testStepResult"]) == "UNKNOWN"
    assert end["testStepResult"]["status"] == "FAILED", "to others UNKNOWN is less than PASSED"


def test_attempt_that_is_ended_between_two_steps_did_not_pass() -> None:
    written: list[Message] = []
    attempt = Attempt(case(steps=STEPS), lambda *messages: written.extend(messages), "gw0")
    attempt.begin_step()
    attempt.end_step("PASSED")
    killed = merge([Part("gw0", list(written))], interrupted=True)
    attempt.finish()
    for messages in (killed, written):
        ends = [m["testStepFinished"] for m in messages if "testStepFinished" in m]
        assert [status_of(end["testStepResult"]) for end in ends] == ["PASSED", "UNKNOWN"]
        begun = [m["testStepStarted"]["testStepId"] for m in messages if "testStepStarted" in m]
        assert [end["testStepId"] for end in ends] == begun


def test_only_what_was_broken_off_is_read_as_such() -> None:
    kinds = [result(status, 1.5, words) for status in STATUSES for words in ("", BROKEN_OFF)]
    assert [status_of(recorded(told)) for told in kinds] == [told["status"] for told in kinds]
    assert all(recorded(told)["duration"] == told["duration"] for told in kinds)
    assert status_of({"status": "UNKNOWN"}) == "UNKNOWN", "as earlier records have it"
    assert status_of({}) == ""


def running(name: str, *, hook: bool = False) -> Part:
    """Return the part of a process that died in a step, or in a fixture of the run."""
    written: list[Message] = []
    attempt = Attempt(case(steps=STEPS), lambda *messages: written.extend(messages), name)
    attempt.begin_step()
    if hook:
        written.pop()
        started = {"id": "h@1", "hookId": "h", "timestamp": timestamp(1), "testRunStartedId": "r"}
        written.append({"testRunHookStarted": started})
    return Part(name, written)


@pytest.mark.parametrize(("interrupted", "status"), [(False, "FAILED"), (True, "UNKNOWN")])
@pytest.mark.parametrize("hook", [False, True], ids=["step", "fixture"])
def test_process_that_died_broke_off_what_it_did(
    *, interrupted: bool, status: str, hook: bool
) -> None:
    messages = merge([running("gw0", hook=hook)], interrupted=interrupted)
    kind, key = (
        ("testRunHookFinished", "result") if hook else ("testStepFinished", "testStepResult")
    )
    (end,) = (m[kind] for m in messages if kind in m)
    assert end[key]["status"] == "FAILED"
    assert status_of(end[key]) == status
    assert ("gw0 ended" in end[key]["message"]) != interrupted
    assert kind_of(messages[-1]) == "testCaseFinished"


def test_parts_become_one_record_in_order() -> None:
    def part(name: str, at: int) -> Part:
        head: list[Message] = [
            {"meta": {}},
            {"source": {"uri": "f"}},
            {"gherkinDocument": {"uri": "f"}},
            {"pickle": {"uri": "f", "id": "p"}},
            {"testRunStarted": {"id": "run", "timestamp": timestamp(1)}},
            {"testCase": {"id": "c1", "testSteps": [{"id": name}]}},
            {"testCase": {"id": "c2", "testSteps": []}},
        ]
        own = "c1" if name == "gw0" else "c2"
        body: list[Message] = [
            {"testCaseStarted": {"id": name, "testCaseId": own, "timestamp": timestamp(at)}},
            {"testCaseFinished": {"testCaseStartedId": name, "timestamp": timestamp(at + 2)}},
        ]
        return Part(name, head + body)

    messages = merge([part("gw0", 10), part("gw1", 11)])
    kinds = [kind_of(m) for m in messages]
    assert kinds == [
        *("meta", "source", "gherkinDocument", "pickle", "testRunStarted", "testCase", "testCase"),
        *("testCaseStarted", "testCaseStarted", "testCaseFinished", "testCaseFinished"),
    ]
    assert messages[5]["testCase"]["testSteps"] == [{"id": "gw0"}], "as who ran it tells it"


def test_end_that_is_told_again_is_told_once() -> None:
    ends = [
        {"testCaseFinished": {"testCaseStartedId": "a", "willBeRetried": again}}
        for again in (False, True)
    ]
    assert merge([Part("", ends)]) == [ends[1]]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b'{"meta": {}}\n{"sour', '2, its last line cannot be read: {"sour; it was cut off'),
        (b'\xff\xfe\n{"meta": {}}\n', "1 cannot be read"),
        (b'[1]\n{"meta": {}}\n', "1 is no message"),
        (b'{"a": 1}\n{"meta": {}}\n', "1 is no message"),
        (b"[" * 100_000 + b'\n{"meta": {}}\n', "1 cannot be read"),
    ],
    ids=["cut off", "bytes", "list", "no object", "deep"],
)
def test_damaged_record_gives_what_is_in_it(tmp_path: Path, damage: bytes, said: str) -> None:
    file = tmp_path / "messages.ndjson"
    file.write_bytes(damage)
    part = read_part(file)
    assert part.messages == [{"meta": {}}]
    (problem,) = part.problems
    assert said in problem


def test_parts_that_were_never_put_together_are_found(tmp_path: Path) -> None:
    record = tmp_path / "messages.ndjson"
    for name in ("gw1", "gw0"):
        part_path(record, name).write_text('{"meta": {}}\n')
    assert [part.name for part in read_parts(record)] == ["gw0", "gw1"]


def test_record_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordMissingError) as caught:
        read_parts(tmp_path / "messages.ndjson")
    assert caught.value.looked == str(tmp_path / "messages.ndjson")
    with pytest.raises(RecordMissingError):
        read_part(tmp_path)


def test_what_is_too_long_lies_beside_the_record(tmp_path: Path) -> None:
    attachments = Attachments(tmp_path, lambda text: text.replace("secret", "***"))
    short, beside = attachments.text("../a b.log", "secret" + "x" * 100_000)
    assert short["attachment"]["body"].startswith("***x")
    assert (
        "characters are cut; all of it is in attachments/1-.._a_b.log"
        in (short["attachment"]["body"])
    )
    whole = (tmp_path / beside["externalAttachment"]["url"]).read_text()
    assert len(whole) == 100_003
    picture = attachments.data("p.png", b"\0" * 500_000, "image/png")
    assert (tmp_path / picture["externalAttachment"]["url"]).stat().st_size == 500_000
    assert "attachment" in attachments.data("p.png", b"\0", "image/png")


def test_two_runs_claim_two_places(tmp_path: Path) -> None:
    stale = part_path(tmp_path / "messages.ndjson", "gw0")
    stale.write_text("left by a run that was killed")
    one, other = Place.claim(tmp_path), Place.claim(tmp_path)
    assert not stale.exists()
    assert (one.record.name, one.page.name) == ("messages.ndjson", "report.html")
    assert (other.record.name, other.page.name) == ("messages-2.ndjson", "report-2.html")
    one.release()
    assert Place.claim(tmp_path).record == one.record
    other.release()


def ran(status: str) -> list[Message]:
    return [
        {"testCase": {"id": "c"}},
        {"testCaseStarted": {"id": "a", "testCaseId": "c"}},
        {"testStepFinished": {"testCaseStartedId": "a", "testStepResult": {"status": status}}},
        {"testCaseFinished": {"testCaseStartedId": "a", "willBeRetried": False}},
    ]


@pytest.mark.parametrize(
    ("messages", "code", "success", "said"),
    [
        (ran("PASSED"), 0, True, ""),
        (ran("SKIPPED"), 0, True, ""),
        (ran("PENDING"), 0, False, ""),
        (ran("FAILED"), 1, False, ""),
        (ran("PASSED"), 1, False, "exit code 1, though no scenario failed"),
        ([{"testCase": {"id": "c"}}], 0, False, "1 of 1 scenarios was not run"),
        (
            [
                {
                    "testRunHookFinished": {
                        "testRunHookStartedId": "h",
                        "result": {"status": "FAILED"},
                    }
                }
            ],
            0,
            False,
            "",
        ),
    ],
)
def test_a_run_ends_well_only_when_all_of_it_did(
    messages: list[Message], code: int, *, success: bool, said: str
) -> None:
    told = verdict(messages, code)["testRunFinished"]
    assert told["success"] is success
    assert said in told.get("message", "")


def test_moments_and_lengths_keep_their_digits() -> None:
    assert timestamp(1.5) == {"seconds": 1, "nanos": 500_000_000}
    assert seconds_of(timestamp(12.25)) == 12.25
    assert seconds_of({"seconds": "x"}) == 0.0
    assert seconds_of(None) == 0.0
