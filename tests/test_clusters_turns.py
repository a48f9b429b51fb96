"""Turns at a cluster: together, or alone, and nobody is passed over."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.clusters.turns import Turns

NAME = "deploy-shop"
OTHER = """
import sys
from pathlib import Path
from harness.cache import Cache
from harness.clusters.turns import Turns

with Turns(Cache(Path(sys.argv[1])), sys.argv[2]).taken(alone=sys.argv[3] == "alone"):
    print("in", flush=True)
    sys.stdin.read()
"""


def another(root: Path, how: str, cluster: str = NAME) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", OTHER, str(root), cluster, how]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def entered(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "in\n"


def left(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_several_are_there_together(tmp_path: Path) -> None:
    other = another(tmp_path, "together")
    assert entered(other)
    with Turns(Cache(tmp_path), NAME).taken(alone=False):
        left(other)


@pytest.mark.parametrize(("ours", "theirs"), [(True, "together"), (False, "alone")])
def test_one_is_alone(tmp_path: Path, *, ours: bool, theirs: str) -> None:
    with Turns(Cache(tmp_path), NAME).taken(alone=ours):
        other = another(tmp_path, theirs)
        waits = threading.Thread(target=entered, args=(other,))
        waits.start()
        waits.join(1.0)
        assert waits.is_alive(), "it came in"
    waits.join(20)
    assert not waits.is_alive()
    left(other)


def test_whoever_waits_to_be_alone_is_not_passed_over(tmp_path: Path) -> None:
    first = another(tmp_path, "together")
    assert entered(first)
    alone = another(tmp_path, "alone")
    waits = threading.Thread(target=entered, args=(alone,))
    waits.start()
    waits.join(1.0)
    late = another(tmp_path, "together")
    comes = threading.Thread(target=entered, args=(late,))
    comes.start()
    comes.join(1.0)
    assert waits.is_alive()
    assert comes.is_alive(), "it came in before the one who waits"
    left(first)
    waits.join(20)
    left(alone)
    comes.join(20)
    left(late)


def test_other_clusters_have_other_turns(tmp_path: Path) -> None:
    with Turns(Cache(tmp_path), NAME).taken(alone=True):
        other = another(tmp_path, "alone", "deploy-other")
        assert entered(other)
        left(other)


def test_a_killed_process_leaves_its_turn(tmp_path: Path) -> None:
    other = another(tmp_path, "alone")
    assert entered(other)
    other.kill()
    other.communicate(timeout=20)
    with Turns(Cache(tmp_path), NAME).taken(alone=True):
        pass
