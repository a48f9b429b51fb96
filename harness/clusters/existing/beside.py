"""What a run on a cluster that exists has made on this machine: containers and small files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.clusters.usage import Usage
from harness.images import containers
from harness.labels import CLUSTER, MANAGED
from harness.options import GUEST
from harness.tenant import Guest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.cache import Cache
    from harness.supply.engine import Engine

_KEPT = "kept"


def keep(cache: Cache, name: str) -> None:
    """Have what a process has made on this machine stay, for the release that stays."""
    file = _mark(cache, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def forget(cache: Cache, name: str) -> None:
    """Remove the passwords and locks of a process that has ended. Its name is nobody else's."""
    for folder in ("secrets", "databases", "standins", "locks", "guests"):
        for file in (cache.root / folder).glob(f"*{name}[!0-9]*"):
            file.unlink(missing_ok=True)


def sweep(engine: Engine, cache: Cache) -> list[str]:
    """Remove what processes of this machine have left that were killed; return their names.

    A process that lives holds the lock of its name, however busy it is. Whoever keeps its
    locks in another cache is not known here, and left alone.
    """
    removed = []
    for name in sorted(set(_names(engine))):
        if _mark(cache, name).exists() or not _known(cache, name):
            continue
        with Usage(cache, Guest(name)).last() as dead:
            if not dead:
                continue
            wanted = [f"{MANAGED}=true", f"{CLUSTER}={name}"]
            for container in engine.sdk().containers.list(all=True, filters={"label": wanted}):
                containers.remove(container)
            containers.remove_side_network(engine, name)
            removed.append(name)
        forget(cache, name)
    return removed


def _names(engine: Engine) -> Iterator[str]:
    sdk, ours = engine.sdk(), f"{MANAGED}=true"
    found = [one.labels for one in sdk.containers.list(all=True, filters={"label": ours})]
    found += [
        (one.attrs or {}).get("Labels") or {} for one in sdk.networks.list(filters={"label": ours})
    ]
    for labels in found:
        if (name := labels.get(CLUSTER, "")).startswith(GUEST):
            yield name


def _known(cache: Cache, name: str) -> bool:
    return Path(cache.lock(f"usage-{name}").lock_file).exists()


def _mark(cache: Cache, name: str) -> Path:
    return cache.root / "guests" / f"{name}.{_KEPT}"
