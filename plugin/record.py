"""The one record of a run: what pytest, pytest-bdd and xdist tell is written as messages."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DeployError
from harness.record.journal import Journal, dump, replace
from harness.record.merging import merge
from harness.record.messages import FAILED, PASSED, PENDING, SKIPPED, UNDEFINED, Message
from harness.record.place import Place
from harness.record.reading import part_path, read_parts, worker_parts
from harness.record.sweeping import sweep
from harness.record.verdict import verdict
from harness.settings import Reporting
from harness.traceability import project_name, requirements
from plugin.console import PROGRESS, REDACT
from plugin.options import given
from plugin.recording import Recording
from plugin.summary import remember

RECORDING = pytest.StashKey[Recording]()
#: Where the record of this run is and what it holds, once it is whole.
RECORDED = pytest.StashKey[tuple[Place, list[Message]]]()
PLACE = pytest.StashKey[Place]()
_OUTCOME = pytest.StashKey[tuple[str, str]]()
_HANDED_ON = "deploy_record"


def reporting(config: pytest.Config) -> Reporting:
    """Return what is to be written of a run; a wrong setting ends it as a usage error."""
    try:
        return Reporting.load(given(config), os.environ, config.rootpath)
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None


# The run


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where its part of the record goes."""
    config = node.config
    if PLACE not in config.stash and reporting(config).record:
        _claim(config)
    if PLACE in config.stash:
        node.workerinput[_HANDED_ON] = str(config.stash[PLACE].record)


def _claim(config: pytest.Config) -> Place:
    place = config.stash[PLACE] = Place.claim(reporting(config).folder)
    config.add_cleanup(place.release)
    return place


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Begin the record when there is a scenario to be run."""
    config = session.config
    if config.option.collectonly or not any(i.get_closest_marker("deploy") for i in session.items):
        return
    recording = Recording(config.rootpath, config.stash[REDACT], *_journal(config))
    recording.begin(session.items, _feature_files(config))
    words = " ".join(["pytest", *map(str, config.invocation_params.args)])
    recording.evidence("project", {**_project(config), "command": words})
    config.stash[RECORDING] = recording


def _feature_files(config: pytest.Config) -> list[Path]:
    """Return the feature files where the project keeps its tests."""
    folders: list[str] = config.getini("testpaths")
    return sorted(f for name in folders for f in (config.rootpath / name).rglob("*.feature"))


def _journal(config: pytest.Config) -> tuple[Journal | None, str]:
    """Return the journal of this process, None when none is wanted, and the worker's name."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    name = worker.get("workerid", "")
    if worker:
        if _HANDED_ON not in worker:
            return None, name
        record = Path(worker[_HANDED_ON])
        record.unlink(missing_ok=True)  # that of the run before
        return Journal(part_path(record, name), config.stash[REDACT]), name
    if not reporting(config).record:
        return None, name
    return Journal(_claim(config).record, config.stash[REDACT]), name


def _project(config: pytest.Config) -> dict[str, Any]:
    root = reporting(config).project
    try:
        return {"name": project_name(root), "requirements": requirements(root)}
    except DeployError:
        return {"name": root.resolve().name, "requirements": {}}


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    """End this process's part; the process that leads puts all of them together."""
    try:
        return (yield)
    finally:
        config = session.config
        if recording := config.stash.get(RECORDING, None):
            progress = config.stash[PROGRESS]
            phases = [phase.told() for phase in progress.phases]
            recording.evidence("phases", {"worker": recording.worker, "phases": phases})
            recording.evidence("choices", progress.choices)
            recording.close()
            if recording.problem:
                remember(config, "record", f"not all could be written: {recording.problem}")
        if PLACE in config.stash and not hasattr(config, "workerinput"):
            try:
                _put_together(session, int(exitstatus))
            except Exception as error:  # what a run came to does not hang on its record
                said = f"{type(error).__name__}: {error}"
                remember(config, "record", f"could not be put together: {said}")


def _put_together(session: pytest.Session, exitstatus: int) -> None:
    place = session.config.stash[PLACE]
    if RECORDING not in session.config.stash and not worker_parts(place.record):
        return  # there was no scenario; a record that lies there is of another run
    parts = read_parts(place.record)
    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    messages = merge(parts, interrupted=interrupted)
    stopped = str(session.shouldfail or session.shouldstop or "")
    messages.append(verdict(messages, exitstatus, interrupted=interrupted, stopped=stopped))
    replace(place.record, [dump(message) for message in messages])
    for part in worker_parts(place.record).values():
        part.unlink()
    session.config.stash[RECORDED] = place, messages
    with contextlib.suppress(OSError):  # what cannot be removed is in nobody's way
        sweep(place.record)


# Scenarios


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
    attempt = recording.attempt
    assert attempt is not None
    if status == PASSED:
        return
    if report.when == "call" and call.excinfo is None:  # passed, though it was not to
        recording.fail("expectation", message)
    elif status == FAILED and report.when == "setup":
        if attempt.status == FAILED:  # its fixture has said so
            recording.skip_rest()
        else:
            recording.fail("set-up", message, exception)
    else:
        recording.end_step(status, message, exception, log=_captured(report))


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
    if recording.tear_down_failed:
        recording.text("tear-down.log", str(report.longrepr))
    else:
        recording.fail("tear-down", str(report.longrepr), type(call.excinfo.value).__name__)


def _captured(report: pytest.TestReport) -> str:
    """Return what a scenario that did not pass has said."""
    if report.passed or report.skipped:
        return ""
    return "\n".join(f"--- {name} ---\n{text}" for name, text in report.sections if text.strip())


# Fixtures


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
