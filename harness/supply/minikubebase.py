"""The base image of Minikube's node: its own, or one made of the node image that we build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.cache import digest
from harness.command import CommandFailedError
from harness.errors import DeployError
from harness.supply import gobuild, nodebuild
from harness.supply.nodes import Wanted

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.progress import Progress
    from harness.supply.engine import Engine

RECIPE = gobuild.SOURCES.parent / "minikube"
REPOSITORY = "deploy-supply/minikube-base"
_TIMEOUT = 900.0  # seconds


class MinikubeBaseFailedError(DeployError):
    """The engine could not build the base image."""

    def __init__(self, error: CommandFailedError) -> None:
        super().__init__(
            needed="a base image for Minikube's node, built from the node image",
            seen=error.seen,
            looked=f"{error.needed}; recipe: {RECIPE}",
            fix="read its last lines above, then run again; most often Debian's package archive "
            "cannot be reached from a container",
        )


def reference() -> str:
    """Name the image by the content of everything that it is built from."""
    content = digest(
        files=[RECIPE],
        root=RECIPE,
        node=nodebuild.reference(),
        minikube=gobuild.MINIKUBE.version,
    )
    return f"{REPOSITORY}:{gobuild.KUBERNETES.version}-{content[:12]}"


def build(engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]) -> str:
    """Build the image and return its reference; it is in the engine afterwards.

    Raises:
        MinikubeBaseFailedError, and what `nodebuild.build` raises.

    """
    ref = reference()
    node = nodebuild.build(engine, cache, progress, environ)
    with cache.lock("minikube-base-" + ref.rpartition(":")[2]):
        if engine.has_image(ref):
            return ref
        with progress.step(f"assemble {ref}") as step:
            arguments = {
                "NODE": node,
                "KUBERNETES_VERSION": gobuild.KUBERNETES.version,
                "MINIKUBE_VERSION": gobuild.MINIKUBE.version,
            }
            flags = [f"--build-arg={name}={value}" for name, value in arguments.items()]
            try:
                engine.run(
                    *("build", "--progress=plain", f"--tag={ref}", *engine.labels(), *flags),
                    str(RECIPE),
                    timeout=_TIMEOUT,
                    on_line=step.note,
                )
            except CommandFailedError as error:
                raise MinikubeBaseFailedError(error) from error
    return ref


#: What Minikube 1.37 names in its pkg/drivers/kic/types.go, in the engine's default registry.
OFFICIAL = (
    "kicbase/stable:v0.0.48@sha256:7171c97a51623558720f8e5878e4f4637da093e2f2ed589997bedc6c1549b2b1"
)
BASE = Wanted(
    tool="Minikube",
    what="minikube base",
    official=OFFICIAL,
    of="the official image of Minikube 1.37",
    variable="DEPLOY_MINIKUBE_IMAGE",
    repository=REPOSITORY,
    reference=reference,
    build=build,
    kubernetes="v1.34.0",  # its own default, in its pkg/minikube/constants
    prepare="DEPLOY_CLUSTER=minikube make prepare",
)
