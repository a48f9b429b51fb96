"""What the kernel allows for is looked at before a node is made."""

from __future__ import annotations

import os
import select
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from clusters_support import World
from kube_support import FakeApi

from harness.assembly import assemble
from harness.cache import Cache
from harness.clusters import host_limits
from harness.clusters.errors import InotifyExhaustedError
from harness.clusters.host_limits import check_inotify, inotify
from harness.progress import Progress
from harness.redact import Redactor
from harness.settings import Settings
from harness.supply.disk import DiskTooSmallError
from harness.supply.engine import Engine

ROOMY = {"max_user_instances": 128, "max_user_watches": 65536}


def machine(folder: Path, instances: int = 0, watches: int = 0, **limits: int) -> Path:
    """Make a /proc of a machine on which root has so many instances, with as many watches each."""
    for name, limit in (ROOMY | limits).items():
        file = folder / "sys/fs/inotify" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    process = folder / "17"
    (process / "fd").mkdir(parents=True)
    (process / "fdinfo").mkdir()
    for number in range(instances):
        (process / "fd" / str(number)).symlink_to("anon_inode:inotify")
        told = "pos:\t0\n" + "inotify wd:1 ino:2\n" * watches
        (process / "fdinfo" / str(number)).write_text(told)
    (process / "fd" / "null").symlink_to("/dev/null")
    (folder / "self").symlink_to("17")
    if os.getuid() != 0:
        pytest.skip("only root can make files that are root's")
    return folder


def test_what_root_has_is_counted(tmp_path: Path) -> None:
    seen = inotify(machine(tmp_path, instances=3, watches=5))
    assert seen is not None
    assert (seen.instances, seen.watches) == (3, 15)
    assert (seen.limit_instances, seen.limit_watches) == (128, 65536)


def test_what_another_user_has_is_not(tmp_path: Path) -> None:
    proc = machine(tmp_path, instances=3)
    os.chown(proc / "17", 1000, 1000)
    seen = inotify(proc)
    assert seen is not None
    assert seen.instances == 0


def test_own_instances_are_seen_on_this_machine() -> None:
    if os.getuid() != 0 or not Path("/proc/sys/fs/inotify").is_dir():
        pytest.skip("root's processes on Linux are counted")
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    before = inotify()
    opened = [libc.inotify_init1(os.O_CLOEXEC) for _ in range(3)]
    try:
        assert min(opened) > 0, f"errno {ctypes.get_errno()}"
        assert select.select([opened[0]], [], [], 0)[0] == []
        after = inotify()
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert before is not None
    assert after is not None
    assert after.instances >= before.instances - 2 + 3


@pytest.mark.parametrize(
    ("used", "control_planes", "workers", "fits"),
    [
        (103, 1, 0, True),
        (104, 1, 0, False),
        (75, 1, 2, True),
        (76, 1, 2, False),
        (128, 0, 0, True),
    ],
)
def test_instances(
    tmp_path: Path, used: int, control_planes: int, workers: int, *, fits: bool
) -> None:
    proc = machine(tmp_path, instances=used)
    if fits:
        check_inotify(control_planes=control_planes, workers=workers, proc=proc)
        return
    with pytest.raises(InotifyExhaustedError, match=r"fs\.inotify\.max_user_instances") as caught:
        check_inotify(control_planes=control_planes, workers=workers, proc=proc)
    assert f"leaves {128 - used}" in caught.value.seen
    assert str(proc / "sys/fs/inotify/max_user_instances") in caught.value.looked
    assert "sysctl -w fs.inotify.max_user_instances=1024" in caught.value.fix


def test_watches(tmp_path: Path) -> None:
    proc = machine(tmp_path, instances=2, watches=100, max_user_watches=599)
    with pytest.raises(InotifyExhaustedError, match=r"fs\.inotify\.max_user_watches") as caught:
        check_inotify(control_planes=1, workers=0, proc=proc)
    assert "max_user_watches=524288" in caught.value.fix


def test_system_without_inotify_passes(tmp_path: Path) -> None:
    check_inotify(control_planes=1, workers=2, proc=tmp_path)


def test_fix_is_more_than_there_is(tmp_path: Path) -> None:
    proc = machine(tmp_path, instances=2000, max_user_instances=2000)
    with pytest.raises(InotifyExhaustedError) as caught:
        check_inotify(control_planes=1, workers=0, proc=proc)
    assert "max_user_instances=4000" in caught.value.fix


class TestOfACluster:
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        api = FakeApi()
        yield World(tmp_path / "world", api, nodes=3)
        api.close()

    @pytest.fixture
    def proc(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        proc = machine(tmp_path / "proc", instances=90)
        defaults = {"proc": proc}
        monkeypatch.setattr(host_limits.check_inotify, "__kwdefaults__", defaults)
        monkeypatch.setattr("clusters_support.FakeEngine.local", True)
        return proc

    def test_said_before_anything_is_made(self, world: World, proc: Path) -> None:
        for act in (world.provider().check, world.provider().ensure):
            with pytest.raises(InotifyExhaustedError, match="3 more nodes"):
                act()
        assert [call for call in world.books.calls("kind") if call[0] == "create"] == []
        assert world.books.read()["containers"] == {}

    def test_nodes_that_run_are_not_counted_again(self, world: World, proc: Path) -> None:
        shutil.rmtree(proc)
        machine(proc, instances=0)
        provider = world.provider()
        provider.ensure()
        shutil.rmtree(proc)
        machine(proc, instances=128)
        provider.check()
        assert not provider.ensure().created
        provider.stop()
        with pytest.raises(InotifyExhaustedError):
            provider.ensure()


@pytest.mark.parametrize(("nodes", "free", "needed"), [(1, 4.9, "5.0 GB"), (3, 6.9, "7.0 GB")])
def test_full_disk_is_said_before_anything_is_looked_for(
    tmp_path: Path,
    project_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    nodes: int,
    free: float,
    needed: str,
) -> None:
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\necho {tmp_path}\necho "$@" >>{tmp_path}/asked\n')
    client.chmod(0o755)
    engine = Engine(client, "unix:///nowhere", "24.0", "test")
    usage = SimpleNamespace(free=int(free * 10**9))
    monkeypatch.setattr("harness.supply.disk.shutil.disk_usage", lambda path: usage)
    settings = Settings.load({"nodes": str(nodes)}, {}, project_dir)
    cache = Cache(tmp_path / "cache")
    with pytest.raises(DiskTooSmallError, match=needed) as caught:
        assemble(settings, cache, Progress(quiet=True), Redactor(), engine)
    assert caught.value.looked == str(tmp_path), "the engine's own folder counts"
    [asked] = (tmp_path / "asked").read_text().splitlines()
    assert " info " in asked
