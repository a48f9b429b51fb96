"""The image of the probe: one static binary, compiled here, named by its source."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cache import Cache, digest
from harness.command import CommandFailedError, run
from harness.errors import DeployError
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.jobs import Jobs
    from harness.supply.engine import Engine

SOURCES = Path(__file__).resolve().parents[2] / "supply" / "probe"
REPOSITORY = "deploy-harness/probe"
_COMPILE = 600.0  # seconds; most of it for the first download of modules
_BUILD = 120.0


class ProbeNotBuiltError(DeployError):
    """The probe could not be compiled, or its image not built."""

    def __init__(self, step: str, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"the probe image ({step})",
            seen=error.seen,
            looked=str(SOURCES),
            fix="check that `go env GOPROXY` names a proxy that this machine reaches"
            if step == "compile"
            else "see that the engine can build images",
        )


@dataclass(frozen=True)
class ProbeImage:
    """The probe's image in the engine."""

    ref: str


@dataclass(frozen=True)
class ProbeSource:
    """The probe's image of a run: built once, when it is first needed.

    Attributes:
        jobs: of the run.
        engine: where the image is to be.
        cache: keeps the compiled binary.
        progress: told what is done.
        environ: where a Go compiler is looked for.
        adopt: gives the image the name by which a cluster pulls it, where that is another.

    """

    jobs: Jobs
    engine: Engine
    cache: Cache
    progress: Progress
    environ: Mapping[str, str] = field(repr=False)
    adopt: Callable[[str], str] | None = None

    def begin(self) -> Future[str]:
        """Start to have it, and return at once what is under way."""
        return self.jobs.start("probe image", self._ensure)

    def ref(self) -> str:
        """Return its name. Raises what `ensure_probe_image` does."""
        return self.begin().result()

    def _ensure(self) -> str:
        ref = ensure_probe_image(self.engine, self.cache, self.progress, self.environ).ref
        return self.adopt(ref) if self.adopt else ref


def ensure_probe_image(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> ProbeImage:
    """Return the probe's image, built unless the engine has it.

    Args:
        engine: where it is to be.
        cache: keeps the compiled binary.
        progress: told what is done.
        environ: where a Go compiler is looked for.

    Raises:
        ProbeNotBuiltError: with the words of the compiler or the engine.
        WheelNotInstalledError: there is no Go and it cannot be had.

    """
    platform = engine.argv("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
    goos, _, goarch = run(platform, timeout=30).stdout.strip().partition("/")
    key = digest(files=[SOURCES], root=SOURCES, goos=goos, goarch=goarch)
    ref = f"{REPOSITORY}:{key}"
    if engine.has_image(ref):
        return ProbeImage(ref)

    def compiled(folder: Path) -> None:
        from harness.supply.go import ensure_go

        go = ensure_go(environ, cache, progress)
        target = {
            "GOOS": goos,
            "GOARCH": goarch,
            "CGO_ENABLED": "0",
            "GOFLAGS": "",
            "GOWORK": "off",
        }
        words = ("build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w")
        with progress.step("compile the probe") as step:
            argv: list[str | Path] = [go.program, *words, f"-o={folder / 'probe'}", "."]
            run(argv, timeout=_COMPILE, cwd=SOURCES, env={**go.env, **target}, on_line=step.note)

    try:
        binary = cache.make("probe", key, compiled) / "probe"
    except CommandFailedError as error:
        raise ProbeNotBuiltError("compile", error) from error
    with tempfile.TemporaryDirectory(prefix="deploy-probe-") as folder:
        shutil.copy2(binary, folder)
        shutil.copy2(SOURCES / "Dockerfile", folder)
        try:
            words = ("build", "--quiet", *engine.labels(), "--tag", ref, folder)
            engine.run(*words, timeout=_BUILD)
        except CommandFailedError as error:
            raise ProbeNotBuiltError("image", error) from error
    return ProbeImage(ref)
