"""What is said at the end: each requirement, where the application is, where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from plugin.console import PROGRESS

if TYPE_CHECKING:
    from harness.report.requirements import Requirement

FACTS = pytest.StashKey[dict[str, str]]()
_HANDED_ON, _TIMINGS = "deploy_facts", "deploy_timings"
_SIGNS = {"proven": "✓", "failed": "✕", "partly proven": "-", "not run": "○", "no scenario": "?"}
_COLOURS = {"proven": "green", "failed": "red", "partly proven": "yellow"}


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing to say."""
    config.stash[FACTS] = {}


def remember(config: pytest.Config, name: str, value: str) -> None:
    """Add a line to the end of the run, such as the address of the application."""
    config.stash[FACTS][name] = value


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Any:
    """Hand on from a worker of xdist what only it knows."""
    result = yield
    config = session.config
    if (output := getattr(config, "workeroutput", None)) is not None:
        output[_HANDED_ON] = config.stash[FACTS]
        output[_TIMINGS] = config.stash[PROGRESS].timings
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker hands on, under its name."""
    output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
    worker = node.gateway.id
    for name, value in output.get(_HANDED_ON, {}).items():
        remember(node.config, f"{name} {worker}", value)
    timings = [(f"{name} ({worker})", seconds) for name, seconds in output.get(_TIMINGS, ())]
    node.config.stash[PROGRESS].timings += timings


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write how each requirement stands, the deployment's facts and its longest steps."""
    try:
        _write_requirements(terminalreporter, config)
    except Exception as error:  # what a run came to does not hang on how it is summed up
        remember(config, "requirements", f"not summed up: {type(error).__name__}: {error}")
    facts, progress = config.stash[FACTS], config.stash[PROGRESS]
    if not facts and not progress.timings:
        return
    terminalreporter.section("deployment")
    width = max(map(len, (*facts, "longest steps")))
    for name, value in sorted(facts.items()):
        terminalreporter.write_line(f"{name:<{width}} {value}")
    slowest = sorted(progress.timings, key=lambda timing: -timing[1])[:5]
    if slowest:
        told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest)
        terminalreporter.write_line(f"{'longest steps':<{width}} {told}")


def _write_requirements(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write a line for each requirement that the run was asked for; with -q those not proven."""
    from plugin.record import RECORDED

    recorded = config.stash.get(RECORDED, None)
    if recorded is None:
        return
    from harness.report.reader import read_run
    from harness.report.requirements import PROVEN, proven_by

    run = read_run(recorded[1])
    told = (run.last("project") or {}).get("requirements") or {}
    asked = [r for r in proven_by(told, run.scenarios) if r.selected]
    if not asked:
        return
    reporter.section("requirements")
    proven = sum(requirement.status == PROVEN for requirement in asked)
    quiet = config.get_verbosity() < 0
    for requirement in asked:
        if not quiet or requirement.status != PROVEN:
            _write_requirement(reporter, requirement)
    left = f"; {len(told) - len(asked)} were not asked for" if len(told) > len(asked) else ""
    reporter.write_line(f"{proven} of {len(asked)} proven{left}")


def _write_requirement(reporter: pytest.TerminalReporter, requirement: Requirement) -> None:
    status = requirement.status
    line = f"{_SIGNS[status]} {requirement.id:<8} {requirement.sentence}"
    colour = _COLOURS.get(status)
    reporter.write(line, **({colour: True} if colour else {}))
    count = f"{requirement.passed} of {len(requirement.scenarios)} scenarios passed"
    reporter.write_line(f"  ({status}: {count})" if status != "proven" else f"  ({count})")
