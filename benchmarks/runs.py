"""Whole runs, as a user makes them, and the memory that they need."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.edits import ROOT, edit, project_copy
from benchmarks.result import Result
from harness.command import run

CLUSTER = "deploy-bench"
_TIMEOUT = 1800.0
#: The scenarios of the application as it is deployed, without those of its life and faults.
_DEPLOYED = ("us1_images", "us2_deployment", "us2_todo_app")


def collecting(times: int) -> Result:
    """Measure collecting the scenarios."""
    words = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "--collect-only", "-q"]
    figures = tuple(run(words, timeout=120, cwd=ROOT).seconds for _ in range(times))
    return Result("collect the scenarios", figures, "s", 1, "pytest --collect-only")


def whole_runs(times: int) -> Iterator[Result]:
    """Measure a run with everything of the project's own new, then runs with nothing changed."""
    with project_copy() as copy:
        edit(copy)
        with _peak_memory() as peak:
            first = _run(copy, "--deploy-fresh=yes")
        yield Result(
            "images, cluster and release new",
            (first,),
            "s",
            180,
            "pytest -m deploy of " + ", ".join(_DEPLOYED) + ", edited sources",
        )
        yield Result(
            "peak memory of all that ran", (peak[0],), "GiB", 6, "MemAvailable before - lowest"
        )
        again = tuple(_run(copy) for _ in range(times))
        yield Result("nothing changed", again, "s", 60, "the same again")
        whole = (_run(copy, "--deploy-keep=never", features=("",)),)
        yield Result("the complete suite, warm", whole, "s", 300, "pytest -m deploy")


def _run(project: Path, *options: str, features: tuple[str, ...] = _DEPLOYED) -> float:
    words = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-m", "deploy", "-q"]
    words += [f"features/{name}.feature" if name else "features" for name in features]
    words += [f"--deploy-cluster-name={CLUSTER}", *options]
    return run(words, timeout=_TIMEOUT, cwd=project).seconds


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Note how far the machine's available memory sinks, in GiB, twice a second."""
    before, peak, stop = _available(), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            peak[0] = max(peak[0], before - _available())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _available() -> float:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["MemAvailable"].split()[0]) / 2**20
