"""Packages of the machine's own Debian, where we may install them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.cache import Cache
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.errors import DeployError
from harness.progress import Progress

_ENV = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
# Another apt at work is waited for rather than failed on.
_APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
_APT_CACHE = "apt-cache"
_TIMEOUT = 1200.0


class PackagesNotInstalledError(DeployError):
    """apt could not install what is needed."""

    def __init__(self, packages: Sequence[str], said: str) -> None:
        super().__init__(
            needed=f"Debian's packages {', '.join(packages)}",
            seen=said,
            looked="apt-get update and apt-get install",
            fix="make `apt-get install " + " ".join(packages) + "` work on this machine",
        )


def may_install() -> bool:
    """Say whether this process may install Debian packages: root, and apt is there."""
    return os.geteuid() == 0 and bool(shutil.which("apt-get")) and _is_debian()


def _is_debian() -> bool:
    return Path("/etc/debian_version").is_file()


def install(
    packages: Sequence[str], cache: Cache, progress: Progress, *, where_offered: Sequence[str] = ()
) -> None:
    """Install packages without what they merely recommend; several processes take turns.

    The package lists are fetched anew only when the install fails with those at hand.

    Args:
        packages: what is needed.
        cache: holds the lock.
        progress: told what is done.
        where_offered: what other releases of Debian have as packages of their own.

    Raises:
        PackagesNotInstalledError: with apt's words.

    """
    _install(packages, cache, progress)
    if offered := [name for name in where_offered if _offered(name)]:
        _install(offered, cache, progress)


def _offered(package: str) -> bool:
    told = run([_APT_CACHE, "policy", package], timeout=60, env=_ENV).stdout
    candidate = re.search(r"Candidate: (.*)", told)
    return candidate is not None and candidate[1] != "(none)"


def _install(packages: Sequence[str], cache: Cache, progress: Progress) -> None:
    words = [*_APT, "install", "--yes", "--no-install-recommends", *packages]
    with cache.lock("apt"), progress.step(f"install {', '.join(packages)} by apt") as step:
        try:
            done = run(words, timeout=_TIMEOUT, env=_ENV, check=False, on_line=step.note)
            if done.returncode != 0:
                run([*_APT, "update"], timeout=_TIMEOUT, env=_ENV, on_line=step.note)
                run(words, timeout=_TIMEOUT, env=_ENV, on_line=step.note)
        except (CommandFailedError, CommandTimedOutError) as error:
            raise PackagesNotInstalledError(packages, error.seen) from error
