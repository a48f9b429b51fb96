"""Removing what runs left behind, and nothing else."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.cache import Cache
from harness.labels import CLUSTER, MANAGED
from harness.progress import Progress
from harness.supply.engine import Engine
from harness.supply.standin import REPOSITORY

#: Labels that only runs give; those of an image are inherited by whoever uses it.
_RUN_LABELS = (CLUSTER, "io.x-k8s.kind.cluster")
#: What runs keep on disk; the rest of the cache is what was prepared.
_RUN_FOLDERS = ("clusters", "databases", "secrets", "standins")
_ENDS_WITHIN = 60.0


def clean(engine: Engine, cache: Cache, progress: Progress) -> None:
    """Remove clusters, containers, networks, volumes and images that runs made.

    Known by our label; base and node images, which were prepared, stay. Runs that are
    under way lose what they use.
    """
    ours: dict[str, str | list[str] | bool] = {"label": f"{MANAGED}=true"}
    client = engine.sdk()
    for container in client.containers.list(all=True, filters=ours, ignore_removed=True):
        if _of_a_run(container.attrs, container.image):
            remove = functools.partial(container.remove, force=True, v=True)
            _remove(f"container {container.name}", remove, progress)
    for network in client.networks.list(filters=ours):
        _remove(f"network {network.name}", network.remove, progress)
    for volume in client.volumes.list(filters=ours):
        _remove(f"volume {volume.name}", functools.partial(volume.remove, force=True), progress)
    _remove_images(engine, progress, prepared=False)
    for name in _RUN_FOLDERS:
        shutil.rmtree(cache.root / name, ignore_errors=True)


def distclean(engine: Engine | None, cache: Cache, progress: Progress) -> None:
    """Remove what was prepared: base and node images, the cache, an engine that we started.

    The engine stays, with its files, as long as it has containers that are not ours.
    Whatever was installed from the system's packages stays as well.
    """
    keep: tuple[str, ...] = ()
    if engine is not None:
        _remove_images(engine, progress, prepared=True)
        if engine.sdk().containers.list(all=True):
            keep = ("engine", "runtime", "locks")
            progress.say("  the engine has other containers: it stays as it is")
    if not keep:
        stop_engine(cache, progress)
    for entry in cache.root.iterdir() if cache.root.is_dir() else ():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    progress.say(f"  removed what was prepared in {cache.root}")


def stop_engine(cache: Cache, progress: Progress) -> None:
    """End the engine that we started, if it runs; wait until it has ended."""
    file = cache.root / "engine" / "dockerd.pid"
    if not file.is_file():
        return
    pid = int(file.read_text().strip() or 0)
    comm = Path(f"/proc/{pid}/comm")
    if not pid or not comm.is_file() or comm.read_text().strip() != "dockerd":
        return
    import select

    with contextlib.suppress(ProcessLookupError), progress.step("stop the container engine"):
        process = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            select.select([process], [], [], _ENDS_WITHIN)
        finally:
            os.close(process)


def _of_a_run(attributes: Mapping[str, Any], image: Any) -> bool:
    """Say whether a container was labelled by us, rather than by the image it comes from."""
    own = attributes.get("Config", {}).get("Labels") or {}
    inherited = (image.labels or {}) if image is not None else {}
    return MANAGED not in inherited or any(label in own for label in _RUN_LABELS)


def _remove_images(engine: Engine, progress: Progress, *, prepared: bool) -> None:
    client = engine.sdk()
    for image in client.images.list(filters={"label": f"{MANAGED}=true"}):
        names = image.tags or [str(image.id)]
        for name in names:
            if name.startswith(f"{REPOSITORY}/") is not prepared:
                continue
            _remove(f"image {name}", functools.partial(client.images.remove, name), progress)


def _remove(what: str, remove: Callable[[], object], progress: Progress) -> None:
    """Remove one thing; what somebody else uses stays, and the rest is gone on with."""
    from docker.errors import APIError, NotFound

    try:
        remove()
    except NotFound:
        return
    except APIError as error:
        progress.say(f"  kept {what}: {error.explanation}")
    else:
        progress.say(f"  removed {what}")
