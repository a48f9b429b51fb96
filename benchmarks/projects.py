"""Other projects than the Todo app: their verdict without a cluster, with one, and side by side."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.edits import ROOT
from benchmarks.result import Result
from benchmarks.shared import Shared, shared
from harness.command import environment, run
from harness.verdict import judge

_EXAMPLES = ROOT / "examples"
_STATIC, _ACCEPTED = 5.0, 360.0  # goals in seconds
_SECOND = "notes"
_BESIDE = ("units", "guestbook", "polls")
_TIMEOUT = 1800.0


def projects(times: int) -> Iterator[Result]:
    """Measure verdicts on projects that the harness has never seen."""
    for folder in sorted(_EXAMPLES.glob("*/")):
        if (folder / "verdict.json").is_file():
            figures = tuple(judge(folder, environment()).seconds for _ in range(times))
            how = "python -m harness check"
            yield Result(f"static verdict of {folder.name}", figures, "s", _STATIC, how)
    figures = tuple(_accepted_anew(_SECOND) for _ in range(times))
    how = "accept of a copy with a changed source in each image, its cluster running before"
    yield Result(f"complete verdict of {_SECOND}", figures, "s", _ACCEPTED, how)
    with shared("deploy-bench-projects") as place:
        figures = tuple(_beside(place) for _ in range(times))
        how = f"{', '.join(_BESIDE)} at once, each in namespaces of its own on one cluster"
        yield Result("verdicts of three projects side by side", figures, "s", None, how)


def _accepted_anew(name: str) -> float:
    """Return the seconds until a project whose images have to be built again is accepted."""
    with tempfile.TemporaryDirectory(prefix="deploy-bench-") as folder:
        copy = Path(folder) / name
        shutil.copytree(_EXAMPLES / name, copy)
        for source in (next(copy.glob("backend/**/*.py")), next(copy.glob("frontend/app/*.tsx"))):
            comment = "#" if source.suffix == ".py" else "//"
            with source.open("a", encoding="utf-8") as file:
                file.write(f"\n{comment} {time.time_ns()}\n")
        return _accept(copy, Path(folder), [], {})


def _beside(place: Shared) -> float:
    """Return the seconds until several projects that begin together have their verdicts."""
    with tempfile.TemporaryDirectory(prefix="deploy-bench-") as folder:

        def one(name: str) -> float:
            return _accept(_EXAMPLES / name, Path(folder) / name, place.options(), place.environ)

        started = time.monotonic()
        with ThreadPoolExecutor(len(_BESIDE)) as pool:
            list(pool.map(one, _BESIDE))
        return time.monotonic() - started


def _accept(
    project: Path, folder: Path, options: Sequence[str], environ: Mapping[str, str]
) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "verdict.json"
    words = [sys.executable, "-m", "harness", "accept", str(project), "--json", str(told), "--"]
    words += [f"--deploy-artifacts={folder / 'artifacts'}", *options]
    started = time.monotonic()
    run(words, timeout=_TIMEOUT, cwd=ROOT, env=environ, check=False)
    document = json.loads(told.read_text(encoding="utf-8"))
    if "requirements" not in document:
        raise RuntimeError(f"{project.name}: {document}")
    return time.monotonic() - started
