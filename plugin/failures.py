"""How a failure reads: its cause first, without the way through our own code."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DeployError
from plugin.console import REDACT

#: Writes down what the cluster tells, for a failure of this name; there with a release.
DIAGNOSE = pytest.StashKey[Callable[[str], Path]]()
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
    elif call.excinfo is not None and item.get_closest_marker("deploy") and report.failed:
        told = _brief(item, call.excinfo)
        report.longrepr = f"{_step_of(item)}{redact(told or str(report.longrepr))}"
    elif isinstance(report.longrepr, str):
        report.longrepr = redact(report.longrepr)
    if (
        report.failed
        and report.when == "call"
        and (diagnose := item.config.stash.get(DIAGNOSE, None))
    ):
        folder = diagnose(re.sub(r"[^\w.-]+", "_", item.name)[:100])
        report.longrepr = f"{report.longrepr}\nnote:   what the cluster tells is in {folder}"
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


def _brief(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return the error and the line of the step; all of the way there with -vv."""
    if item.config.get_verbosity() >= 2:
        return ""
    here = [
        entry
        for entry in excinfo.traceback
        if Path(entry.path).parent.name in ("steps", "fixtures", "harness")
    ]
    if not here:
        return ""
    said = excinfo.exconly(tryshort=True).strip()
    places = "\n".join(f"at      {Path(e.path).name}:{e.lineno + 1} in {e.name}" for e in here[-2:])
    return f"seen:   {said}\n{places}"


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
