"""The steps of builds that run at this moment, as the kernel counts what they take.

BuildKit runs each RUN in a control group of its own, below one that its engine has for them, in
either version of control groups. An engine of Docker 20.10 gives no other way to limit a step:
it leaves `--memory`, `--ulimit` and `--cgroup-parent` of a build out. So limits are written to
the group when it appears, which takes the rights of root on the engine's machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.images.limits import Exceeded, Limits, memory, processes

#: In the hosts file of each step that we have built, and of no other: it resolves to nobody else.
MARK = "build.deploy-harness.internal"
ROOT = Path("/sys/fs/cgroup")
_PLACES = ("*/buildkit/*", "buildkit/*", "*/*/buildkit/*", "system.slice:docker:*")


@dataclass(frozen=True)
class Files:
    """Names of a version's files: what limits, and what tells that a limit was come to."""

    memory: tuple[str, ...]
    killed: str
    processes: str
    refused: str


_V1 = Files(
    ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    "memory.oom_control",
    "pids.max",
    "pids.events",
)
_V2 = Files(("memory.max",), "memory.events", "pids.max", "pids.events")


@dataclass(frozen=True)
class Step:
    """The control group of a step: the folders of memory and processes, the same in version 2."""

    memory: Path
    processes: Path

    def is_ours(self, proc: Path = Path("/proc")) -> bool:
        """Say whether a build of ours runs in it; a group that has just been made may follow."""
        for pid in _read(self.processes / "cgroup.procs").split():
            if MARK in _read(proc / pid / "root" / "etc" / "hosts"):
                return True
        return False

    def limit(self, limits: Limits) -> None:
        """Write the limits. One that the kernel does not know, or a group that is gone, passes."""
        files = self._files
        for name in files.memory:
            _write(self.memory / name, limits.memory)
        _write(self.processes / files.processes, limits.processes)

    def exceeded(self, limits: Limits) -> Exceeded | None:
        """Return the limit that it has come to."""
        files = self._files
        if _count(self.memory / files.killed, "oom_kill"):
            return memory(limits)
        if _count(self.processes / files.refused, "max"):
            return processes(limits)
        return None

    @property
    def _files(self) -> Files:
        return _V2 if self.memory == self.processes else _V1


def running(root: Path = ROOT) -> Iterator[Step]:
    """Yield the steps of all builds that run on this machine."""
    if (root / "memory").is_dir():
        for place in _PLACES:
            for group in (root / "memory").glob(place):
                if group.is_dir():
                    yield Step(group, root / "pids" / group.relative_to(root / "memory"))
        return
    for place in _PLACES:
        yield from (Step(group, group) for group in root.glob(place) if group.is_dir())


def limitable(root: Path = ROOT) -> bool:
    """Say whether limits can be written here."""
    v1 = root / "memory"
    return os.access(v1 if v1.is_dir() else root / "cgroup.procs", os.W_OK)


def killed_for_memory() -> int:
    """Return how many processes of this machine the kernel has killed for want of memory."""
    return _count(Path("/proc/vmstat"), "oom_kill")


def _count(file: Path, name: str) -> int:
    for line in _read(file).splitlines():
        word, _, number = line.partition(" ")
        if word == name and number.strip().isdigit():
            return int(number)
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return ""


def _write(file: Path, value: int) -> None:
    with contextlib.suppress(OSError):
        if file.exists():
            file.write_text(str(value), encoding="ascii")
