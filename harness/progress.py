"""What a person sees while something long happens."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Protocol

from harness.errors import DeployError


class Stream(Protocol):
    """What progress is written to; whole lines at a time."""

    def write(self, text: str, /) -> object:
        """Write a line with its end."""

    def flush(self) -> None:
        """Let it be seen now."""


@dataclass
class Progress:
    """Says, one line each, what was chosen and what is going on, with elapsed time.

    Plain lines on any stream, so that a log reads the same as a terminal; a step that
    takes long says every `interval` seconds that it is still at work and on what.
    Safe to use from several threads.
    """

    stream: Stream = field(default_factory=lambda: sys.stderr)
    interval: float = 15.0
    quiet: bool = False
    choices: list[tuple[str, str, str]] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    running: list[Step] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, line: str) -> None:
        """Write one line."""
        if self.quiet:
            return
        with self._lock:
            self.stream.write(line + "\n")
            self.stream.flush()

    def choice(self, what: str, chosen: str, reason: str) -> None:
        """Say what was chosen and why; each choice is said once."""
        if (what, chosen, reason) not in self.choices:
            self.choices.append((what, chosen, reason))
            self.say(f"  {what:<14} {chosen} ({reason})")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step as begun, still running, and done or failed, with its seconds."""
        step = Step(self, name)
        self.running.append(step)
        self.say(f"> {name}")
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, stop), daemon=True)
        ticker.start()
        try:
            yield step
        except BaseException as error:
            cause = error.headline if isinstance(error, DeployError) else type(error).__name__
            self.phases.append(Phase(name, step.at, step.seconds, cause, ok=False))
            self.say(f"x {name}: failed after {step.seconds:.1f} s: {cause}")
            raise
        else:
            self.phases.append(Phase(name, step.at, step.seconds, step.result))
            self.say(f"+ {name}: {step.result or 'done'} in {step.seconds:.1f} s")
        finally:
            self.running.remove(step)
            stop.set()
            ticker.join()

    def _tick(self, step: Step, stop: threading.Event) -> None:
        while not stop.wait(self.interval):
            now = f", now: {step.now}" if step.now else ""
            self.say(f"  ... {step.name}: {step.seconds:.0f} s{now}")


@dataclass(frozen=True)
class Phase:
    """A step that is over: when it began (in seconds since 1970), and how long it took."""

    name: str
    at: float
    seconds: float
    result: str
    ok: bool = True

    def told(self) -> dict[str, str | float | bool]:
        """Return it for a record."""
        return asdict(self)


def longest(spent: Iterable[tuple[str, float]], most: int = 5) -> list[str]:
    """Return in words where the time went, each name once, that with the most time first.

    Args:
        spent: name and seconds of each step; of a name that comes again the longest is told, with
            how often it came and the seconds of all.
        most: how many names are told.

    """
    by_name: dict[str, list[float]] = {}
    for name, seconds in spent:
        by_name.setdefault(name, []).append(seconds)
    found = sorted(by_name.items(), key=lambda one: -sum(one[1]))[:most]
    return [
        f"{name} {max(times):.1f} s"
        + (f" ({len(times)} times, {sum(times):.0f} s)" if len(times) > 1 else "")
        for name, times in found
    ]


@dataclass(eq=False)
class Step:
    """A running step: `note` says what it does now, `result` what came of it."""

    progress: Progress
    name: str
    now: str = ""
    result: str = ""
    at: float = field(default_factory=time.time)
    _started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def note(self, line: str) -> None:
        """Keep the newest line, for the next sign of life."""
        if line.strip():
            self.now = line.strip()[:100]
