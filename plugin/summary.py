"""What is said at the end: where the application is, and where to read on."""

from __future__ import annotations

import pytest

from plugin.console import PROGRESS

FACTS = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing to say."""
    config.stash[FACTS] = {}


def remember(config: pytest.Config, name: str, value: str) -> None:
    """Add a line to the end of the run, such as the address of the application."""
    config.stash[FACTS][name] = value


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write the deployment's facts and its longest steps."""
    facts, progress = config.stash[FACTS], config.stash[PROGRESS]
    if not facts and not progress.timings:
        return
    terminalreporter.section("deployment")
    for name, value in facts.items():
        terminalreporter.write_line(f"{name:<14} {value}")
    slowest = sorted(progress.timings, key=lambda timing: -timing[1])[:5]
    if slowest:
        terminalreporter.write_line(
            "longest steps  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest)
        )
