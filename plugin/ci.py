"""In a job of GitHub Actions or GitLab CI: sections, messages beside the files, a summary."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.ci.service import GitLab, Service, detect
from harness.errors import DeployError
from harness.project_file import read_project_file
from plugin.changed import TOLD
from plugin.console import CONSOLE
from plugin.record import RECORDED, reporting

if TYPE_CHECKING:
    from harness.ci.places import Folders
    from harness.report.model import Run

SERVICE = pytest.StashKey[Service]()
#: Where GitLab takes messages beside the files from.
QUALITY = "gl-code-quality-report.json"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """See whether such a job runs us; it is told about by the process that leads."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        artifacts = reporting(config).folder
        if service := detect(os.environ, artifacts):
            config.stash[SERVICE] = service
            config.pluginmanager.register(Sections(config, service))


class Sections:
    """Folds the log: a section for each feature file, where one is run after the other."""

    def __init__(self, config: pytest.Config, service: Service) -> None:
        self._config, self._service = config, service
        self._file = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Begin, before anything of unknown origin is printed."""
        self._write(self._service.begin())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a section before the first test of a file."""
        file = nodeid.partition("::")[0]
        if file != self._file and not self._config.getoption("numprocesses", None):
            self._file = file
            self._write(self._service.group(file))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the last section: what is said from here on is not folded."""
        self._write(self._service.end_group())

    def _write(self, lines: list[str]) -> None:
        for line in lines:
            self._config.stash[CONSOLE].command(line)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(config: pytest.Config) -> None:
    """Write messages and summary. Whatever goes wrong with that changes nothing of the run."""
    service = config.stash.get(SERVICE, None)
    if service is None:
        return
    console = config.stash[CONSOLE]
    try:
        for line in _tell(config, service):
            console.command(line)
    except Exception as error:
        console.line(f"nothing could be told {service.name}: {type(error).__name__}: {error}")


def _tell(config: pytest.Config, service: Service) -> list[str]:
    notes = config.stash.get(TOLD, [])
    if RECORDED not in config.stash:
        if notes and service.summary:
            from harness.ci.markdown import block, inline

            _append(service.summary, f"## {inline(notes[0])}\n\n{block(chr(10).join(notes))}\n")
        return []
    from harness.ci.places import annotated
    from harness.ci.quality import quality_report
    from harness.ci.summary import summary
    from harness.report.reader import read_run

    run = read_run(config.stash[RECORDED][1])
    if service.summary:
        _append(service.summary, summary(run, _title(config, run), notes))
    found = annotated(run, _folders(config, service))
    if isinstance(service, GitLab):
        (reporting(config).folder / QUALITY).write_text(quality_report(found), encoding="utf-8")
    return service.annotate(found)


def _title(config: pytest.Config, run: Run) -> str:
    name = str((run.last("project") or {}).get("name") or "")
    cluster = config.getoption("deploy_cluster") or os.environ.get("DEPLOY_CLUSTER", "")
    return f"{name} on {cluster}" if cluster else name


def _folders(config: pytest.Config, service: Service) -> Folders:
    from harness.ci.places import Folders

    project, repository = reporting(config).project, service.repository
    if repository and not config.rootpath.resolve().is_relative_to(repository.resolve()):
        repository = None  # the job works on another checkout
    try:
        told = read_project_file(project).get("chart") or {}
    except DeployError:
        told = {}
    chart = project / str(told["path"]) if "path" in told else None
    return Folders(config.rootpath, chart, repository)


def _append(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as summary:
        summary.write(text + "\n")
