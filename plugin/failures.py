"""How a failure reads: its cause first, without the way through our own code."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from harness.errors import DeployError
from plugin.console import REDACT

_SEEN = pytest.StashKey[dict[int, str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the four parts of an error, once; where it strikes again, point there."""
    report = yield
    redact = item.config.stash[REDACT]
    if call.excinfo is not None and isinstance(call.excinfo.value, DeployError):
        error = call.excinfo.value
        seen = item.config.stash.setdefault(_SEEN, {})
        first = seen.setdefault(id(error), item.nodeid)
        text = str(error) if first == item.nodeid else f"{error.headline}\n(as in {first})"
        report.longrepr = f"{_step_of(item)}{redact(text)}"
    elif isinstance(report.longrepr, str):
        report.longrepr = redact(report.longrepr)
    elif call.excinfo is not None and item.get_closest_marker("deploy") and not report.skipped:
        report.longrepr = f"{_step_of(item)}{redact(str(report.longrepr))}"
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


_STEP = pytest.StashKey[str]()


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    """Remember the sentence at work, so that a failure can name it."""
    request.node.stash[_STEP] = f"{step.keyword} {step.name}"


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Forget it again."""
    request.node.stash[_STEP] = ""


def _step_of(item: pytest.Item) -> str:
    step = item.stash.get(_STEP, "")
    return f"step:   {step}\n" if step else ""
