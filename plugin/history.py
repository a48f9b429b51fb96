"""A run in the history of runs: what its sources are when it begins, what it came to in the end."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.early_settings import Reporting
from harness.errors import DeployError
from harness.history.model import Source
from harness.history.source import source_of
from harness.project_file import read_project_file
from plugin.record import PLACE, RECORDED, reporting
from plugin.summary import remember

SOURCE = pytest.StashKey[Source]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Note what the sources are before anybody has the time to change them."""
    config = session.config
    if config.option.collectonly or hasattr(config, "workerinput"):
        return
    # With xdist the leading process collects nothing; it has claimed a place for the record.
    scenarios = any(item.get_closest_marker("deploy") for item in session.items)
    wanted = reporting(config)
    if wanted.record and wanted.history and (scenarios or PLACE in config.stash):
        config.stash[SOURCE] = _source(wanted)


def _source(wanted: Reporting) -> Source:
    written = (wanted.folder, wanted.history, wanted.page)
    return source_of(wanted.project, [path for path in written if path])


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    """Keep the run, once its record is whole and before its page is made."""
    try:
        return (yield)
    finally:
        config = session.config
        if SOURCE in config.stash and RECORDED in config.stash:
            try:
                _keep(config, int(exitstatus))
            except DeployError as error:
                remember(config, "history", f"not added to: {error.headline}\n({error.looked})")
            except Exception as error:  # what a run came to does not hang on what is kept of it
                remember(config, "history", f"not added to: {type(error).__name__}: {error}")


def _keep(config: pytest.Config, exitstatus: int) -> None:
    from harness.history.history import History
    from harness.history.taking import entry_of

    wanted = reporting(config)
    assert wanted.history is not None
    begun, now = config.stash[SOURCE], _source(wanted)
    # What ran was of both: it is like no other run.
    source = begun if begun.tree == now.tree else Source(begun.commit, begun.dirty)
    entry = entry_of(
        config.stash[RECORDED][1],
        exit_status=exitstatus,
        source=source,
        chart=_chart_version(wanted.project),
        provider=wanted.cluster,
        whole=bool(config.getini("testpaths")),
    )
    if entry is None:
        return
    with History.open(wanted.history) as history:
        number = history.add(entry)
    remember(config, "history", f"run {number} in {_shown(wanted.history)}")


def _chart_version(project: Path) -> str:
    from harness.helm.chart import check_chart

    try:
        chart = read_project_file(project).get("chart") or {}
        return check_chart(project / str(chart.get("path"))).version
    except (DeployError, OSError, AttributeError):
        return ""


def _shown(path: Path) -> str:
    """Return a path as it is typed from here, where that is shorter."""
    try:
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    except OSError:
        return str(path)
