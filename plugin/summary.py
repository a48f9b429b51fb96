"""What is said at the end: each requirement, where the application is, where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.progress import longest
from harness.statuses import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, NOT_PROVABLE
from plugin.console import PROGRESS

if TYPE_CHECKING:
    from harness.report.standing import Standing

FACTS = pytest.StashKey[dict[str, str]]()
_SPENT = pytest.StashKey[list[tuple[str, float]]]()
_HANDED_ON, _STEPS = "deploy_facts", "deploy_steps"
_SIGNS = {MET: "✓", NOT_MET: "✕", NOT_JUDGED: "○", NOT_APPLICABLE: "-", NOT_PROVABLE: "?"}
_COLOURS = {MET: "green", NOT_MET: "red", NOT_JUDGED: "yellow"}


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing to say."""
    config.stash[FACTS] = {}
    config.stash[_SPENT] = []


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
        output[_STEPS] = [(p.name, p.seconds) for p in config.stash[PROGRESS].phases]
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker hands on, under its name."""
    output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
    worker = node.gateway.id
    for name, value in output.get(_HANDED_ON, {}).items():
        remember(node.config, f"{name} {worker}", value)
    node.config.stash[_SPENT] += output.get(_STEPS, ())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write how each requirement stands, the deployment's facts and its longest steps."""
    try:
        _write_requirements(terminalreporter, config)
    except Exception as error:  # what a run came to does not hang on how it is summed up
        remember(config, "requirements", f"not summed up: {type(error).__name__}: {error}")
    facts, spent = config.stash[FACTS], config.stash[_SPENT]
    spent = [*spent, *((phase.name, phase.seconds) for phase in config.stash[PROGRESS].phases)]
    if not facts and not spent:
        return
    terminalreporter.section("deployment")
    width = max(map(len, (*facts, "longest steps")))
    for name, value in sorted(facts.items()):
        terminalreporter.write_line(f"{name:<{width}} {value}")
    for number, told in enumerate(longest(spent)):
        label = "" if number else "longest steps"
        terminalreporter.write_line(f"{label:<{width}} {told}")


def _write_requirements(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write a line for each requirement that the run was asked for; with -q those not proven."""
    from plugin.record import RECORDED

    recorded = config.stash.get(RECORDED, None)
    if recorded is None:
        return
    from harness.record.messages import UNKNOWN
    from harness.report.reader import read_run
    from harness.report.standing import standings, stands

    run = read_run(recorded[1])
    told = (run.last("project") or {}).get("requirements") or {}
    found = standings(run, told, stands(run))
    asked = [one for one in found if one.selected]
    if not asked:
        return
    reporter.section("requirements")
    met = sum(requirement.status == MET for requirement in asked)
    quiet = config.get_verbosity() < 0
    for requirement in asked:
        if not quiet or requirement.status != MET:
            _write_requirement(reporter, requirement)
    reporter.write_line("; ".join([f"{met} of {len(asked)} met", *_left(found)]))
    if run.message:  # such as how many scenarios the run did not come to
        reporter.write_line(run.message)
    for scenario in run.scenarios:  # with several processes nothing else has told of these
        if scenario.status == UNKNOWN:
            at = (
                f", at: {scenario.failing.keyword} {scenario.failing.text}"
                if scenario.failing
                else ""
            )
            reporter.write_line(f"! {scenario.name}  (broken off{at})")


def _left(found: list[Standing]) -> list[str]:
    """Return how many requirements the run says nothing of, and why."""
    bare = sum(not one.scenarios for one in found)
    left = sum(not one.selected for one in found) - bare
    said = [f"{left} {'was' if left == 1 else 'were'} not asked for"] if left else []
    return [*said, *([f"{bare} {'has' if bare == 1 else 'have'} no scenario"] if bare else [])]


def _write_requirement(reporter: pytest.TerminalReporter, requirement: Standing) -> None:
    status = requirement.status
    line = f"{_SIGNS[status]} {requirement.id:<8} {requirement.text}"
    colour = _COLOURS.get(status)
    reporter.write(line, **({colour: True} if colour else {}))
    count = f"{requirement.passed} of {len(requirement.scenarios)} scenarios passed"
    reporter.write_line(f"  ({status}: {count})" if status != MET else f"  ({count})")
