"""Who uses a cluster at this moment: the processes of this machine, told apart by locks."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from harness.cache import Cache
from harness.errors import DeployError
from harness.tenant import Tenant


class ClusterInUseError(DeployError):
    """A cluster is to be deleted first, and another run uses it."""

    def __init__(self, cluster: str) -> None:
        super().__init__(
            needed=f"the cluster {cluster} for this run alone, to begin afresh",
            seen="another run uses it at this moment",
            looked="the locks in the cache",
            fix="wait until that has ended, or choose another --deploy-cluster-name",
        )


class TenantInUseError(DeployError):
    """Two runs would have the same database, and the same port of the node."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(
            needed=f"the database and port {tenant.node_port} of cluster {tenant.cluster} for"
            " this run alone",
            seen="another run accepts a release there at this moment",
            looked="the locks in the cache",
            fix="wait until that has ended, or choose another --deploy-cluster-name",
        )


class Usage:
    """One process's use of a cluster, and of its own place there.

    The locks are the kernel's: they end with the process, however it ends.

    Args:
        cache: where the lock files lie.
        tenant: the place.

    """

    def __init__(self, cache: Cache, tenant: Tenant) -> None:
        self._tenant = tenant
        self._place: FileLock = cache.lock(f"tenant-{tenant.name}")
        self._file = Path(str(cache.lock(f"usage-{tenant.cluster}").lock_file))
        self._run_file = self._file.with_suffix(".run")
        self._handle: int | None = None

    def enter(self) -> None:
        """Say that the cluster is used, until `leave`.

        Raises:
            TenantInUseError: another process has this very place.

        """
        try:
            self._place.acquire(timeout=0)
        except Timeout as error:
            raise TenantInUseError(self._tenant) from error
        self._lock(fcntl.LOCK_SH)

    def leave(self) -> None:
        """Give both back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._place.release()

    @contextlib.contextmanager
    def first_of(self, run: str) -> Iterator[bool]:
        """Have the cluster alone, and tell whether no process of this run had it before.

        Raises:
            ClusterInUseError: a process of another run uses it.

        """
        alone = self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            known = self._run_file.read_text() if self._run_file.exists() else ""
            if known != run:
                if not alone:
                    raise ClusterInUseError(self._tenant.cluster)
                self._run_file.write_text(run)
            yield known != run
        finally:
            self._lock(fcntl.LOCK_UN)

    @contextlib.contextmanager
    def last(self) -> Iterator[bool]:
        """Tell whether nobody uses the cluster any more; nobody begins to meanwhile."""
        try:
            yield self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            self.leave()

    def _lock(self, operation: int) -> bool:
        if self._handle is None:
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, operation)
        except BlockingIOError:
            return False
        return True
