"""What a machine's kernel allows for, and every node takes a part of: watchers of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.clusters.errors import InotifyExhaustedError

# Counted on running nodes: systemd 3, the kubelet 7, containerd and kube-proxy 1 each; and
# on the control plane 6 to 7 each of the API server and the controllers.
_CONTROL_PLANE, _WORKER = 25, 14
_WATCHES = 400
_FOLDER = "sys/fs/inotify"
# What `fix` recommends at least.
_ROOMY = {"max_user_instances": 1024, "max_user_watches": 524288}


@dataclass(frozen=True)
class Inotify:
    """How many watchers of files root may have, and has now."""

    limit_instances: int
    limit_watches: int
    instances: int
    watches: int


def inotify(proc: Path = Path("/proc")) -> Inotify | None:
    """Return the limits, and what root's processes use of them; None where there are none.

    Nodes run as root, whoever asks for them. What of a foreign process may not be read
    counts as nothing.
    """
    try:
        limits = [int((proc / _FOLDER / name).read_text()) for name in _ROOMY]
    except (OSError, ValueError):
        return None
    counts = [count for process in _of_root(proc) for count in _watches(process)]
    return Inotify(limits[0], limits[1], len(counts), sum(counts))


def check_inotify(*, control_planes: int, workers: int, proc: Path = Path("/proc")) -> None:
    """Make sure that so many further nodes can watch files.

    A node that cannot fails minutes later, with other words: systemd or the kubelet ends
    with "too many open files".

    Args:
        control_planes: how many do not run yet.
        workers: the same.
        proc: where the kernel tells its limits.

    Raises:
        InotifyExhaustedError.

    """
    nodes = control_planes + workers
    if not nodes or (seen := inotify(proc)) is None:
        return
    for name, limit, used, needed in (
        (
            "max_user_instances",
            seen.limit_instances,
            seen.instances,
            control_planes * _CONTROL_PLANE + workers * _WORKER,
        ),
        ("max_user_watches", seen.limit_watches, seen.watches, nodes * _WATCHES),
    ):
        if limit - used < needed:
            better = max(_ROOMY[name], 2 * limit)
            where = proc / _FOLDER / name
            raise InotifyExhaustedError(nodes, where, limit, used, needed, better)


def _of_root(proc: Path) -> Iterator[Path]:
    for process in proc.iterdir():
        if process.name.isdecimal():
            try:
                if process.stat().st_uid == 0:
                    yield process
            except OSError:
                continue  # it has ended


def _watches(process: Path) -> Iterator[int]:
    """Yield the number of watches of each inotify instance that a process has open."""
    try:
        files = list((process / "fd").iterdir())
    except OSError:
        return
    for file in files:
        try:
            if "inotify" not in str(file.readlink()):
                continue
            told = (process / "fdinfo" / file.name).read_text()
        except OSError:
            continue
        yield sum(line.startswith("inotify wd:") for line in told.splitlines())
