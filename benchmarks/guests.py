"""Runs side by side on one cluster that exists: how many are accepted in a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.edits import ROOT
from benchmarks.result import Result
from benchmarks.shared import Shared, shared
from harness.command import run

_AT_ONCE = (1, 2, 4)
_TIMEOUT = 1800.0
#: The application as it is deployed, with a browser: what every run begins with.
_FEATURES = ("us2_deployment", "us2_todo_app")


def throughput(times: int) -> Iterator[Result]:
    """Measure whole runs, each with namespaces and a database of its own, 1, 2 and 4 at once."""
    with shared("deploy-bench-guests") as place:
        _together(place, 1)  # images are built and pushed by the first
        for number in _AT_ONCE:
            figures = tuple(60 * number / _together(place, number) for _ in range(times))
            how = f"pytest -m deploy of {', '.join(_FEATURES)}; database beside the cluster"
            name = f"runs a minute on a cluster that exists, {number} at once"
            yield Result(name, figures, "runs", None, how)


def _together(place: Shared, number: int) -> float:
    """Return the seconds until so many runs that begin together have all ended well."""

    def one(_: int) -> None:
        words = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-m", "deploy", "-q"]
        words += [f"features/{name}.feature" for name in _FEATURES]
        run([*words, *place.options()], timeout=_TIMEOUT, cwd=ROOT, env=place.environ)

    started = time.monotonic()
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(one, range(number)))
    return time.monotonic() - started
