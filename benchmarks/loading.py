"""Images on their way into a cluster, after one line of each was changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.edits import edit, project_copy
from benchmarks.result import Result
from harness.cache import Cache
from harness.clusters.kind import KindProvider
from harness.command import run
from harness.images.build import Builder
from harness.images.project import ProjectImages
from harness.jobs import Jobs
from harness.progress import Progress
from harness.project import Project
from harness.supply.bases import Bases
from harness.supply.engine import Engine


def loading(
    provider: KindProvider,
    kind: Path,
    engine: Engine,
    cache: Cache,
    progress: Progress,
    times: int,
) -> Iterator[Result]:
    """Measure loading into a cluster that holds the images of before, ours and kind's way."""
    environ = dict(os.environ)
    bases = Bases(engine, cache, progress, environ)
    builder = Builder(engine, bases, cache, progress, environ)
    ours, kinds = [], []
    with project_copy() as copy:

        def built() -> list[str]:
            jobs = Jobs()
            images = ProjectImages(Project.load(copy), builder, jobs)
            jobs.all(images.begin())
            jobs.close(interrupted=False)
            return [image.ref for image in images.all().values()]

        first = provider.load(built())
        again = provider.load(built())
        for _ in range(times):
            edit(copy)
            ours.append(provider.load(built()).seconds)
            edit(copy)
            words = [str(kind), "load", "docker-image", *built(), f"--name={provider.name}"]
            kinds.append(run(words, timeout=300).seconds)
    what = "both images"
    yield Result(f"load {what} into a new cluster", (first.seconds,), "s", None, "nothing there")
    yield Result(f"load {what}, unchanged", (again.seconds,), "s", None, "all of it there")
    yield Result(
        f"load {what}, one line changed", tuple(ours), "s", 1, "only layers that the node lacks"
    )
    yield Result(f"`kind load` of {what}, one line changed", tuple(kinds), "s", None, "the same")
