"""Every sentence has exactly one definition, before anything is built.

pytest-bdd finds a missing definition only when the scenario gets there, lets the last of
two win silently, and takes an `async def` for a step that passed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd.compat import get_fixture_names, getfixturedefs
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from harness.errors import DeployError, Fault

if TYPE_CHECKING:
    from pytest_bdd.parser import Scenario, Step


class StepsUnboundError(DeployError):
    """Some sentences cannot be carried out as they stand."""

    fault = Fault.INPUT

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            needed="exactly one definition for each sentence",
            seen="\n".join(problems),
            looked="the feature files and the step definitions that are loaded",
            fix="define the sentence in steps/, load its module in conftest.py, or reword it",
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End the run as a usage error when a selected scenario could not be carried out."""
    problems = list(dict.fromkeys(_problems(items)))
    if problems:
        raise pytest.UsageError(f"\n{StepsUnboundError(problems)}")


def _problems(items: Iterable[pytest.Item]) -> Iterator[str]:
    definitions: dict[pytest.Collector | None, list[StepFunctionContext]] = {}
    for item in items:
        for scenario in scenarios_of(item):
            if item.parent not in definitions:
                definitions[item.parent] = list(definitions_for(item))
            for step in scenario.steps:
                yield from _problems_of(scenario, step, definitions[item.parent])


def definitions_for(item: pytest.Item) -> Iterator[StepFunctionContext]:
    """Yield the definitions that an item sees: the same for each item of a file.

    As pytest-bdd finds them, but once for all sentences: it goes through all fixtures of a
    run for each, which takes longer than all else that collecting does.
    """
    manager: Any = item.session._fixturemanager
    for name in get_fixture_names(manager):
        for fixture in getfixturedefs(manager, name, item) or ():
            if context := step_function_context_registry.get(fixture.func):
                yield context


def scenarios_of(item: pytest.Item) -> Iterator[Scenario]:
    """Yield the scenario of a test, with its example filled in; none for other tests."""
    function = getattr(item, "obj", None)
    template = (
        scenario_wrapper_template_registry.get(function) if inspect.isfunction(function) else None
    )
    if template is not None:
        callspec = getattr(item, "callspec", None)
        yield template.render(callspec.params.get("_pytest_bdd_example", {}) if callspec else {})


def _problems_of(
    scenario: Scenario, step: Step, definitions: list[StepFunctionContext]
) -> Iterator[str]:
    found = [
        context
        for context in definitions
        if context.type in (None, step.type) and context.parser.is_matching(step.name)
    ]
    where = f"{_where(scenario, step.line_number)}: {step.keyword} {step.name}"
    if not found:
        yield f"{where}: no definition"
    functions = dict.fromkeys(context.step_func for context in found)
    if len(functions) > 1:
        names = ", ".join(f"{f.__module__}.{f.__qualname__}" for f in functions)
        yield f"{where}: {len(functions)} definitions: {names}"
    for function in functions:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            yield f"{where}: {function.__qualname__} is async, which would never run"


def _where(scenario: Scenario, line: int) -> str:
    return f"{scenario.feature.rel_filename}:{line}"
