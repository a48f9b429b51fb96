"""Limits of builds: which steps are ours, how they are limited, and what is told."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from harness.images import limits as said
from harness.images import watch as watching
from harness.images.failure import Failure
from harness.images.limits import GB, GIB, BuildExceededError, Limits
from harness.images.spec import ImageSpec
from harness.images.steps import MARK, Step, limitable, running
from harness.images.watch import BuildWatch
from harness.redact import Redactor

LIMITS = Limits(memory=GIB, processes=99)


def group(root: Path, name: str, *files: str) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text("max\n")
    return folder


def version_1(root: Path) -> Step:
    """Make the group of a step as an engine with control groups of version 1 has it."""
    memory = group(root, "memory/docker/buildkit/abc", "memory.limit_in_bytes")
    (memory / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
    pids = group(root, "pids/docker/buildkit/abc", "pids.max")
    (pids / "pids.events").write_text("max 0\n")
    (pids / "cgroup.procs").write_text("71\n72\n")
    return Step(memory, pids)


def version_2(root: Path) -> Step:
    folder = group(root, "system.slice:docker:abc", "memory.max", "pids.max")
    (folder / "memory.events").write_text("low 0\nmax 5\noom 0\noom_kill 0\n")
    (folder / "pids.events").write_text("max 0\n")
    return Step(folder, folder)


@pytest.mark.parametrize("make", [version_1, version_2])
def test_a_step_is_found_and_limited(tmp_path: Path, make: object) -> None:
    assert callable(make)
    step = make(tmp_path)
    assert list(running(tmp_path)) == [step]
    step.limit(LIMITS)
    limited = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    values = {p.name: p.read_text() for p in tmp_path.rglob("*") if p.is_file()}
    assert values["pids.max"] == "99"
    assert str(GIB) in (values.get("memory.max"), values.get("memory.limit_in_bytes"))
    # What this kernel does not have is not made.
    assert limited == sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert "memory.memsw.limit_in_bytes" not in values


def test_only_steps_of_ours_are_limited(tmp_path: Path) -> None:
    step, proc = version_1(tmp_path), tmp_path / "proc"
    etc = proc / "72" / "root" / "etc"
    etc.mkdir(parents=True)
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    assert not step.is_ours(proc)
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.1 {MARK}\n")
    assert step.is_ours(proc)


def test_a_limit_that_was_come_to_is_told(tmp_path: Path) -> None:
    step = version_1(tmp_path)
    assert step.exceeded(LIMITS) is None
    (step.processes / "pids.events").write_text("max 3\n")
    assert step.exceeded(LIMITS) == said.processes(LIMITS)
    (step.memory / "memory.oom_control").write_text("oom_kill_disable 0\noom_kill 2\n")
    assert step.exceeded(LIMITS) == said.memory(LIMITS)


def test_a_group_that_has_gone_hurts_nobody(tmp_path: Path) -> None:
    gone = Step(tmp_path / "gone", tmp_path / "gone")
    gone.limit(LIMITS)
    assert gone.exceeded(LIMITS) is None
    assert not gone.is_ours()
    assert list(running(tmp_path / "nowhere")) == []
    assert not limitable(tmp_path / "nowhere")


def test_a_build_that_fills_the_disk_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([50 * GB, 49 * GB, 20 * GB])
    monkeypatch.setattr(watching.shutil, "disk_usage", lambda _: Usage(next(left, 20 * GB)))
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(words, start_new_session=True)
    with BuildWatch(Limits(), tmp_path, steps_limited=False) as watch:
        watch.began(process)
        assert process.wait(20) != 0
    assert watch.exceeded == said.written(Limits(), 30 * GB)
    assert watch.exceeded.disk


class Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_disk_that_others_have_filled_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching.shutil, "disk_usage", lambda _: Usage(1 * GB))
    words = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    process = subprocess.Popen(words, start_new_session=True)
    with BuildWatch(Limits(), tmp_path, steps_limited=False) as watch:
        watch.began(process)
        assert process.wait(20) == 0
    assert watch.exceeded is None


@pytest.mark.parametrize(
    ("exceeded", "option"),
    [
        (said.memory(LIMITS), "--deploy-build-memory"),
        (said.written(LIMITS, 21 * GB), "--deploy-build-disk"),
        (said.disk_full(LIMITS, GB), "free some room"),
        (said.processes(LIMITS), "starts itself again"),
    ],
)
def test_the_error_has_the_step_the_limit_and_a_remedy(
    tmp_path: Path, exceeded: said.Exceeded, option: str
) -> None:
    spec = ImageSpec("shop", tmp_path, "shop/app")
    failure = Failure(None, None, ("dd: writing", "s3cret-value"), "context canceled")
    error = BuildExceededError(
        spec, failure, exceeded, Redactor(("s3cret-value",)), "all s3cret-value"
    )
    assert exceeded.allowed in error.needed
    assert "image shop" in error.needed
    assert exceeded.seen in error.seen
    assert "s3cret-value" not in str(error) + error.log
    assert option in error.fix
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
