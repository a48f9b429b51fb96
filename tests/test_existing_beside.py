"""What runs on a cluster that exists leave on this machine, and who removes it."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from images_support import real_engine

from harness.cache import Cache
from harness.clusters.existing import beside
from harness.clusters.usage import Usage
from harness.images import containers
from harness.options import GUEST
from harness.probes.image import ensure_probe_image
from harness.progress import Progress
from harness.supply.engine import Engine
from harness.tenant import Guest


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_only_what_bears_the_name_is_forgotten(cache: Cache) -> None:
    mine, others = f"{GUEST}0a-1", f"{GUEST}0a-10"
    files = [
        cache.root / folder / f"{name}{rest}"
        for name in (mine, others)
        for folder, rest in (("secrets", "-shop.json"), ("databases", ".json"))
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    beside.forget(cache, mine)
    assert [file.exists() for file in files] == [False, False, True, True]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture
def left(engine: Engine) -> Iterator[Callable[[], str]]:
    """Make a container as a process has beside a cluster; return the process's name."""
    names: list[str] = []
    progress = Progress(stream=io.StringIO())
    image = ensure_probe_image(engine, Cache.default(os.environ), progress, os.environ).ref

    def make() -> str:
        name = f"{GUEST}{uuid.uuid4().hex[:8]}-0"
        labels = containers.labels(name, "database")
        engine.sdk().containers.create(image, name=f"{name}-database", labels=labels)
        names.append(name)
        return name

    yield make
    for name in names:
        for container in containers.find(engine, name, "database"):
            containers.remove(container)


@pytest.mark.engine
def test_what_the_dead_have_left_is_removed(
    engine: Engine, cache: Cache, left: Callable[[], str]
) -> None:
    dead, alive, kept, of_another_cache = left(), left(), left(), left()
    for name in (dead, kept):
        died = Usage(cache, Guest(name))
        died.enter()
        died.leave()
    usage = Usage(cache, Guest(alive))
    usage.enter()
    beside.keep(cache, kept)
    assert beside.sweep(engine, cache) == [dead]
    assert containers.find(engine, dead, "database") == []
    for name in (alive, kept, of_another_cache):
        assert len(containers.find(engine, name, "database")) == 1
    usage.leave()
    assert beside.sweep(engine, cache) == [alive]
    assert containers.find(engine, alive, "database") == []
