"""How a failure reads: its cause first, without the way through our own code."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import DeployError
from plugin.console import REDACT

if TYPE_CHECKING:
    from harness.diagnosis import Written

#: Writes down what there is to see, for a failure of this name; there with a release.
DIAGNOSE = pytest.StashKey[Callable[[str, BaseException], "Written | None"]]()
_SEEN = pytest.StashKey[dict[int, str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the four parts of an error, once; where it strikes again, point there."""
    report = yield
    redact = item.config.stash[REDACT]
    # Before anything is torn down, and before anything is shown: it learns secrets.
    note = _diagnosis(item, call.excinfo.value) if call.excinfo and report.failed else ""
    if call.excinfo is not None and isinstance(call.excinfo.value, DeployError):
        error = call.excinfo.value
        seen = item.config.stash.setdefault(_SEEN, {})
        first = seen.setdefault(id(error), item.nodeid)
        text = str(error) if first == item.nodeid else f"{error.headline}\n(as in {first})"
        report.longrepr = f"{_step_of(item)}{redact(text)}"
    elif call.excinfo is not None and item.get_closest_marker("deploy") and report.failed:
        told = _brief(item, call.excinfo)
        report.longrepr = f"{_step_of(item)}{redact(told or str(report.longrepr))}"
    else:
        report.longrepr = _redacted(report.longrepr, redact)
    if note:
        report.longrepr = f"{report.longrepr}\n{redact(note)}"
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


def _diagnosis(item: pytest.Item, error: BaseException) -> str:
    """Have the owner of the release write down what there is to see; return a note of it.

    Whatever goes wrong with that is a note, too: what failed first is what counts.
    """
    diagnose = item.config.stash.get(DIAGNOSE, None)
    if diagnose is None or not item.get_closest_marker("deploy"):
        return ""
    if id(error) in item.config.stash.get(_SEEN, {}):
        return ""  # it has struck before
    try:
        written = diagnose(re.sub(r"[^\w.-]+", "_", item.name)[:100], error)
    except Exception as failure:
        return f"note:   no diagnosis could be written: {type(failure).__name__}: {failure}"
    if written is None:
        return ""
    lines = [f"note:   {written.note()}"]
    if written.cause and not isinstance(error, DeployError):
        lines.insert(0, f"cause?  {written.cause}")
    return "\n".join(lines)


def _redacted(shown: Any, redact: Callable[[str], str]) -> Any:
    """Return what a report shows without secrets; as it is when it holds none."""
    if isinstance(shown, tuple):  # a skip: file, line, reason
        return tuple(redact(part) if isinstance(part, str) else part for part in shown)
    text = str(shown)
    clean = redact(text)
    return shown if shown is None or clean == text else clean


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
