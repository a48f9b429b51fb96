"""How much time and memory judging somebody's files may take."""

from __future__ import annotations

import contextlib
import resource
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from harness.errors import DeployError

MEMORY = 2 * 1024**3


class TimeLimitError(DeployError):
    """Something took longer than it may."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(
            needed=f"{what} within {seconds:g} s",
            seen="it had not ended by then",
            looked="the clock",
            fix="see what makes the files so slow to read: deep nesting, or very long lines",
        )


class MemoryLimitError(DeployError):
    """A program needed more memory than it may take."""

    def __init__(self, what: str) -> None:
        super().__init__(
            needed=f"{what} with {MEMORY // 1024**3} GiB of memory",
            seen=f"it needed more than {MEMORY // 1024**3} GiB of memory, and was ended",
            looked="what it said at its end",
            fix="see what makes so much of it: a loop, or a text that is repeated",
        )


@contextlib.contextmanager
def time_limit(what: str, seconds: float) -> Iterator[None]:
    """Raise TimeLimitError in what takes longer; within another limit the nearer one counts.

    Works by the alarm of the process, in its main thread only; elsewhere nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(what, seconds)

    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


def limit_memory(most: int = MEMORY) -> None:
    """Let this process and the programs that it starts have so many bytes of addresses at most.

    A lower limit that is there already stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
    """Do so for a while: what is started afterwards has the limit of before."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit_memory()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
