"""The programs that a run has started, and their end."""

from __future__ import annotations

import contextlib
import contextvars
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence

from harness.errors import DeployError

Process = subprocess.Popen[bytes]


class CommandCancelledError(DeployError):
    """The program was ended, or not begun, because the whole run is being ended."""

    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__(
            needed=f"`{brief(argv)}` to run to its end",
            seen="the run was interrupted",
            looked="the run itself",
            fix="run it again; what was half-made is made anew",
        )


class Scope:
    """The programs that one run has started, so that all of them can be ended at once.

    Ctrl-C reaches the main thread only; programs that other threads wait for are ended
    through their scope.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Process] = set()
        self.cancelled = False

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Have every program that this thread runs belong to the scope."""
        token = _SCOPE.set(self)
        try:
            yield
        finally:
            _SCOPE.reset(token)

    def cancel(self) -> None:
        """End what runs and let nothing further begin. Returns when all have ended."""
        with self._lock:
            self.cancelled = True
            running = list(self._running)
        for process in running:
            end(process)

    def begin(self, words: tuple[str, ...], start: Callable[[], Process]) -> Process:
        """Start a program that belongs to it. Raises CommandCancelledError."""
        with self._lock:
            if self.cancelled:
                raise CommandCancelledError(words)
            process = start()
            self._running.add(process)
            return process

    def ended(self, process: Process) -> None:
        """Note that a program has ended."""
        with self._lock:
            self._running.discard(process)


_SCOPE: contextvars.ContextVar[Scope] = contextvars.ContextVar("deploy_scope")


def present() -> Scope:
    """Return the scope that this thread works for; a new one when it works for none."""
    return _SCOPE.get(None) or Scope()


def cancelled() -> bool:
    """Say whether the run that this thread works for is being ended."""
    scope = _SCOPE.get(None)
    return scope is not None and scope.cancelled


def end(process: Process) -> None:
    """End a program with all that it has started: asked first, then without asking."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
            break
        except subprocess.TimeoutExpired:
            continue


def brief(argv: Sequence[str]) -> str:
    """Return an argument list as an error shows it."""
    line = " ".join(argv)
    return line if len(line) <= 160 else line[:157] + "..."
