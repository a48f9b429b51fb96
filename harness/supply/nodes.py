"""The image that kind's nodes are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.command import CommandFailedError, run
from harness.errors import DeployError
from harness.supply import gobuild, mirror, nodebuild
from harness.supply.engine import registry_reachable

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.progress import Progress
    from harness.supply.engine import Engine

# kind 0.30's own default, in its pkg/apis/config/defaults.
OFFICIAL = (
    "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"
)
VARIABLE = "DEPLOY_NODE_IMAGE"
_PULL_TIMEOUT = 900.0  # seconds
_OF_KIND = "the official image of kind 0.30"


class NodeImageMissingError(DeployError):
    """No node image is in the engine, and this call may neither pull nor build one."""

    def __init__(self, looked: tuple[str, ...]) -> None:
        super().__init__(
            needed="an image for kind's node",
            seen="none in the container engine",
            looked=", ".join(looked),
            fix="run `make prepare`, which pulls the official image or builds one",
        )


class NamedNodeImageMissingError(DeployError):
    """The image that DEPLOY_NODE_IMAGE names can be neither found nor pulled."""

    def __init__(self, ref: str, reason: str) -> None:
        super().__init__(
            needed=f"the node image {ref}",
            seen=reason,
            looked=f"the container engine and the image's registry, since {VARIABLE} names it",
            fix=f"correct {VARIABLE}, or leave it out to let one be chosen",
        )


class NodePullFailedError(DeployError):
    """The registry answers, but the official image did not arrive."""

    def __init__(self, ref: str, error: CommandFailedError) -> None:
        super().__init__(
            needed=f"the official node image {ref}",
            seen=error.seen,
            looked="its registry, which answered before",
            fix=f"run again, or name another image by {VARIABLE}",
        )


@dataclass(frozen=True)
class NodeImage:
    """An image in the engine from which kind makes nodes.

    Args:
        ref: what `kind create cluster --image` gets.
        kubernetes_version: such as v1.34.4; empty when the image's name does not tell.
        stand_in: whether we built it, in place of the official one.
        detail: what it is and why, for a report.

    """

    ref: str
    kubernetes_version: str
    stand_in: bool
    detail: str


def find_node_image(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> NodeImage:
    """Return a node image that is in the engine; pulls and builds nothing.

    Raises:
        NamedNodeImageMissingError: DEPLOY_NODE_IMAGE names one that is not there.
        NodeImageMissingError: none is there.

    """
    del cache
    if found := _present(engine, environ):
        return _chosen(progress, *found)
    if named := environ.get(VARIABLE):
        raise NamedNodeImageMissingError(named, "not in the container engine")
    raise NodeImageMissingError(candidates(environ))


def ensure_node_image(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> NodeImage:
    """Return a node image, in the engine: present, pulled, or built from packages.

    Raises:
        NamedNodeImageMissingError: DEPLOY_NODE_IMAGE names one that cannot be had.
        MirrorFailedError: a mirror is named and does not do its work.
        NodePullFailedError, and what `nodebuild.build` raises.

    """
    if found := _present(engine, environ):
        return _chosen(progress, *found)
    if named := environ.get(VARIABLE):
        try:
            _pull(engine, progress, named)
        except CommandFailedError as error:
            raise NamedNodeImageMissingError(named, error.seen) from error
        return _chosen(progress, named, f"named by {VARIABLE}, pulled")
    if ref := mirror.pull(engine, OFFICIAL, environ, progress):
        return _chosen(progress, ref, f"{_OF_KIND}, pulled from the mirror")
    if registry_reachable(engine, OFFICIAL):
        try:
            _pull(engine, progress, OFFICIAL)
        except CommandFailedError as error:
            raise NodePullFailedError(OFFICIAL, error) from error
        return _chosen(progress, OFFICIAL, f"{_OF_KIND}, pulled")
    ref = nodebuild.build(engine, cache, progress, environ)
    return _chosen(progress, ref, "built from packages: no image registry can be reached")


def candidates(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the images that will do, the better first; one alone if a person named it."""
    named = environ.get(VARIABLE)
    mirrors = mirror.mirrored(OFFICIAL, environ)
    return (named,) if named else (OFFICIAL, *mirrors, nodebuild.reference())


def wanted_kubernetes(environ: Mapping[str, str]) -> str:
    """Return the version of Kubernetes that a cluster will have, such as v1.34.4."""
    return _version(candidates(environ)[-1]) or gobuild.KUBERNETES.version


def _present(engine: Engine, environ: Mapping[str, str]) -> tuple[str, str] | None:
    official = (OFFICIAL, *mirror.mirrored(OFFICIAL, environ))
    reasons = dict.fromkeys(official, f"{_OF_KIND}, in the engine")
    if VARIABLE in environ:
        reasons = {environ[VARIABLE]: f"named by {VARIABLE}"}
    for ref in candidates(environ):
        if engine.has_image(ref):
            return ref, reasons.get(ref, "built from packages before")
    return None


def _version(ref: str) -> str:
    found = re.search(r":(v\d+\.\d+\.\d+)", ref)
    return found[1] if found else ""


def _pull(engine: Engine, progress: Progress, ref: str) -> None:
    with progress.step(f"pull {ref.partition('@')[0]}") as step:
        run(engine.argv("pull", ref), timeout=_PULL_TIMEOUT, on_line=step.note)


def _chosen(progress: Progress, ref: str, reason: str) -> NodeImage:
    progress.choice("node image", ref.partition("@")[0], reason)
    stand_in = ref.startswith(nodebuild.REPOSITORY + ":")
    return NodeImage(
        ref=ref,
        kubernetes_version=_version(ref),
        stand_in=stand_in,
        detail=f"{ref.partition('@')[0]}: {reason}",
    )
