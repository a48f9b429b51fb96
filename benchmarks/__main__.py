"""`python -m benchmarks [collect] [recording] […]`: measure, print, keep the table."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks import clusters, guests, projects, recording, runs
from benchmarks import watching as watches
from benchmarks.result import Result, machine, write

_TABLE = Path(__file__).with_name("RESULTS.md")
_ALL = ["collect", "recording", "cluster", "watching", "runs", "guests", "projects"]


def _measure(what: list[str], times: int) -> Iterator[Result]:
    if "collect" in what:
        yield runs.collecting(times)
    if "recording" in what:
        yield from recording.recording(times)
    if "cluster" in what:
        yield from clusters.creating(times)
        yield from clusters.beside(times)
    if "watching" in what:
        yield from watches.watching(times)
    if "runs" in what:
        yield from runs.whole_runs(times)
    if "guests" in what:
        yield from guests.throughput(times)
    if "projects" in what:
        yield from projects.projects(times)


def main() -> None:
    """Measure what was asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*_ALL, []], default=[])
    parser.add_argument("--times", type=int, default=3, help="runs of each (default: 3)")
    words = parser.parse_args()
    where = machine()
    results = []
    for result in _measure(words.what or _ALL, words.times):
        results.append(result)
        print(result.row(), flush=True)
    print("\n" + write(_TABLE, results, where))


if __name__ == "__main__":
    main()
