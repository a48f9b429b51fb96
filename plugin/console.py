"""Where progress is written while pytest captures everything else."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from harness.progress import Progress
from harness.redact import Redactor

PROGRESS = pytest.StashKey[Progress]()
REDACT = pytest.StashKey[Redactor]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep a way to the terminal. Capturing is suspended while plugins are configured."""
    config.stash[REDACT] = Redactor()
    stream = _Terminal(config)
    config.stash[PROGRESS] = Progress(stream=stream, quiet=config.get_verbosity() < 0)
    config.add_cleanup(stream.close)


class _Terminal:
    """The terminal itself, at the start of a line and free of secrets."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # A worker's standard output belongs to xdist's protocol.
        source = sys.__stderr__ if hasattr(config, "workerinput") else sys.__stdout__
        self._prefix = ""
        if worker := os.environ.get("PYTEST_XDIST_WORKER"):
            self._prefix = f"[{worker}] "
        self._fd = os.dup(source.fileno()) if source else -1

    def write(self, text: str) -> int:
        """Write whole lines."""
        if self._fd < 0:
            return 0
        line = self._config.stash[REDACT](text)
        data = f"{self._fresh_line()}{self._prefix}{line}".encode()
        return os.write(self._fd, data)

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
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
