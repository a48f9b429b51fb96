"""A shop whose scenarios end in every way that there is, and a look at what was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cucumber_messages import _messages
from cucumber_messages.json_converter import JsonDataclassConverter

from harness.record.reading import read_part
from harness.report.model import Run, Scenario
from harness.report.reader import read_run

ROOT = Path(__file__).parents[1]

FEATURES = {
    "selling": """\
@FR-1
Feature: Selling
  As a customer.

  Background:
    Given a shop

  Scenario: A sale
    When somebody pays 3 coins
    Then it sells

  Scenario Outline: The price of <thing>
    Then <thing> costs <price> coins

    Examples:
      | thing | price |
      | tea   | 2     |
      | cake  | 3     |

  Rule: Nobody is served twice

    Scenario: Things in a table
      Then these are there
        | thing | count |
        | tea   | 3     |
""",
    "buying": """\
@FR-2
Feature: Buying

  Scenario: It fails
    Given a shop
    When nobody comes
    Then it sells

  Scenario: It is pending
    Given a shop
    When it is not done yet
    Then it sells

  Scenario: A condition
    Given a counter
    Then it sells

  @extended
  Scenario: A long one
    Given a shop
    Then it sells
""",
}
STEPS = """\
import os, time, pytest
from pytest_bdd import given, when, then, parsers
from harness.errors import DeployError, Fault

class NobodyError(DeployError):
    fault = Fault.PROJECT

@pytest.fixture(scope="session")
def town():
    time.sleep(0.05)
    yield
    time.sleep(0.03)

@pytest.fixture
def till(town):
    yield "till"
    time.sleep(0.02)

@pytest.fixture
def absent():
    pytest.skip("there is no counter")

@given("a shop")
def shop(town): ...

@given("a counter")
def counter(absent): ...

@when(parsers.parse("somebody pays {n:d} coins"))
def pays(till, n):
    time.sleep(0.02)

@when("nobody comes")
def nobody(): raise NobodyError(needed="a customer", seen="nobody", looked="l", fix="f")

@when("it is not done yet")
def not_yet(): pytest.xfail("to be done")

@then("it sells")
def sells(): ...

@then(parsers.parse("{thing} costs {price:d} coins"))
def costs(thing, price): ...

@then("these are there")
def there(datatable): assert datatable[1] == ["tea", "3"]
"""
PLUGINS = ["options", "console", "features", "traceability", "failures", "summary"]
PLUGINS += ["record", "record_scenarios", "history", "verdict", "report", "story", "signals"]
INI = f"""\
[pytest]
pythonpath = {ROOT}
testpaths = features
addopts = -p no:pytest-kind -p no:helm-charts -p no:anyio -p no:randomly --strict-markers
markers =
    deploy: x
    requirement(id): x
"""


def make_shop(pytester: pytest.Pytester, project_dir: Path, features: dict[str, str]) -> None:
    """Put the shop into the folder of a test."""
    for item in project_dir.iterdir():
        item.rename(pytester.path / item.name)
    (pytester.path / "features").mkdir()
    for name, text in features.items():
        (pytester.path / "features" / f"{name}.feature").write_text(text)
    # The plugin that asks for every sentence's definition is left out: one may be missing here.
    plugins = [f"plugin.{name}" for name in PLUGINS]
    pytester.makeconftest(f"pytest_plugins = {[*plugins, 'fixtures.evidence']!r}\n{STEPS}")
    pytester.makeini(INI)


def record_of(folder: Path) -> list[dict[str, Any]]:
    """Return the messages of a run; all of them can be read."""
    part = read_part(folder / ".deploy" / "messages.ndjson")
    assert not part.problems
    return part.messages


def run_of(folder: Path) -> Run:
    """Return what a run's record tells."""
    return read_run(record_of(folder))


def named(run: Run, name: str) -> Scenario:
    """Return the scenario of a name."""
    (found,) = (scenario for scenario in run.scenarios if scenario.name == name)
    return found


def statuses(scenario: Scenario) -> list[str]:
    """Return the status of each sentence."""
    return [step.status for step in scenario.steps if not step.hook]


def assert_valid(messages: list[dict[str, Any]]) -> None:
    """Check each message by the official package, and that each refers to what came before."""
    converter = JsonDataclassConverter(_messages)
    for message in messages:
        typed = converter.from_dict(message, _messages.Envelope)
        again = converter.to_dict(typed)
        assert json.dumps(again, sort_keys=True) == json.dumps(message, sort_keys=True)
    _assert_in_order(messages)


def _assert_in_order(messages: list[dict[str, Any]]) -> None:
    known: dict[str, set[str]] = {}

    def know(kind: str, name: str) -> None:
        assert name not in known.setdefault(kind, set()), f"{kind} {name} twice"
        known[kind].add(name)

    ended: set[str] = set()
    for message in messages:
        ((kind, told),) = message.items()
        match kind:
            case "pickle":
                know("pickle", told["id"])
                assert told["uri"] in known["document"]
            case "gherkinDocument":
                know("document", told["uri"])
            case "hook" | "stepDefinition":
                know(kind, told["id"])
            case "testCase":
                know("case", told["id"])
                assert told["pickleId"] in known["pickle"]
                for step in told["testSteps"]:
                    know("step", step["id"])
                    assert step.get("hookId") is None or step["hookId"] in known["hook"]
                    assert set(step.get("stepDefinitionIds") or ()) <= known["stepDefinition"]
            case "testCaseStarted":
                know("attempt", told["id"])
                assert told["testCaseId"] in known["case"]
            case "testStepStarted":
                assert told["testCaseStartedId"] in known["attempt"] - ended
                know("begun", told["testCaseStartedId"] + told["testStepId"])
                assert told["testStepId"] in known["step"]
            case "testStepFinished":
                place = told["testCaseStartedId"] + told["testStepId"]
                assert place in known["begun"]
                know("done", place)
            case "testCaseFinished":
                know("end", told["testCaseStartedId"])
                ended.add(told["testCaseStartedId"])
            case "testRunHookStarted":
                know("run hook", told["id"])
                assert told["hookId"] in known["hook"]
            case "testRunHookFinished":
                know("run hook end", told["testRunHookStartedId"])
                assert told["testRunHookStartedId"] in known["run hook"]
    assert "testRunFinished" in messages[-1], "the last message is not the end of the run"
    assert known.get("attempt", set()) == ended, "an attempt without an end"
    assert known.get("begun") == known.get("done"), "a step without an end"
