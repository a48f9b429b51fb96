"""Who may rely on a cluster as a whole: several processes together, or one alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from harness.cache import Cache


class Turns:
    """Turns at one cluster, for the processes of this machine.

    A scenario that takes a node away disturbs all that runs beside it, in other namespaces
    too. It waits until the others are between two scenarios, and they wait until it is over.
    The locks are the kernel's: they end with the process, however it ends.

    Args:
        cache: where the lock files lie.
        cluster: its name.

    """

    def __init__(self, cache: Cache, cluster: str) -> None:
        self._door, self._room = (
            Path(str(cache.lock(f"{what}-{cluster}").lock_file)) for what in ("door", "room")
        )

    @contextlib.contextmanager
    def taken(self, *, alone: bool) -> Iterator[None]:
        """Have the cluster for a block, alone or with others.

        Who waits to be alone holds the door, so that no others come in before.
        """
        kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        with contextlib.ExitStack() as stack:
            with _held(self._door, kind):
                stack.enter_context(_held(self._room, kind))
            yield


@contextlib.contextmanager
def _held(file: Path, kind: int) -> Iterator[None]:
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)
