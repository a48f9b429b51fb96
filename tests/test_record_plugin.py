"""The record of a run, made by pytest itself in a project made for it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kube_support import until
from record_support import (
    FEATURES,
    assert_valid,
    make_shop,
    named,
    record_of,
    run_of,
    statuses,
)

from harness.record.messages import kind_of
from harness.report.model import NOT_RUN, NOT_SELECTED

GREEN = {"selling": FEATURES["selling"]}


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    make_shop(pytester, project_dir, FEATURES)
    return pytester


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def run(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    return shop.runpytest_subprocess("-p", "no:cacheprovider", *args, timeout=60)


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_each_step_has_its_true_status(shop: pytest.Pytester, args: tuple[str, ...]) -> None:
    run(shop, *args).assert_outcomes(passed=4, failed=1, skipped=2, xfailed=1)
    messages, told = record_of(shop.path), run_of(shop.path)
    assert_valid(messages)
    assert {s.name: (s.status, statuses(s)) for s in told.scenarios} == {
        "A sale": ("PASSED", ["PASSED"] * 3),
        "The price of tea": ("PASSED", ["PASSED"] * 2),
        "The price of cake": ("PASSED", ["PASSED"] * 2),
        "Things in a table": ("PASSED", ["PASSED"] * 2),
        "It fails": ("FAILED", ["PASSED", "FAILED", "SKIPPED"]),
        "It is pending": ("PENDING", ["PASSED", "PENDING", "SKIPPED"]),
        "A condition": ("SKIPPED", ["SKIPPED", "SKIPPED"]),
        "A long one": ("SKIPPED", ["SKIPPED", "SKIPPED"]),
    }
    assert named(told, "A condition").reason == "there is no counter"
    assert named(told, "A long one").reason == "long; --deploy-extended=yes runs it"
    assert named(told, "It is pending").reason == "to be done"
    assert "needed: a customer\nseen:   nobody" in named(told, "It fails").reason
    assert named(told, "It fails").steps[2].not_reached
    assert named(told, "Things in a table").rule == "Nobody is served twice"
    assert named(told, "Things in a table").steps[1].table[1] == ("tea", "3")
    assert told.ended
    assert not told.success
    assert (shop.path / ".deploy" / "report.html").exists()
    assert not list((shop.path / ".deploy").glob("messages-*"))


def test_fixtures_are_hooks_with_their_times(shop: pytest.Pytester) -> None:
    run(shop, "features/selling.feature").assert_outcomes(passed=4)
    told = run_of(shop.path)
    sale = named(told, "A sale")
    assert [(s.keyword, s.text) for s in sale.steps] == [
        ("Given", "a shop"),
        ("Before", "till"),
        ("When", "somebody pays 3 coins"),
        ("Then", "it sells"),
        ("After", "till"),
    ]
    assert sale.steps[2].seconds >= 0.02
    assert sale.steps[4].seconds >= 0.02
    town = {hook.before: hook for hook in told.hooks if hook.name == "town"}
    assert town[True].seconds >= 0.05
    assert town[False].seconds >= 0.03
    assert sale.steps[0].seconds < town[True].seconds, "a step is not charged for its fixture"
    assert told.success


def test_step_without_a_definition_is_undefined(shop: pytest.Pytester) -> None:
    edit(shop.path / "conftest.py", '@then("it sells")', '@then("it gives away")')
    run(shop, "-k", "sale").assert_outcomes(failed=1)
    messages = record_of(shop.path)
    assert_valid(messages)
    sale = named(run_of(shop.path), "A sale")
    assert statuses(sale) == ["PASSED", "PASSED", "UNDEFINED"]
    (case,) = (m["testCase"] for m in messages if kind_of(m) == "testCase")
    assert [s.get("stepDefinitionIds") for s in case["testSteps"] if "pickleStepId" in s][-1] == []


def test_arguments_of_a_sentence_are_told(shop: pytest.Pytester) -> None:
    run(shop, "-k", "sale")
    lists = [
        step["stepMatchArgumentsLists"]
        for message in record_of(shop.path)
        if kind_of(message) == "testCase"
        for step in message["testCase"]["testSteps"]
        if "pickleStepId" in step
    ]
    assert lists[1] == [
        {"stepMatchArguments": [{"group": {"start": 14, "value": "3", "children": []}}]}
    ]


@pytest.mark.parametrize("phase", ["set-up", "tear-down"])
def test_failure_of_a_fixture_is_its_own(shop: pytest.Pytester, phase: str) -> None:
    old = '    yield "till"\n' if phase == "tear-down" else "def till(town):\n"
    edit(shop.path / "conftest.py", old, f"{old}    raise RuntimeError('it jams')\n")
    run(shop, "-k", "sale")
    assert_valid(record_of(shop.path))
    sale = named(run_of(shop.path), "A sale")
    failed = [(s.keyword, s.text) for s in sale.steps if s.status == "FAILED"]
    assert failed == (
        [("After", "till")]
        if phase == "tear-down"
        else [("Before", "till"), ("When", "somebody pays 3 coins")]
    )
    assert "it jams" in sale.reason
    assert sale.status == "FAILED"


def test_what_was_not_run_is_not_run(shop: pytest.Pytester) -> None:
    run(shop, "-x", "-n", "1")
    assert "broken off" not in (message := run_of(shop.path).message)
    assert message.startswith("stopping after 1 failures; ")
    result = run(shop, "-x")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*7 of 8 scenarios were not run"])
    messages = record_of(shop.path)
    assert_valid(messages)
    told = run_of(shop.path)
    assert [s.status for s in told.scenarios].count(NOT_RUN) == 7
    assert "7 of 8 scenarios were not run" in told.message
    run(shop, "-k", "sale or nothing")
    told = run_of(shop.path)
    assert told.last("project")["command"].endswith("-k 'sale or nothing'")
    assert {s.status for s in told.scenarios} == {"PASSED", NOT_SELECTED}
    assert told.success


def test_scenarios_of_files_that_were_left_out_count(shop: pytest.Pytester) -> None:
    edit(shop.path / "features" / "buying.feature", "Feature: Buying", "@FR-1\nFeature: Buying")
    edit(shop.path / "features" / "buying.feature", "@FR-2\n@FR-1", "@FR-2 @FR-1")
    result = run(shop, "features/selling.feature")
    result.stdout.fnmatch_lines(["○ FR-1 *(not judged: 4 of 8 scenarios passed)", "0 of 1 *"])


def test_only_what_failed_is_run_again(shop: pytest.Pytester) -> None:
    shop.runpytest_subprocess("-k", "fails or sale")
    shop.runpytest_subprocess("--lf").assert_outcomes(failed=1)
    told = run_of(shop.path)
    ran = [s.name for s in told.scenarios if s.status not in (NOT_SELECTED, NOT_RUN)]
    assert ran == ["It fails"]


LASTING = 'time.sleep(0 if os.path.exists("go") else open("here", "w").close() or 60)'


def started(shop: pytest.Pytester, *args: str) -> subprocess.Popen[str]:
    """Return a run whose sale lasts, once it is there."""
    edit(shop.path / "conftest.py", "time.sleep(0.02)\n\n@when", f"{LASTING}\n\n@when")
    return begun(shop, *args)


def begun(shop: pytest.Pytester, *args: str) -> subprocess.Popen[str]:
    """Return a run that has come to what lasts."""
    program = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "features", *args],
        cwd=shop.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until((shop.path / "here").exists, 30)
    return program


def test_interrupted_run_tells_what_it_had(shop: pytest.Pytester) -> None:
    program = started(shop, "-k", "sale or price")
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=30)
    assert program.returncode == pytest.ExitCode.INTERRUPTED, said
    assert_valid(record_of(shop.path))
    told = run_of(shop.path)
    sale = named(told, "A sale")
    assert sale.status == "UNKNOWN"
    assert statuses(sale) == ["PASSED", "UNKNOWN", NOT_RUN]
    assert ("After", "till", "PASSED") in [(s.keyword, s.text, s.status) for s in sale.steps]
    assert named(told, "The price of tea").status == NOT_RUN
    assert "broken off" in told.message
    assert not told.success
    assert "report.html" in said
    assert re.search(r"! When somebody pays 3 coins\n +broken off when the run was ended\n", said)
    assert "\nbroken off when the run was ended; 2 of 3 scenarios were not run\n" in said


def test_set_up_that_is_interrupted_is_told(shop: pytest.Pytester) -> None:
    edit(shop.path / "conftest.py", '    yield "till"', f'    {LASTING}\n    yield "till"')
    program = begun(shop, "-k", "sale")
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=30)
    sale = named(run_of(shop.path), "A sale")
    assert sale.status == "UNKNOWN"
    assert ("Before", "till", "UNKNOWN") in [(s.keyword, s.text, s.status) for s in sale.steps]
    assert re.search(r"✓ Given a shop\n(.*\n)? +broken off when the run was ended\n", said), said


def test_worker_that_is_killed_fails_its_scenario_alone(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "time.sleep(0.02)\n\n@when",
        "os.kill(os.getpid(), 9)\n\n@when",
    )
    run(shop, "-n", "2", "features/selling.feature").assert_outcomes(passed=3, failed=1)
    assert_valid(record_of(shop.path))
    told = run_of(shop.path)
    sale = named(told, "A sale")
    assert sale.status == "FAILED"
    assert statuses(sale) == ["PASSED", "FAILED", NOT_RUN]
    assert sale.reason == f"the process {sale.worker} ended here"
    assert [s.status for s in told.scenarios].count("PASSED") == 3


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_run_that_is_killed_leaves_what_it_had(
    shop: pytest.Pytester, args: tuple[str, ...]
) -> None:
    program = started(shop, "-k", "sale or price", *args)
    workers = _children(program.pid)
    program.kill()
    program.communicate(timeout=30)
    until(lambda: not any(map(_lives, workers)), 30)
    made = subprocess.run(
        [sys.executable, "-m", "harness.report"],
        cwd=shop.path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    page = (shop.path / made.stdout.strip().splitlines()[-1]).read_text()
    assert "he record ends before the run did" in page
    assert "Nobody is served twice" in page


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in tasks.split()]


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


SECRET = "correct-horse-battery"


def test_no_secret_is_in_record_or_page(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def sells(): ...",
        "def sells(evidence, request):\n"
        f"    evidence.facts('note', {{'it': '{SECRET}'}})\n"
        f"    print('{SECRET}')\n"
        "    from plugin.console import REDACT\n"
        f"    request.config.stash[REDACT].add('{SECRET}')\n"
        f"    raise AssertionError('{SECRET} postgres://u:hidden-word@host/db')",
    )
    run(shop, "-k", "sale").assert_outcomes(failed=1)
    for file in (shop.path / ".deploy").iterdir():
        data = file.read_bytes()
        assert SECRET.encode() not in data
        assert b"hidden-word" not in data
    assert "[redacted]" in named(run_of(shop.path), "A sale").reason


def test_evidence_belongs_to_its_step(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def sells(): ...",
        "def sells(evidence):\n"
        "    evidence.facts('call', {'from': 'a', 'to': 'b'})\n"
        "    evidence.text('long.log', 'x' * 100_000)",
    )
    run(shop, "-k", "sale", "-n", "1").assert_outcomes(passed=1)
    assert_valid(record_of(shop.path))
    told = run_of(shop.path)
    (call,) = (e for e in told.evidence if e.kind == "call")
    assert call.facts == {"from": "a", "to": "b"}
    assert call.passed
    last = named(told, "A sale").steps[3]
    cut, beside = last.attached
    assert "36,000 characters are cut" in cut.body
    assert len((shop.path / ".deploy" / beside.url).read_text()) == 100_000


def test_nothing_is_written_when_nothing_is_wanted(shop: pytest.Pytester) -> None:
    run(shop, "--deploy-record=no", "-k", "sale").assert_outcomes(passed=1)
    assert not (shop.path / ".deploy").exists()
    run(shop, "--deploy-report=none", "-k", "sale").assert_outcomes(passed=1)
    assert (shop.path / ".deploy" / "messages.ndjson").exists()
    assert not (shop.path / ".deploy" / "report.html").exists()
    wrong = run(shop, "--deploy-record=perhaps")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR


def test_page_of_the_specification_alone(shop: pytest.Pytester) -> None:
    run(shop, "--collect-only", "-q", "--deploy-report=spec.html")
    page = (shop.path / "spec.html").read_text()
    assert "2 requirements and 8 scenarios, none of them run yet" in page
    assert not (shop.path / ".deploy").exists()


def test_two_runs_of_one_folder_keep_apart(shop: pytest.Pytester) -> None:
    program = started(shop, "-k", "sale")
    run(shop, "-k", "tea").assert_outcomes(passed=1)
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    assert named(run_of(shop.path), "A sale").status == "UNKNOWN"
    other = (shop.path / ".deploy" / "messages-2.ndjson").read_text()
    assert '"success":true' in other
    assert (shop.path / ".deploy" / "report-2.html").exists()


# The terminal


def test_terminal_tells_scenarios_as_they_happen(shop: pytest.Pytester) -> None:
    result = run(shop)
    result.stdout.re_match_lines(
        [
            r"Feature: Buying",
            r" +0:00  Scenario: It fails",
            r" +✓ Given a shop",
            r" +✕ When nobody comes",
            r" +failed: nobody",
            r" +0:00  Scenario: It is pending",
            r"Feature: Selling",
            r" +✓ When somebody pays 3 coins",
            r"=+ requirements =+",
            r"✓ FR-1 .*\(4 of 4 scenarios passed\)",
            r"✕ FR-2 .*\(not met: 0 of 4 scenarios passed\)",
            r"1 of 2 met",
            r"report +\S+/.deploy/report.html",
        ]
    )
    result.stdout.no_re_match_line(r"features/buying.feature [F.xs]+")


def test_requirements_that_are_not_asked_for_are_counted(shop: pytest.Pytester) -> None:
    more = '"FR-3" = "It closes"\n"FR-4" = "It opens"\n'
    edit(shop.path / "deploy.toml", '"FR-2"', f'{more}"FR-2"')
    result = run(shop, "-k", "sale or price or table")
    result.stdout.fnmatch_lines(["1 of 1 met; 1 was not asked for; 2 have no scenario"])


def test_time_is_told_once_for_each_name_of_a_step(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def shop(town): ...",
        "def shop(town, request):\n"
        "    from plugin.console import PROGRESS\n"
        "    with request.config.stash[PROGRESS].step('opening'): time.sleep(0.06)",
    )
    said = r"longest steps +opening 0\.\d s \(4 times, 0 s\)"
    for args in ((), ("-n", "2")):
        run(shop, "features/selling.feature", *args).stdout.re_match_lines([said])


def test_terminal_tells_of_several_processes(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def shop(town): ...",
        "def shop(town, request):\n"
        "    from plugin.summary import remember\n"
        "    remember(request.config, 'application', 'http://127.0.0.1:1')",
    )
    result = run(shop, "-n", "2")
    result.stdout.re_match_lines_random(
        [
            r" +0:\d\d gw[01] +\d\.\d s  ✓ Selling: A sale",
            r" +0:\d\d gw[01] +\d\.\d s  ✕ Buying: It fails",
            r" +failed at: When nobody comes",
            r"application gw[01] +http://127.0.0.1:1",
            r"1 of 2 met",
            r"report +\S+/.deploy/report.html",
        ]
    )


def test_terminal_is_quiet_when_told_so(shop: pytest.Pytester) -> None:
    result = run(shop, "-q")
    result.stdout.fnmatch_lines(["Fxss....*", "1 of 2 met"])
    result.stdout.no_fnmatch_line("*Scenario:*")
    result.stdout.no_fnmatch_line("*FR-1*")


def test_verbose_names_items_as_ever(shop: pytest.Pytester) -> None:
    run(shop, "-v").stdout.fnmatch_lines(["features/selling.feature::test_a_sale*PASSED*"])


def test_terminal_shows_what_goes_on_in_its_last_line(shop: pytest.Pytester) -> None:
    edit(shop.path / "conftest.py", "time.sleep(0.05)", "time.sleep(1)")
    ours, theirs = pty.openpty()
    said = b""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "sale"],
        cwd=shop.path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as program:
        os.close(theirs)
        with contextlib.suppress(OSError):  # what a terminal says at its end
            while data := os.read(ours, 4096):
                said += data
    os.close(ours)
    text = said.decode()
    assert program.returncode == 0, text
    assert "0:00 · Given a shop" in text, "what is waited for"
    assert "\x1b[2K" in text, "and is taken away again"
    assert "\x1b[32m" in text, "green"


AGAIN = """
def pytest_runtest_protocol(item, nextitem):
    from _pytest.runner import runtestprotocol
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, log=False, nextitem=nextitem)
    item._initrequest()
    runtestprotocol(item, log=True, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""


def test_scenario_that_is_tried_again_counts_by_its_last_attempt(shop: pytest.Pytester) -> None:
    conftest = shop.path / "conftest.py"
    conftest.write_text(conftest.read_text() + AGAIN)
    edit(
        conftest, "def sells(): ...", "def sells(tried=[]): tried.append(1) or 1 / (len(tried) - 1)"
    )
    run(shop, "-k", "sale").assert_outcomes(passed=1)
    messages = record_of(shop.path)
    assert_valid(messages)
    ends = [m["testCaseFinished"]["willBeRetried"] for m in messages if "testCaseFinished" in m]
    assert ends == [True, False]
    sale = named(run_of(shop.path), "A sale")
    assert (sale.attempts, sale.status) == (2, "PASSED")
    assert run_of(shop.path).success
