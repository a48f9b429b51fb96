"""Putting the node image together in the engine, from a context with all its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.command import CommandFailedError, Completed, run
from harness.errors import DeployError
from harness.labels import MANAGED
from harness.scope import Scope
from harness.supply import gobuild

if TYPE_CHECKING:
    from harness.progress import Progress, Step
    from harness.supply.engine import Engine

RECIPE = gobuild.SOURCES.parent / "node"
LABEL = f"{MANAGED}=true"
COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
)
_ENTRYPOINT = '["/usr/local/bin/entrypoint", "/sbin/init"]'


class NodeBuildFailedError(DeployError):
    """A step of building the node image failed in the engine."""

    def __init__(self, step: str, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"{step}, to build the node image",
            seen=error.seen,
            looked=f"{error.needed}; recipe: {RECIPE}",
            fix="read its last lines above, then run again; nothing half-made stays",
        )


class Assembly:
    """Base image, images of the control plane, and both made one in a container."""

    def __init__(self, engine: Engine, progress: Progress, ref: str, context: Path) -> None:
        self._engine, self._progress, self._ref, self._context = engine, progress, ref, context
        self._key = ref.rpartition(":")[2]

    def run(self) -> None:
        """Make the image. Raises NodeBuildFailedError; nothing half-made stays."""
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
