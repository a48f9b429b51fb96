"""Where progress is written while pytest captures everything else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from harness.progress import Progress
from harness.redact import Redactor

if TYPE_CHECKING:
    from rich.console import Console as Rich
    from rich.live import Live

PROGRESS = pytest.StashKey[Progress]()
REDACT = pytest.StashKey[Redactor]()
CONSOLE = pytest.StashKey["Console"]()
_SELDOM = 3600.0  # seconds between signs of life where the last line shows them all the time


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep a way to the terminal. Capturing is suspended while plugins are configured."""
    config.stash[REDACT] = Redactor()
    console = config.stash[CONSOLE] = Console(config)
    progress = Progress(stream=console, quiet=config.get_verbosity() < 0)
    if console.is_terminal:
        progress.interval = _SELDOM
    config.stash[PROGRESS] = progress
    config.add_cleanup(console.close)


class Console:
    """The terminal itself, at the start of a line and free of secrets.

    On a real terminal the last line can show what goes on; into a pipe plain lines go.

    Attributes:
        is_terminal: whether somebody sees it as it happens.

    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # A worker's standard output belongs to xdist's protocol.
        worker: dict[str, str] = getattr(config, "workerinput", {})
        source = sys.__stderr__ if worker else sys.__stdout__
        self._prefix = f"[{worker['workerid']}] " if worker else ""
        self._fd = os.dup(source.fileno()) if source else -1
        several = bool(config.getoption("numprocesses", None))
        self.is_terminal = self._fd >= 0 and not worker and not several and os.isatty(self._fd)
        self._rich: Rich | None = None
        self._live: Live | None = None

    def write(self, text: str) -> int:
        """Write whole lines."""
        self.line(text.removesuffix("\n"))
        return len(text)

    def line(self, text: str, style: str = "") -> None:
        """Write a line; the style is rich's, for a terminal."""
        if self._fd < 0:
            return
        told = f"{self._fresh_line()}{self._prefix}{self._config.stash[REDACT](text)}"
        if self.is_terminal:
            from rich.text import Text

            self._console().print(Text(told, style=style), soft_wrap=True)
        else:
            self._raw(f"{told}\n")

    def command(self, text: str) -> None:
        """Write a line as it is: another program reads it, and knows it by its beginning."""
        if self._fd >= 0:
            self._raw(f"{self._fresh_line()}{self._config.stash[REDACT](text)}\n")

    def status(self, now: Callable[[], str] | None) -> None:
        """Show in the last line what a function says, again and again, until it is None."""
        if self._live:
            self._live.stop()
            self._live = None
        if now is not None and self.is_terminal:
            from rich.live import Live
            from rich.text import Text

            def shown() -> Text:
                words = self._config.stash[REDACT](now())
                return Text(words, style="dim", no_wrap=True, overflow="ellipsis")

            self._live = Live(
                get_renderable=shown,
                console=self._console(),
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _console(self) -> Rich:
        if self._rich is None:
            from rich.console import Console as Rich

            file: Any = _Raw(self._raw)
            self._rich = Rich(file=file, force_terminal=True, highlight=False)
        return self._rich

    def _raw(self, text: str) -> None:
        if self._fd >= 0:
            os.write(self._fd, text.encode("utf-8", "replace"))

    def _fresh_line(self) -> str:
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if getattr(reporter, "currentfspath", None) is None:
            return ""
        reporter.currentfspath = None  # the reporter names its file again afterwards
        return "\n"

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Give the descriptor back."""
        self.status(None)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class _Raw:
    """A file that writes to the terminal."""

    encoding = "utf-8"

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def write(self, text: str) -> int:
        self._write(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""
