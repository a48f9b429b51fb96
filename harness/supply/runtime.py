"""The OCI runtime wrapper for machines that lack capabilities, built from supply/runtime.

An engine asks for every capability in a privileged container, and a kubelet for
out-of-memory scores below its own. Where the bounding set is reduced both are refused;
the wrapper asks for what there is instead, then becomes the real runtime.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from harness.cache import Cache, digest
from harness.command import run
from harness.progress import Progress
from harness.supply.go import ensure_go

SOURCES = Path(__file__).resolve().parents[2] / "supply" / "runtime"
NAME = "deploy-runtime"


def bounding_set_reduced(proc: Path = Path("/proc")) -> bool:
    """Say whether this process may hand on fewer capabilities than the kernel knows.

    Where there is no such account (not Linux), nothing is reduced.
    """
    try:
        status = (proc / "self" / "status").read_text()
        last = int((proc / "sys" / "kernel" / "cap_last_cap").read_text())
    except FileNotFoundError:
        return False
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.M)
    every = (1 << (last + 1)) - 1
    return found is not None and int(found[1], 16) & every != every


def runtime_wrapper(
    cache: Cache, progress: Progress, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the wrapper: one static Linux program of 2 MB without dependencies.

    It runs the first `runc` of the usual folders that is not itself, or the program
    that DEPLOY_REAL_RUNTIME names. Built once for each content of its sources.

    Raises:
        WheelNotInstalledError: there is no Go and it cannot be had.
        CommandFailedError: with the compiler's words.

    """
    environ = os.environ if environ is None else environ
    sources = [*sorted(SOURCES.glob("*.go")), SOURCES / "go.mod"]
    key = digest(files=sources, root=SOURCES, machine=platform.machine())

    def make(folder: Path) -> None:
        go = ensure_go(environ, cache, progress)
        with progress.step("build the runtime wrapper"):
            run(
                [go.program, "build", "-trimpath", "-ldflags=-s -w", "-o", folder / NAME, "."],
                timeout=600,
                cwd=SOURCES,
                env={**go.env, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOOS": "linux"},
            )

    return cache.make("runtime", key, make) / NAME
