"""A node image for kind, built from Debian's packages and the Go module proxy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cache import Cache, digest
from harness.command import CommandFailedError, Completed, Scope, run
from harness.errors import DeployError
from harness.jobs import Jobs
from harness.supply import debian, gobuild
from harness.supply.runtime import runtime_wrapper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.progress import Progress, Step
    from harness.supply.engine import Engine

RECIPE = gobuild.SOURCES.parent / "node"
RUNTIME = gobuild.SOURCES.parent / "runtime"
REPOSITORY = "deploy-supply/kind-node"
LABEL = "io.deploy-harness.managed=true"
PROGRAMS = (
    gobuild.KUBERNETES,
    gobuild.ETCD,
    gobuild.COREDNS,
    gobuild.CRICTL,
    gobuild.PAUSE,
)
COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
)
_SUITE = "bookworm"  # the last whose systemd boots on cgroup v1
_DOCUMENTS = ("man", "locale", "doc", "info")
_ENTRYPOINT = '["/usr/local/bin/entrypoint", "/sbin/init"]'


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


class NodeBuildFailedError(DeployError):
    """A step of building the node image failed in the engine."""

    def __init__(self, step: str, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"{step}, to build the node image",
            seen=error.seen,
            looked=f"{error.needed}; recipe: {RECIPE}",
            fix="read its last lines above, then run again; nothing half-made stays",
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
            _Assembly(engine, progress, ref, context).run()
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


class _Assembly:
    """Base image, images of the control plane, and both made one in a container."""

    def __init__(self, engine: Engine, progress: Progress, ref: str, context: Path) -> None:
        self._engine, self._progress, self._ref, self._context = engine, progress, ref, context
        self._key = ref.rpartition(":")[2]

    def run(self) -> None:
        with self._progress.step(f"assemble {self._ref}") as step, self._temporary() as names:
            for target, name in names.items():
                step.note(f"image of {target}")
                self._build(target, name, step)
            base = names.pop("base")
            archive = self._context / "images.tar"
            step.note("images of the control plane")
            self._docker("save the images", "save", f"--output={archive}", *names.values())
            with self._container(base) as container:
                step.note("unpacking the images of the control plane")
                self._preload(container, archive, step)
                self._commit(container)

    @contextmanager
    def _temporary(self) -> Iterator[dict[str, str]]:
        """Name the images that are needed on the way, and remove them afterwards."""
        names = {"base": f"deploy-supply/node/base:{self._key}"}
        names |= {part: f"deploy-supply/node/{part}:{self._key}" for part in COMPONENTS}
        refs = list(names.values())
        try:
            yield names
        finally:
            self._remove("rmi", *refs)

    def _build(self, target: str, name: str, step: Step) -> None:
        self._docker(
            f"the image of {target}",
            "build",
            f"--target={target}",
            f"--tag={name}",
            f"--label={LABEL}",
            f"--build-arg=KUBERNETES_VERSION={gobuild.KUBERNETES.version}",
            "--progress=plain",
            str(self._context),
            on_line=step.note,
        )

    @contextmanager
    def _container(self, image: str) -> Iterator[str]:
        started = self._docker(
            "a container",
            "run",
            "--detach",
            "--privileged",
            f"--label={LABEL}",
            "--network=none",
            "--mount=type=volume,destination=/store",  # one that the image does not ask for
            "--entrypoint=/usr/bin/sleep",
            image,
            "infinity",
        )
        container = started.stdout.strip()
        try:
            yield container
        finally:
            self._remove("rm", "--force", "--volumes", container)

    def _preload(self, container: str, archive: Path, step: Step) -> None:
        for file in (archive, RECIPE / "preload"):
            self._docker("copy into the container", "cp", str(file), f"{container}:/store/")
        argv = ("exec", container, "/store/preload", f"/store/{archive.name}")
        self._docker("unpack the images", *argv, on_line=step.note)

    def _commit(self, container: str) -> None:
        self._docker(
            "keep the result",
            "commit",
            f"--change=ENTRYPOINT {_ENTRYPOINT}",
            "--change=CMD []",
            container,
            self._ref,
        )

    def _remove(self, *words: str) -> None:
        with Scope().entered():  # an interrupted run cleans up too
            run(self._engine.argv(*words), timeout=120, check=False)

    def _docker(
        self,
        what: str,
        *words: str,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        try:
            return run(
                self._engine.argv(*words),
                timeout=1200,
                env={"DOCKER_BUILDKIT": "1"},
                on_line=on_line,
            )
        except CommandFailedError as error:
            raise NodeBuildFailedError(what, error) from error
