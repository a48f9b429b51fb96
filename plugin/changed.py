"""`--deploy-changed=BASE`: only what a change can affect is run, and it is said why."""

from __future__ import annotations

import inspect
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.compat import get_fixture_names
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

import harness
import plugin
from harness.changes.effects import Effect, Layout, Scenario, Selection, select, words_of
from harness.changes.files import changed_files
from harness.changes.imports import Imports, is_everywhere
from harness.early_settings import changed_since, project_folder
from harness.errors import DeployError
from harness.project_file import FILE_NAME, read_project_file
from plugin.binding import definitions_for, scenarios_of
from plugin.options import given

#: The revision that was compared with, and the files that differ from it.
CHANGED = pytest.StashKey[tuple[str, list[Path]]]()
#: What that has selected, once the features are collected; the lines that tell it.
TOLD = pytest.StashKey[list[str]]()
#: Whether nothing is left to be run because nothing is affected.
NOTHING = pytest.StashKey[bool]()
# What every scenario depends on, in ways that no import tells.
_MECHANISMS = tuple(Path(str(package.__file__)).resolve().parent for package in (harness, plugin))
_MOST = 30  # files that are told one by one, unless more is asked for
_HANDED_ON, _HANDED_BACK = "deploy_changed", "deploy_changed_told"


def pytest_configure(config: pytest.Config) -> None:
    """Find out what has changed, once for all processes of a run, before anything else."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    if _HANDED_ON in worker:
        base, files = json.loads(worker[_HANDED_ON])
        config.stash[CHANGED] = base, [Path(file) for file in files]
    elif not worker and (base := changed_since(given(config), os.environ)):
        try:
            config.stash[CHANGED] = base, changed_files(base, _project(config))
        except DeployError as error:
            raise pytest.UsageError(f"\n{error}") from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Have a worker of xdist choose by the same files."""
    if found := node.config.stash.get(CHANGED, None):
        node.workerinput[_HANDED_ON] = json.dumps([found[0], [str(file) for file in found[1]]])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the scenarios that no changed file can affect; other tests stay."""
    found = config.stash.get(CHANGED, None)
    if found is None:
        return
    scenarios = [item for item in items if any(scenarios_of(item))]
    if not scenarios:
        return
    reader = _Reader(scenarios[0].session, config)
    try:
        layout = reader.layout(scenarios[0])
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None
    selection = select(found[1], [reader.scenario(item) for item in scenarios], layout)
    left = [item for item in scenarios if item.nodeid not in selection.reasons]
    for item in scenarios:
        for reason in selection.reasons.get(item.nodeid, ()):
            item.user_properties.append(("selected by", reason))
    if left:
        config.hook.pytest_deselected(items=left)
        gone = set(left)
        items[:] = [item for item in items if item not in gone]
    config.stash[TOLD] = list(
        _told(found[0], selection, len(scenarios), verbose=config.get_verbosity() > 0)
    )
    config.stash[NOTHING] = not items


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what was selected, and why."""
    return config.stash.get(TOLD, [])


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Any:
    """Hand back what a worker selected; a run with nothing to do has ended well."""
    result = yield
    config = session.config
    if (output := getattr(config, "workeroutput", None)) is not None:
        output[_HANDED_BACK] = config.stash.get(TOLD, []), config.stash.get(NOTHING, False)
    elif (
        config.stash.get(NOTHING, False)
        and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    ):
        session.exitstatus = pytest.ExitCode.OK
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker selected: each of them has selected the same."""
    told, nothing = (getattr(node, "workeroutput", None) or {}).get(_HANDED_BACK, ([], False))
    if told:
        node.config.stash[TOLD], node.config.stash[NOTHING] = told, nothing


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say it at the end where nobody could say it before, or where nothing was run."""
    if config.stash.get(TOLD, None) and (
        config.getoption("numprocesses", None) or config.stash.get(NOTHING, False)
    ):
        terminalreporter.section("changed")
        for line in config.stash[TOLD]:
            terminalreporter.write_line(line)


def _told(base: str, selection: Selection, total: int, *, verbose: bool) -> Iterator[str]:
    effects, chosen = selection.effects, len(selection.reasons)
    files = f"{len(effects)} file{'' if len(effects) == 1 else 's'} changed since {base}"
    yield f"{files}: {chosen or 'none'} of {total} scenarios can be affected"
    if verbose or len(effects) <= _MOST:
        yield from (f"  {effect.file} -> {_what(effect)}" for effect in effects)
    else:
        groups = Counter((effect.file.partition("/")[0], _what(effect)) for effect in effects)
        for (top, what), count in groups.items():
            yield f"  {top} ({count} file{'' if count == 1 else 's'}) -> {what}"
    if not chosen:
        yield "no scenario is run: this proves nothing about the application"
    if verbose:
        for name, reasons in selection.reasons.items():
            yield f"  {name} <- {'; '.join(reasons)}"


def _what(effect: Effect) -> str:
    return f"{effect.selected or 'none'}: {effect.reason}"


def _project(config: pytest.Config) -> Path:
    return project_folder(given(config), os.environ, config.rootpath).resolve()


class _Reader:
    """Reads from pytest's items what they depend on."""

    def __init__(self, session: pytest.Session, config: pytest.Config) -> None:
        self._manager: Any = session._fixturemanager
        self._root = config.rootpath.resolve()
        self._project = _project(config)
        self._imports = Imports(self._root, _MECHANISMS)
        self._definitions: dict[pytest.Collector | None, list[StepFunctionContext]] = {}
        self._loaded: frozenset[Path] = frozenset()

    def layout(self, item: pytest.Item) -> Layout:
        """Return where the project's parts are. Raises what `read_project_file` does."""
        told = read_project_file(self._project)
        images = told.get("images") or {}
        roles = told.get("services") or {}
        loaded = self._loaded = frozenset(
            file
            for name in get_fixture_names(self._manager)
            for fixture in self._manager.getfixturedefs(name, item) or ()
            for file in self._files(fixture.func)
        )
        return Layout(
            root=self._root,
            description=self._project / FILE_NAME,
            chart=(self._project / str((told.get("chart") or {}).get("path", "."))).resolve(),
            images={
                name: (self._project / str(image.get("context", "."))).resolve()
                for name, image in images.items()
            },
            names={
                name: words_of(name, str(image.get("repository", name)))
                | words_of(*(role for role, its in roles.items() if its.get("image") == name))
                for name, image in images.items()
            },
            modules=loaded,
            everywhere=frozenset(file for file in loaded if is_everywhere(file)),
        )

    def scenario(self, item: pytest.Item) -> Scenario:
        """Return what of an item says what it depends on."""
        (told,) = scenarios_of(item)
        if item.parent not in self._definitions:
            self._definitions[item.parent] = list(definitions_for(item))
        functions = [
            context.step_func
            for step in told.steps
            for context in self._definitions[item.parent]
            if context.type in (None, step.type) and context.parser.is_matching(step.name)
        ]
        feature = told.feature
        sentences = [step.name for step in told.steps]
        return Scenario(
            id=item.nodeid,
            feature=Path(feature.filename).resolve(),
            static=item.get_closest_marker("static") is not None,
            cluster=item.get_closest_marker("cluster") is not None,
            words=words_of(feature.name or "", feature.description, told.name, *sentences),
            modules=frozenset(self._closure(functions, item)),
        )

    def _closure(self, functions: list[Any], item: pytest.Item) -> Iterator[Path]:
        """Yield the files of some functions, and of the fixtures that these ask for."""
        seen: set[str] = set()
        left = list(functions)
        while left:
            function = left.pop()
            yield from self._files(function)
            if "getfixturevalue" in _names(function):
                yield from self._loaded  # it may ask for any
            for name in inspect.signature(function).parameters:
                if name not in seen:
                    seen.add(name)
                    fixtures = self._manager.getfixturedefs(name, item) or ()
                    left += [fixture.func for fixture in fixtures]

    def _files(self, function: Any) -> frozenset[Path]:
        """Return the file of a function, and what of the project it imports."""
        if context := step_function_context_registry.get(function):
            function = context.step_func
        code = getattr(inspect.unwrap(function), "__code__", None)
        file = Path(code.co_filename).resolve() if code else None
        if file is None or not file.is_relative_to(self._root) or ".venv" in file.parts:
            return frozenset()
        return frozenset(
            found for found in self._imports.closure(file) if found.name != "__init__.py"
        )


def _names(function: Any) -> tuple[str, ...]:
    """Return the names that a function uses."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_names if code else ()
