"""Programs that the Python package index serves as wheels, pinned in supply/wheels."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.cache import Cache, digest
from harness.command import CommandFailedError, run
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply.authority import for_programs

PINS = Path(__file__).resolve().parents[2] / "supply" / "wheels" / "pins.lock"
_TIMEOUT = 900.0  # seconds; the largest is 70 MB


class WheelNotInstalledError(DeployError):
    """The package index did not give a pinned wheel, or gave another one."""

    def __init__(self, name: str, installer: str, said: str) -> None:
        super().__init__(
            needed=f"the pinned wheel {name} from the Python package index",
            seen=said,
            looked=f"{installer}, with the hashes of {PINS}",
            fix="check that the index is reachable and serves this platform, then run again",
        )


class InstallerMissingError(DeployError):
    """Neither uv nor pip is there."""

    def __init__(self) -> None:
        super().__init__(
            needed="uv or pip, to install a pinned wheel",
            seen="neither",
            looked=f"uv on the PATH and beside {sys.executable}, pip as its module",
            fix="run `make prepare`, which makes the environment with both",
        )


def pinned(*names: str, text: str | None = None) -> str:
    """Return the lines of the lock file for these packages, hashes included."""
    text = PINS.read_text() if text is None else text
    entries = re.findall(r"^[\w.-]+==(?:.*\\\n)*.*$", text, re.M)
    wanted = [entry for entry in entries if entry.split("==")[0] in names]
    missing = set(names) - {entry.split("==")[0] for entry in wanted}
    if missing:
        raise WheelNotInstalledError(" and ".join(sorted(missing)), "nothing", "not pinned")
    return "\n".join(wanted) + "\n"


def installed(name: str, *names: str, cache: Cache) -> Path:
    """Return the folder that the wheels of these names lie in, or will lie in."""
    key = digest(pins=pinned(name, *names), system=sys.platform, machine=platform.machine())
    return cache.path("wheels", f"{name}-{key}")


def install(
    name: str, *names: str, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> Path:
    """Return the folder of an unpacked wheel and those it needs, from the cache if there.

    Raises:
        InstallerMissingError, WheelNotInstalledError.

    """

    def make(folder: Path) -> None:
        requirements = folder / "requirements.txt"
        requirements.write_text(pinned(name, *names))
        installer = _installer(environ)
        version = re.search(r"==(\S+)", requirements.read_text())
        title = f"install {name} {version[1] if version else ''} from its wheel"
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target"]
        with progress.step(title) as step:
            try:
                run(
                    [*installer, *options, folder, "--requirement", requirements],
                    timeout=_TIMEOUT,
                    env=for_programs(environ),
                    on_line=step.note,
                )
            except CommandFailedError as error:
                raise WheelNotInstalledError(name, str(installer[0]), error.seen) from error

    final = installed(name, *names, cache=cache)
    return cache.make("wheels", final.name, make)


def _installer(environ: Mapping[str, str]) -> list[str | Path]:
    beside = Path(sys.executable).parent / "uv"
    found = beside if beside.is_file() else shutil.which("uv", path=environ.get("PATH"))
    if found:
        return [found, "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    raise InstallerMissingError
