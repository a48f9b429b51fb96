"""Room on the disk, asked for before anything is built."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.errors import DeployError
from harness.supply.engine import Engine

_GB = 10**9
#: Room in units of 10^9 bytes: for all that may have to be built, and for a run.
ROOM_TO_PREPARE_GB = 15.0
ROOM_TO_RUN_GB = 5.0


_ANOTHER_NODE_GB = 1.0  # the application's images once more, and what its pods write


def room_to_run_gb(nodes: int) -> float:
    """Return the room for a run on a cluster of so many nodes."""
    return ROOM_TO_RUN_GB + (nodes - 1) * _ANOTHER_NODE_GB


class DiskTooSmallError(DeployError):
    """The disk that something is to be made on has too little room left."""

    def __init__(self, path: Path, free_gb: float, needed_gb: float) -> None:
        super().__init__(
            needed=f"{needed_gb:.1f} GB free",
            seen=f"{free_gb:.1f} GB free",
            looked=str(path),
            fix="free some room, or let `make clean` remove what earlier runs left",
        )


def check_disk(where: Path | Engine, needed_gb: float) -> None:
    """Make sure that there is room at a path, or where an engine keeps its images.

    A path that does not exist yet counts as its nearest parent. An engine whose folder
    is not on this machine (a virtual machine, another host) cannot be asked and passes.

    Args:
        where: a path or an engine.
        needed_gb: in units of 10^9 bytes.

    Raises:
        DiskTooSmallError.

    """
    path = engine_folder(where) if isinstance(where, Engine) else where
    if path is None:
        return
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    free_gb = shutil.disk_usage(existing).free / _GB
    if free_gb < needed_gb:
        raise DiskTooSmallError(path, free_gb, needed_gb)


def engine_folder(engine: Engine) -> Path | None:
    """Return the folder that an engine writes to, None when it is not to be seen from here."""
    told = engine.run("info", "--format", "{{.DockerRootDir}}", timeout=30, check=False).stdout
    folder = Path(told.strip()) if told.strip() else None
    return folder if engine.host.startswith("unix://") and folder and folder.exists() else None
