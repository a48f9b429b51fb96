"""A build watched while it runs: steps limited, and ended before it harms the machine."""

from __future__ import annotations

import re
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from harness.images import limits as said
from harness.images import steps
from harness.images.limits import Exceeded, Limits, memory, processes
from harness.scope import Process, end

_KILLED = re.compile(r"exit code:? 137|signal: killed|\bKilled\b")
_NO_FORK = re.compile(r"(?i)cannot fork|can't fork|fork:.*Resource temporarily unavailable|EAGAIN")
_PAUSE = 0.05  # seconds; nothing tells of a new control group, and a disk fills at 1 GB/s


@dataclass
class BuildWatch:
    """Used as a context manager around a build, which tells it its process by `began`.

    Args:
        limits: of the build.
        disk: a folder on the disk that the engine writes to; None where it is not to be seen.
        steps_limited: whether control groups of this machine can be changed.

    """

    limits: Limits
    disk: Path | None
    steps_limited: bool
    exceeded: Exceeded | None = field(default=None, init=False)
    _process: Process | None = field(default=None, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _ours: set[steps.Step] = field(default_factory=set, init=False)

    def __enter__(self) -> BuildWatch:
        """Begin."""
        self._free, self._kills = self._free_now(), steps.killed_for_memory()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="build-watch")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(5)

    def began(self, process: Process) -> None:
        """Learn which process has to end when the build takes too much."""
        self._process = process

    def told(self, said: str) -> Exceeded | None:
        """Return the limit that a step came to which ended before it was seen to.

        Args:
            said: what the build said of the failed step.

        """
        if not self._ours:
            return None
        if _KILLED.search(said) and steps.killed_for_memory() > self._kills:
            return memory(self.limits)
        return processes(self.limits) if _NO_FORK.search(said) else None

    def _watch(self) -> None:
        while not self._over.wait(_PAUSE):
            if self.steps_limited:
                self._look_at_steps()
            if (found := self._look_at_disk()) and self._process:
                self.exceeded = found
                end(self._process)
                return

    def _look_at_steps(self) -> None:
        for step in steps.running():
            if step not in self._ours and step.is_ours():
                step.limit(self.limits)
                self._ours.add(step)
            if step in self._ours and self.exceeded is None:
                self.exceeded = step.exceeded(self.limits)

    def _look_at_disk(self) -> Exceeded | None:
        free = self._free_now()
        if free is None or self._free is None:
            return None
        if self._free - free > self.limits.written:
            return said.written(self.limits, self._free - free)
        if free < self.limits.left_free and free < self._free:
            return said.disk_full(self.limits, free)
        return None

    def _free_now(self) -> int | None:
        return shutil.disk_usage(self.disk).free if self.disk else None
