"""`--deploy-plan`: what a run would do is found out and told, and none of it is done."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.skipping import evaluate_skip_marks
from pytest_bdd.steps import StepFunctionContext

from harness.early_settings import Planning
from harness.errors import DeployError
from harness.settings import Settings
from plugin.binding import definitions_for, scenarios_of
from plugin.bindings import Bindings
from plugin.changed import TOLD
from plugin.console import CONSOLE, REDACT
from plugin.features import MARKS
from plugin.options import given, load_settings
from plugin.record import reporting

if TYPE_CHECKING:
    from harness.plan.model import Plan, PlannedScenario
    from harness.record.messages import Message

PLANNING = pytest.StashKey[Planning]()
_PROCESSES = pytest.StashKey[int]()
_LEFT_OUT = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """See whether a plan is wanted. One process makes it, however many would run."""
    if hasattr(config, "workerinput"):
        return
    try:
        planning = Planning.load(given(config), os.environ, config.rootpath)
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None
    if planning.wanted:
        config.stash[PLANNING], config.stash[_LEFT_OUT] = planning, 0
        config.stash[_PROCESSES] = int(config.getoption("numprocesses", None) or 1)
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse settings that no run could begin with, before anything is collected."""
    if PLANNING in session.config.stash:
        from harness.plan.making import check

        try:
            for settings in _settings(session.config):
                check(settings)
        except DeployError as error:
            raise pytest.UsageError(f"\n{error}") from None


def pytest_deselected(
    items: list[pytest.Item],
) -> None:
    """Count what was not selected."""
    if items and PLANNING in items[0].config.stash:
        items[0].config.stash[_LEFT_OUT] += len(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell the plan of what was collected, and leave nothing to be run."""
    config = session.config
    if PLANNING not in config.stash or session.testsfailed:
        return  # a run would end at what could not be collected, and this one does
    try:
        plan = _plan(session)
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None
    from harness.plan.telling import told

    console = config.stash[CONSOLE]
    console.line("")
    for line, style in told(plan, brief=config.get_verbosity() < 0):
        console.line(line, style)
    if file := config.stash[PLANNING].file:
        console.line("")
        _write(plan, file, config)
    session.items = []  # not emptied: what was collected is counted by its list


def _plan(session: pytest.Session) -> Plan:
    from harness.cache import Cache
    from harness.plan.making import Asked, make_plan
    from harness.plan.times import measured

    config = session.config
    every = list(_settings(config))
    reader = _Reader(session, every[0])
    scenarios = tuple(reader.scenarios())
    notes: list[str] = config.stash.get(TOLD, [])
    asked = Asked(
        scenarios=scenarios,
        others=len(session.items) - len(scenarios),
        left_out=config.stash[_LEFT_OUT],
        notes=tuple(notes),
    )
    wanted = reporting(config)
    times = measured(wanted.folder, wanted.history, wanted.cluster)
    return make_plan(every, asked, Cache.default(os.environ), times, config.stash[REDACT])


def _settings(config: pytest.Config) -> Iterator[Settings]:
    """Yield the settings of each process that would run."""
    yield (first := load_settings(config))
    for slot in range(1, config.stash[_PROCESSES]):
        yield Settings.load(
            given(config), dict(os.environ), config.rootpath, slot=slot, run=first.run
        )


def _write(plan: Plan, file: Path, config: pytest.Config) -> None:
    text = json.dumps(_redacted(plan.told(), config), indent=2) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise pytest.UsageError(f"the plan cannot be written to {file}: {error}") from None
    config.stash[CONSOLE].line(f"written to {file}")


def _redacted(part: Any, config: pytest.Config) -> Any:
    """Return what goes to a file without secrets, text by text."""
    if isinstance(part, str):
        return config.stash[REDACT](part)
    if isinstance(part, dict):
        return {key: _redacted(value, config) for key, value in part.items()}
    return [_redacted(item, config) for item in part] if isinstance(part, list | tuple) else part


class _Reader:
    """Reads from pytest's items what a plan says of scenarios."""

    def __init__(self, session: pytest.Session, settings: Settings) -> None:
        self._items, self._settings = session.items, settings
        self._manager: Any = session._fixturemanager
        self._bindings = Bindings(session.config.rootpath)
        self._definitions: dict[pytest.Collector | None, list[StepFunctionContext]] = {}

    def scenarios(self) -> Iterator[PlannedScenario]:
        """Yield the scenarios, in their order."""
        for item in self._items:
            if found := self._bindings.pickle(item):
                document, pickle = found
                feature = document.messages[1]["gherkinDocument"]["feature"]
                yield self._scenario(item, str(feature["name"]), document.uri, pickle)

    def _scenario(
        self, item: pytest.Item, feature: str, uri: str, pickle: Message
    ) -> PlannedScenario:
        from harness.plan.foresight import foreseen
        from harness.plan.making import CLUSTER, IMAGES, PROJECT
        from harness.plan.model import PlannedScenario

        marked = evaluate_skip_marks(item)
        tags = [str(tag["name"]).removeprefix("@") for tag in pickle.get("tags") or ()]
        functions, fixtures = self._closure(item)
        reasons = (foreseen(function, self._settings) for function in functions)
        needs = PROJECT if item.get_closest_marker("static") else IMAGES
        return PlannedScenario(
            id=item.nodeid,
            uri=uri,
            feature=feature,
            name=str(pickle["name"]),
            requirements=tuple(tag for tag in dict.fromkeys(tags) if tag not in MARKS),
            needs=CLUSTER if item.get_closest_marker("cluster") else needs,
            skipped=marked.reason if marked else next(filter(None, reasons), ""),
            untouched=marked is not None,
            selected_by=tuple(
                str(value) for name, value in item.user_properties if name == "selected by"
            ),
            uses=frozenset(fixtures),
        )

    def _closure(self, item: pytest.Item) -> tuple[list[Any], set[str]]:
        """Return the functions of a scenario's sentences and fixtures, and the fixtures' names."""
        if item.parent not in self._definitions:
            self._definitions[item.parent] = list(definitions_for(item))
        left = [
            context.step_func
            for told in scenarios_of(item)
            for step in told.steps
            for context in self._definitions[item.parent]
            if context.type in (None, step.type) and context.parser.is_matching(step.name)
        ]
        functions: list[Any] = []
        names: set[str] = set()
        while left:
            function = left.pop(0)
            functions.append(function)
            for name in inspect.signature(function).parameters:
                if name not in names:
                    names.add(name)
                    fixtures = self._manager.getfixturedefs(name, item) or ()
                    left += [fixture.func for fixture in fixtures]
        return functions, names
