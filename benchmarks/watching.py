"""How soon the death of a container is seen, and how soon a hopeless state is reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import causes
from benchmarks.result import Result, machine
from harness.command import run

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = "deploy-bench-watch"
_TIMEOUT = 900.0
_RECORD = ROOT / ".deploy" / "causes.json"


def watching(times: int, cluster: str = CLUSTER) -> Iterator[Result]:
    """Roll out everything that is broken, several times, and write `docs/causes.md`."""
    where, runs = machine(), []
    for number in range(times):
        keep = "never" if number == times - 1 and cluster == CLUSTER else "always"
        words = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "tests/test_causes_live.py"]
        words += ["-q", f"--deploy-cluster-name={cluster}", f"--deploy-keep={keep}"]
        run(words, timeout=_TIMEOUT, cwd=ROOT)
        runs.append(causes.load(_RECORD))
    causes.write(runs, where)
    rows = [row for one in runs for row in one["rows"]]
    deaths = tuple(sorted(after for row in rows for after in row["seen_after"]))
    yield Result("container death to seen", deaths, "s", 1.2, "its last words against our watch")
    reports = tuple(sorted(row["seconds"] for row in rows if row["cause"]))
    yield Result(
        "fatal event to report, all causes", reports, "s", 10, "timestamps cut to whole seconds"
    )
    last = tuple(max(row["seconds"] for row in one["rows"] if row["cause"]) for one in runs)
    yield Result("fatal event to report, the slowest", last, "s", 10, "of each run")
