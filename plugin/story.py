"""The scenarios as they happen, on the terminal: sentence by sentence, with the time they take."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import pytest

from harness.progress import Progress
from harness.record.messages import PASSED, UNKNOWN, Message, seconds_of
from plugin.console import CONSOLE, PROGRESS, Console
from plugin.record import RECORDING

SIGNS = {
    "PASSED": "✓",
    "FAILED": "✕",
    "SKIPPED": "-",
    "PENDING": "…",
    "UNDEFINED": "?",
    "UNKNOWN": "!",
}
COLOURS = {"PASSED": "green", "FAILED": "red", "UNDEFINED": "red", "UNKNOWN": "red"}
_REASON = 160  # characters


class Story:
    """Tells what a recording tells it; one process runs one scenario at a time."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._began = time.monotonic()
        self._feature = self._step = ""

    def scenario_begins(self, name: str, feature: str) -> None:
        """Write its name, and before the first of a feature that one's."""
        if feature != self._feature:
            self._feature = feature
            self._console.line(f"\nFeature: {feature}", "bold")
        self._console.line(f"  {self._elapsed()}  Scenario: {name}", "bold")
        self._console.status(self._now)

    def step_begins(self, text: str) -> None:
        """Note what the terminal shows as being at work."""
        self._step = text

    def step_ends(self, text: str, told: Message) -> None:
        """Write a step."""
        status, took = str(told["status"]), seconds_of(told["duration"])
        self._step = ""
        shown = f"{took:6.1f} s" if took >= 0.05 else " " * 8
        self._console.line(
            f"{shown}  {SIGNS.get(status, '?')} {text}", COLOURS.get(status, "yellow")
        )
        if status != PASSED and told.get("message"):
            self._console.line(f"            {outcome(status, told['message'])}", "yellow")

    def scenario_ends(self, told: dict[str, Any]) -> None:
        """Nothing is left to be said but what no step has said."""
        self._console.status(None)
        if told["status"] != PASSED and not told["step"]:
            words = outcome(told["status"], told["reason"])
            self._console.line(f"            {words}", "red")

    def _elapsed(self) -> str:
        passed = time.monotonic() - self._began
        return clock(passed)

    def _now(self) -> str:
        """Return what goes on at this moment, for the last line of a terminal."""
        words = [self._elapsed().strip(), self._step]
        for step in self._progress.running[-2:]:
            now = f", {step.now}" if step.now else ""
            words.append(f"{step.name}: {step.seconds:.0f} s{now}")
        return " · ".join(word for word in words if word)


def clock(seconds: float) -> str:
    """Return minutes and seconds since the beginning."""
    return f"{int(seconds) // 60:3d}:{int(seconds) % 60:02d}"


def reason(message: str) -> str:
    """Return the line of a message that says most."""
    lines = [line for line in message.splitlines() if line.strip() and not line.startswith("step:")]
    seen = next((line for line in lines if line.startswith("seen:")), lines[0] if lines else "")
    return seen.removeprefix("seen:").strip()[:_REASON]


def outcome(status: str, message: str) -> str:
    """Return what became of something and why; what was broken off says both by itself."""
    return reason(message) if status == UNKNOWN else f"{status.lower()}: {reason(message)}"


def pytest_configure(config: pytest.Config) -> None:
    """Take the place of pytest's own letters, unless more or less was asked for."""
    if config.get_verbosity() == 0 and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Letters(config))


def pytest_runtestloop(session: pytest.Session) -> None:
    """Begin to tell, where this process has a terminal; with -q pytest's dots are all there is."""
    config = session.config
    recording = config.stash.get(RECORDING, None)
    if recording and config.get_verbosity() >= 0 and not hasattr(config, "workerinput"):
        recording.listeners.append(Story(config.stash[CONSOLE], config.stash[PROGRESS]))


class Letters:
    """Keeps pytest from writing letters and file names of scenarios, which are told otherwise."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._silent = False
        self._began = time.monotonic()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> Generator[None, object, object]:
        """Write no file name before a scenario: its feature has been named."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or ".feature::" not in nodeid:
            return (yield)
        shown, reporter.showfspath = reporter.showfspath, False
        try:
            return (yield)
        finally:
            reporter.showfspath = shown

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> Generator[None, object, object]:
        """Write no letter; of a scenario that another process ran, a line when it is over."""
        self._silent = getattr(report, "deploy", False)
        try:
            return (yield)
        finally:
            self._silent = False
            told = getattr(report, "deploy_scenario", None)
            if told and hasattr(report, "node"):
                self._write(told, report.node.gateway.id)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Leave out letter and word while a scenario is reported."""
        told = yield
        return (told[0], "", "") if self._silent else told

    def _write(self, told: dict[str, Any], worker: str) -> None:
        console, status = self._config.stash[CONSOLE], told["status"]
        took, passed = told["seconds"], time.monotonic() - self._began
        console.line(
            f"{clock(passed)} {worker} {took:6.1f} s  {SIGNS.get(status, '?')} "
            f"{told['feature']}: {told['name']}",
            COLOURS.get(status, "yellow"),
        )
        if status != PASSED:
            at = f" at: {told['step']}" if told["step"] else ""
            console.line(f"{' ' * 24}{status.lower()}{at}", "yellow")
            if told["reason"]:
                console.line(f"{' ' * 24}{reason(told['reason'])}", "yellow")
