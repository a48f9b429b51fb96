"""The one record of a run: begun, written by each process, and put together at its end."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harness.default_requirements import requirements_of
from harness.early_settings import Reporting
from harness.errors import DeployError
from harness.record.attachments import Attachments
from harness.record.journal import Journal, dump, replace
from harness.record.merging import merge
from harness.record.messages import Message
from harness.record.place import Place
from harness.record.reading import part_path, read_parts, worker_parts
from harness.record.sweeping import sweep
from harness.record.verdict import verdict
from harness.report import standing
from harness.traceability import project_name
from plugin.console import PROGRESS, REDACT
from plugin.features import FOLDERS, LACKING
from plugin.options import given
from plugin.recording import Recording
from plugin.summary import remember

RECORDING = pytest.StashKey[Recording]()
#: Where the record of this run is and what it holds, once it is whole.
RECORDED = pytest.StashKey[tuple[Place, list[Message]]]()
PLACE = pytest.StashKey[Place]()
#: The verdict without a cluster, as a document, where one was asked for.
STATIC = pytest.StashKey[dict[str, Any]]()
_HANDED_ON = "deploy_record"


def reporting(config: pytest.Config) -> Reporting:
    """Return what is to be written of a run; a wrong setting ends it as a usage error."""
    try:
        return Reporting.load(given(config), os.environ, config.rootpath)
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None


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
    words = shlex.join(["pytest", *map(str, config.invocation_params.args)])
    told = {**_project(config), "lacking": config.stash.get(LACKING, {})}
    recording.evidence("project", {**told, "command": words})
    config.stash[RECORDING] = recording


def _feature_files(config: pytest.Config) -> list[Path]:
    """Return the feature files where the project keeps its tests."""
    own = [config.rootpath / name for name in config.getini("testpaths")]
    folders = config.stash.get(FOLDERS, own)
    return sorted(file for folder in folders for file in folder.rglob("*.feature"))


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
    return told_of(reporting(config).project)


def told_of(root: Path) -> dict[str, Any]:
    """Return what the record tells of a project: its name, and what is demanded of it."""
    try:
        name = project_name(root)
    except DeployError:
        name = root.resolve().name
    try:
        return {"name": name, "requirements": requirements_of(root)}
    except DeployError:
        return {"name": name, "requirements": {}}


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
    if static := session.config.stash.get(STATIC, None):
        redact = session.config.stash[REDACT]
        messages.append(Attachments(place.record.parent, redact).evidence(standing.STATIC, static))
    stopped = str(session.shouldfail or session.shouldstop or "")
    messages.append(verdict(messages, exitstatus, interrupted=interrupted, stopped=stopped))
    replace(place.record, [dump(message) for message in messages])
    for part in worker_parts(place.record).values():
        part.unlink()
    session.config.stash[RECORDED] = place, messages
    with contextlib.suppress(OSError):  # what cannot be removed is in nobody's way
        sweep(place.record)
