"""Several processes on one cluster: who was first, who is last, and who is in the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.clusters.usage import ClusterInUseError, TenantInUseError, Usage
from harness.tenant import Tenant

_OTHER = """
import sys
from pathlib import Path
from harness.cache import Cache
from harness.clusters.usage import Usage
from harness.tenant import Tenant

root, run, slot = sys.argv[1:]
usage = Usage(Cache(Path(root)), Tenant("deploy-x", int(slot)))
with usage.first_of(run):
    pass
usage.enter()
print("in", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[[str, int], subprocess.Popen[str]]]:
    """Another process that uses the cluster until it is told to end."""
    started: list[subprocess.Popen[str]] = []

    def start(run: str, slot: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _OTHER, str(tmp_path), run, str(slot)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def usage(tmp_path: Path, slot: int = 0) -> Usage:
    return Usage(Cache(tmp_path), Tenant("deploy-x", slot))


def test_alone_one_is_first_and_last(tmp_path: Path) -> None:
    mine = usage(tmp_path)
    with mine.first_of("run") as first:
        assert first
    mine.enter()
    with mine.last() as last:
        assert last
    with mine.first_of("run") as first:
        assert not first, "what this run has made is not deleted again"


def test_another_process_of_the_run_was_first_and_keeps_the_cluster(
    tmp_path: Path, other: Callable[[str, int], subprocess.Popen[str]]
) -> None:
    process = other("run", 1)
    mine = usage(tmp_path)
    with mine.first_of("run") as first:
        assert not first
    mine.enter()
    with mine.last() as last:
        assert not last
    process.kill()
    process.wait()
    mine.enter()
    with mine.last() as last:
        assert last, "a process that died uses nothing"


def test_a_cluster_in_use_is_not_deleted(
    tmp_path: Path, other: Callable[[str, int], subprocess.Popen[str]]
) -> None:
    other("another", 1)
    with pytest.raises(ClusterInUseError, match="deploy-x"), usage(tmp_path).first_of("run"):
        pass


def test_two_runs_do_not_share_a_place(
    tmp_path: Path, other: Callable[[str, int], subprocess.Popen[str]]
) -> None:
    other("run", 0)
    with pytest.raises(TenantInUseError, match="port 30080 of cluster deploy-x"):
        usage(tmp_path).enter()
    usage(tmp_path, 1).enter()
