"""A node image for kind, built from Debian's packages and the Go module proxy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cache import Cache, digest
from harness.command import CommandFailedError, run
from harness.errors import DeployError
from harness.jobs import Jobs
from harness.supply import debian, gobuild
from harness.supply.nodeassembly import RECIPE, Assembly
from harness.supply.runtime import runtime_wrapper

if TYPE_CHECKING:
    from harness.progress import Progress
    from harness.supply.engine import Engine

RUNTIME = gobuild.SOURCES.parent / "runtime"
REPOSITORY = "deploy-supply/kind-node"
PROGRAMS = (
    gobuild.KUBERNETES,
    gobuild.ETCD,
    gobuild.COREDNS,
    gobuild.CRICTL,
    gobuild.PAUSE,
)
_SUITE = "bookworm"  # the last whose systemd boots on cgroup v1
_DOCUMENTS = ("man", "locale", "doc", "info")


class MmdebstrapMissingError(DeployError):
    """Debian's packages cannot be made into a root file system without mmdebstrap."""

    def __init__(self) -> None:
        super().__init__(
            needed="mmdebstrap, to build the node image from Debian's packages",
            seen="no such program, and no image registry to take the official image from",
            looked="the PATH",
            fix="install it (`apt-get install mmdebstrap`), or give access to an image registry",
        )


class PackagesFailedError(DeployError):
    """mmdebstrap did not make a root file system."""

    def __init__(self, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"a root file system of Debian {_SUITE}",
            seen=error.seen,
            looked="mmdebstrap, with the packages of " + str(RECIPE / "packages.txt"),
            fix="check that this machine reaches Debian's package archive (`apt-get update`)",
        )


def reference() -> str:
    """Name the image by the content of everything that it is built from."""
    content = digest(
        files=[RECIPE, RUNTIME],
        root=RECIPE.parent,
        programs=[program.key("linux") for program in PROGRAMS],
        suite=_SUITE,
    )
    return f"{REPOSITORY}:{gobuild.KUBERNETES.version}-{content[:12]}"


def build(
    engine: Engine,
    cache: Cache,
    progress: Progress,
    environ: Mapping[str, str],
) -> str:
    """Build the image and return its reference; it is in the engine afterwards.

    Args:
        engine: builds it and holds it.
        cache: keeps programs and root file system, so that a second build is short.
        progress: told what happens.
        environ: where a Go compiler is looked for.

    Raises:
        MmdebstrapMissingError, PackagesFailedError, NodeBuildFailedError, and what
        `gobuild.Program.build` and `runtime_wrapper` raise.

    """
    ref = reference()
    with cache.lock("node-image-" + ref.rpartition(":")[2]):
        if engine.has_image(ref):
            return ref
        jobs, finished = Jobs(1), False
        try:
            packages = jobs.start("packages", lambda: _root_file_system(cache, progress))
            programs = {
                program.name: program.build(cache, progress, environ, goos="linux")
                for program in PROGRAMS
            }
            programs["runtime-wrapper"] = runtime_wrapper(cache, progress, environ)
            rootfs = packages.result()
            finished = True
        finally:
            jobs.close(interrupted=not finished)
        with tempfile.TemporaryDirectory(prefix="deploy-node-") as folder:
            context = _context(Path(folder), rootfs, programs)
            Assembly(engine, progress, ref, context).run()
    return ref


def _mmdebstrap(cache: Cache, progress: Progress) -> str:
    if shutil.which("mmdebstrap") is None and debian.may_install():
        debian.install(["mmdebstrap"], cache, progress)
    if (program := shutil.which("mmdebstrap")) is None:
        raise MmdebstrapMissingError
    return program


def _root_file_system(cache: Cache, progress: Progress) -> Path:
    hook, packages = RECIPE / "trim", RECIPE / "packages.txt"

    def make(folder: Path) -> None:
        program = _mmdebstrap(cache, progress)
        with progress.step(f"Debian {_SUITE} for the node") as step:
            excluded = (f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _DOCUMENTS)
            argv = [
                program,
                "--variant=minbase",
                *excluded,
                "--dpkgopt=path-include=/usr/share/doc/*/copyright",
                "--include=" + ",".join(packages.read_text().split()),
                f"--customize-hook={hook}",
                _SUITE,
                str(folder / "rootfs.tar"),
            ]
            try:
                run(argv, timeout=1800, on_line=step.note)
            except CommandFailedError as error:
                raise PackagesFailedError(error) from error

    key = digest(files=[hook, packages], suite=_SUITE, documents=_DOCUMENTS)
    return cache.make("node-rootfs", key, make) / "rootfs.tar"


def _context(folder: Path, rootfs: Path, programs: Mapping[str, Path]) -> Path:
    shutil.copytree(RECIPE, folder, dirs_exist_ok=True, symlinks=True)
    (folder / "bin").mkdir()
    for name, path in programs.items():
        shutil.copy2(path, folder / "bin" / name)
    shutil.copyfile(rootfs, folder / "rootfs.tar")
    return folder
