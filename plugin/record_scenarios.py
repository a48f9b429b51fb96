"""What becomes of scenarios, steps and fixtures, told to the recording of the run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harness.record.messages import FAILED, PASSED, PENDING, SKIPPED, UNDEFINED
from harness.report.causes import EVIDENCE as CAUSE
from harness.report.causes import cause_of
from plugin.record import RECORDING
from plugin.recording import Recording

_OURS = ("steps", "fixtures", "harness")
_OUTCOME = pytest.StashKey[tuple[str, str]]()


def _recording(item: pytest.Item) -> Recording | None:
    recording = item.config.stash.get(RECORDING, None)
    return recording if recording and recording.knows(item) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begin a scenario."""
    if recording := _recording(item):
        recording.begin_scenario(item)
    return (yield)


def pytest_bdd_before_step(request: pytest.FixtureRequest) -> None:
    """Note which sentence comes next: what it needs is made ready first."""
    if (recording := _recording(request.node)) and recording.attempt:
        recording.await_step(recording.attempt.reached)


def pytest_bdd_before_step_call(request: pytest.FixtureRequest) -> None:
    """Begin a step."""
    if recording := _recording(request.node):
        recording.begin_step()


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """End a step that passed."""
    if recording := _recording(request.node):
        recording.end_step(PASSED)


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """Note that a sentence has no definition."""
    request.node.stash[_OUTCOME] = UNDEFINED, str(exception)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest) -> None:
    """Note when a step that did not pass was over: what it is called is found out later."""
    if (recording := _recording(request.node)) and recording.attempt:
        recording.attempt.note_end()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down what became of a scenario, in the words that a person is shown."""
    report = yield
    if (recording := _recording(item)) and recording.attempt:
        vars(report)["deploy"] = True
        if report.when == "teardown":
            _torn_down(recording, report, call)
            vars(report)["deploy_scenario"] = recording.end_scenario()
        elif not report.passed or report.when == "call":
            _take_down(recording, item, report, call)
    return report


def _take_down(
    recording: Recording, item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    status, message = item.stash.get(_OUTCOME, None) or _outcome(report)
    if _OUTCOME in item.stash:
        del item.stash[_OUTCOME]
    exception = type(call.excinfo.value).__name__ if call.excinfo else ""
    cause = _cause(recording, call) if status in (FAILED, UNDEFINED) else None
    attempt = recording.attempt
    assert attempt is not None
    if status == PASSED:
        return
    if report.when == "call" and call.excinfo is None:  # passed, though it was not to
        recording.fail("expectation", message)
    elif status == FAILED and report.when == "setup":
        if attempt.status == FAILED:  # its fixture has said so
            recording.evidence(CAUSE, cause)
            recording.skip_rest()
        else:
            recording.evidence(CAUSE, cause)
            recording.fail("set-up", message, exception)
    else:
        recording.end_step(status, message, exception, log=_captured(report), cause=cause)


def _cause(recording: Recording, call: pytest.CallInfo[None]) -> dict[str, str] | None:
    """Return what a scenario ended by, for the record."""
    if call.excinfo is None:
        return None
    return cause_of(call.excinfo.value, recording.sentence, _place(call.excinfo)).told()


def _place(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return the line of a step, a fixture or the harness that raised; else the last one."""
    entries = list(excinfo.traceback)
    known = [e for e in entries if Path(e.path).parent.name in _OURS] or entries
    if not known:
        return "-"
    return f"{Path(known[-1].path).name}:{known[-1].lineno + 1} in {known[-1].name}"


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    """Return the status that a report amounts to, and the words to it."""
    if report.passed:
        return PASSED, ""
    if hasattr(report, "wasxfail") and report.skipped:
        return PENDING, str(report.wasxfail).removeprefix("reason: ")
    if report.skipped:
        told = report.longrepr
        reason = told[2] if isinstance(told, tuple) else str(told)
        return SKIPPED, reason.removeprefix("Skipped: ")
    return FAILED, str(report.longrepr)


def _torn_down(
    recording: Recording, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    if not report.failed or call.excinfo is None:
        return
    recording.evidence(CAUSE, _cause(recording, call))
    if recording.tear_down_failed:
        recording.text("tear-down.log", str(report.longrepr))
    else:
        recording.fail("tear-down", str(report.longrepr), type(call.excinfo.value).__name__)


def _captured(report: pytest.TestReport) -> str:
    """Return what a scenario that did not pass has said."""
    if report.passed or report.skipped:
        return ""
    return "\n".join(f"--- {name} ---\n{text}" for name, text in report.sections if text.strip())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: Any, request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Record the set-up of a fixture, and have its tear-down recorded."""
    recording = request.config.stash.get(RECORDING, None)
    if recording is None or not _counts(fixturedef):
        return (yield)
    with recording.set_up(fixturedef):
        value = yield
    if inspect.isgeneratorfunction(fixturedef.func):
        # It was put there last, and is what the fixture does after its `yield`.
        tear_down = fixturedef._finalizers.pop()
        fixturedef.addfinalizer(functools.partial(_tear_down, recording, fixturedef, tear_down))
    return value


def _tear_down(recording: Recording, fixturedef: Any, tear_down: Any) -> None:
    with recording.tear_down(fixturedef):
        tear_down()


def _counts(fixturedef: Any) -> bool:
    """Return whether a fixture is somebody's own: not pytest's, nor a sentence's definition."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return not module.startswith(("_pytest.", "pytest_", "xdist."))
