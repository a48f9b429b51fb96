"""Builds that take too much, by a real engine: each is ended, named, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from images_support import FixedBases, official, real_engine

from harness.cache import Cache
from harness.images import steps
from harness.images.build import Builder
from harness.images.failure import BuildFailedError, BuildTimedOutError
from harness.images.limits import GB, BuildExceededError, Limits
from harness.images.spec import ImageSpec
from harness.progress import Progress
from harness.supply.disk import engine_folder
from harness.supply.engine import Engine

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]
BASE = "python:3.12-slim"
MB = 10**6
PLANTED = "DEPLOY_TEST_PLANTED"
needs_groups = pytest.mark.skipif(
    not steps.limitable(), reason="control groups are not to be changed here"
)
Build = Callable[..., None]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return real_engine()


@pytest.fixture
def build(engine: Engine, tmp_path: Path) -> Build:
    def run(command: str, timeout: float = 120.0, **limits: Any) -> None:
        folder = tmp_path / "app"
        folder.mkdir()
        # Another word each time, so that nothing is taken from an earlier build.
        text = f"ARG IMAGE\nFROM ${{IMAGE}}\nRUN : {uuid.uuid4().hex} && {command}\n"
        (folder / "Dockerfile").write_text(text)
        bases: Any = FixedBases({BASE: official(engine, BASE)})
        spec = ImageSpec("app", folder, "deploy-harness-test/limits", bases={"IMAGE": BASE})
        cache, progress = Cache(tmp_path / "cache"), Progress(stream=io.StringIO())
        limited = Limits(**limits)
        Builder(engine, bases, cache, progress, {}, timeout=timeout, limits=limited).build(spec)

    return run


def ours() -> list[steps.Step]:
    return [step for step in steps.running() if step.is_ours()]


def none_left() -> bool:
    """Say whether no step of a build of ours runs; an engine needs a moment to end one."""
    deadline = time.monotonic() + 20
    while ours():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_a_step_that_fills_the_disk_is_ended_and_its_layer_is_removed(
    engine: Engine, build: Build
) -> None:
    folder = engine_folder(engine)
    if folder is None:
        pytest.skip("the engine's disk is not to be seen from here")
    mark = uuid.uuid4().hex
    first = f"dd if=/dev/zero of=/first bs=1M count=100 conv=fsync && : {mark}"
    second = f"dd if=/dev/zero of=/big bs=1M count=20000 conv=fsync && : {mark}"
    with pytest.raises(BuildExceededError) as caught:
        build(f"{first}\nRUN {second}", written=300 * MB)
    error = caught.value
    assert "0.3 GB of the engine's disk" in error.needed
    assert "line 4" in error.seen
    assert "dd if=/dev/zero" in error.seen
    assert "--deploy-build-disk" in error.fix
    assert none_left()
    layers = [str(entry["Description"]) for entry in engine.sdk().df()["BuildCache"]]
    assert not [text for text in layers if mark in text]


@needs_groups
def test_a_step_that_eats_memory_is_ended(build: Build) -> None:
    with pytest.raises(BuildExceededError) as caught:
        build("python -c \"x = b'x' * 1_500_000_000; print(len(x))\"", memory=256 * 2**20)
    assert "0.2 GiB of memory" in caught.value.needed
    assert "--deploy-build-memory" in caught.value.fix
    assert none_left()


@needs_groups
def test_a_step_that_multiplies_is_stopped(build: Build) -> None:
    command = "for n in $(seq 5000); do sleep 30 & done; wait"
    with pytest.raises(BuildExceededError) as caught:
        build(f"sleep 0.5; {command}", processes=200)
    assert "200 processes" in caught.value.needed
    assert none_left()


def test_a_step_without_an_end_is_ended(build: Build) -> None:
    with pytest.raises(BuildTimedOutError, match="within 5 s"):
        build("sleep 600", timeout=5)
    assert none_left()


def test_a_step_of_a_build_gets_its_limits(build: Build) -> None:
    shown = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null"
    if not steps.limitable():
        pytest.skip("control groups are not to be changed here")
    with pytest.raises(BuildFailedError) as caught:
        build(f"sleep 1; {shown}; exit 9", processes=123)
    assert "123" in caught.value.failure.lines


def test_nothing_of_our_environment_is_in_a_build(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = uuid.uuid4().hex
    monkeypatch.setenv(PLANTED, planted)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", planted)
    monkeypatch.setenv("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG", str(Path.home())))
    looks = "env; cat /proc/1/environ | tr '\\0' '\\n'; cat /proc/mounts; ls -a / /root /run"
    with pytest.raises(BuildFailedError) as caught:
        build(f"{looks}; ls -a /run/secrets /root/.docker; exit 9")
    log = caught.value.log
    assert "PATH=" in log  # it was looked at
    assert planted not in log
    assert PLANTED not in log
    assert "No such file" in log.partition("/run/secrets")[2]
    assert not [line for line in log.splitlines() if " /host" in line or "docker.sock" in line]


def test_a_disk_that_is_nearly_full_ends_it(engine: Engine, build: Build) -> None:
    if engine_folder(engine) is None:
        pytest.skip("the engine's disk is not to be seen from here")
    with pytest.raises(BuildExceededError) as caught:
        build("dd if=/dev/zero of=/big bs=1M count=400 conv=fsync; sleep 60", left_free=10**6 * GB)
    assert "stay free" in caught.value.needed
    assert none_left()
