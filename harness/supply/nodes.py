"""The image that a cluster's node is made of: kind's, or another tool's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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


class NodeImageMissingError(DeployError):
    """No node image is in the engine, and this call may neither pull nor build one."""

    def __init__(self, looked: tuple[str, ...], wanted: Wanted) -> None:
        super().__init__(
            needed=f"an image for {wanted.tool}'s node",
            seen="none in the container engine",
            looked=", ".join(looked),
            fix=f"run `{wanted.prepare}`, which pulls the official image or builds one",
        )


class NamedNodeImageMissingError(DeployError):
    """The image that a variable names can be neither found nor pulled."""

    def __init__(self, ref: str, reason: str, variable: str) -> None:
        super().__init__(
            needed=f"the node image {ref}",
            seen=reason,
            looked=f"the container engine and the image's registry, since {variable} names it",
            fix=f"correct {variable}, or leave it out to let one be chosen",
        )


class NodePullFailedError(DeployError):
    """The registry answers, but the official image did not arrive."""

    def __init__(self, ref: str, error: CommandFailedError, variable: str) -> None:
        super().__init__(
            needed=f"the official node image {ref}",
            seen=error.seen,
            looked="its registry, which answered before",
            fix=f"run again, or name another image by {variable}",
        )


@dataclass(frozen=True)
class NodeImage:
    """An image in the engine from which nodes are made.

    Args:
        ref: what the tool gets.
        kubernetes_version: such as v1.34.4; empty when the image's name does not tell.
        stand_in: whether we built it, in place of the official one.
        detail: what it is and why, for a report.

    """

    ref: str
    kubernetes_version: str
    stand_in: bool
    detail: str


@dataclass(frozen=True)
class Wanted:
    """What a tool makes its nodes of.

    Args:
        tool: its name.
        what: the same image in the words of a choice.
        official: the pinned official image.
        of: whose that is.
        variable: names another image.
        repository: of those that we build.
        reference: names the one that we would build now.
        build: builds it, and returns its reference.
        kubernetes: version that comes with an image that we did not build and whose tag
            does not tell; empty when its tag does.
        prepare: the command that pulls or builds it.

    """

    tool: str
    what: str
    official: str
    of: str
    variable: str
    repository: str
    reference: Callable[[], str]
    build: Callable[[Engine, Cache, Progress, Mapping[str, str]], str]
    kubernetes: str = ""
    prepare: str = "make prepare"

    def version(self, ref: str) -> str:
        """Return the version of Kubernetes in an image, empty when nothing tells it."""
        if self.kubernetes and not self.built(ref):
            return self.kubernetes
        found = re.search(r":(v\d+\.\d+\.\d+)", ref)
        return found[1] if found else ""

    def built(self, ref: str) -> bool:
        """Say whether it is one that we build."""
        return ref.startswith(self.repository + ":")


KIND = Wanted(
    tool="kind",
    what="node image",
    official=OFFICIAL,
    of="the official image of kind 0.30",
    variable=VARIABLE,
    repository=nodebuild.REPOSITORY,
    reference=lambda: nodebuild.reference(),
    build=lambda *parts: nodebuild.build(*parts),
)


def find_node_image(
    engine: Engine,
    cache: Cache,
    progress: Progress,
    environ: Mapping[str, str],
    wanted: Wanted = KIND,
) -> NodeImage:
    """Return a node image that is in the engine; pulls and builds nothing.

    Raises:
        NamedNodeImageMissingError: the variable names one that is not there.
        NodeImageMissingError: none is there.

    """
    del cache
    if found := _present(engine, environ, wanted):
        return _chosen(progress, wanted, *found)
    if named := environ.get(wanted.variable):
        raise NamedNodeImageMissingError(named, "not in the container engine", wanted.variable)
    raise NodeImageMissingError(candidates(environ, wanted), wanted)


def ensure_node_image(
    engine: Engine,
    cache: Cache,
    progress: Progress,
    environ: Mapping[str, str],
    wanted: Wanted = KIND,
) -> NodeImage:
    """Return a node image, in the engine: present, pulled, or built from packages.

    Raises:
        NamedNodeImageMissingError: the variable names one that cannot be had.
        MirrorFailedError: a mirror is named and does not do its work.
        NodePullFailedError, and what `wanted.build` raises.

    """
    if found := _present(engine, environ, wanted):
        return _chosen(progress, wanted, *found)
    variable, official = wanted.variable, wanted.official
    if named := environ.get(variable):
        try:
            _pull(engine, progress, named)
        except CommandFailedError as error:
            raise NamedNodeImageMissingError(named, error.seen, variable) from error
        return _chosen(progress, wanted, named, f"named by {variable}, pulled")
    if ref := mirror.pull(engine, official, environ, progress):
        return _chosen(progress, wanted, ref, f"{wanted.of}, pulled from the mirror")
    if registry_reachable(engine, official):
        try:
            _pull(engine, progress, official)
        except CommandFailedError as error:
            raise NodePullFailedError(official, error, variable) from error
        return _chosen(progress, wanted, official, f"{wanted.of}, pulled")
    ref = wanted.build(engine, cache, progress, environ)
    return _chosen(progress, wanted, ref, "built from packages: no image registry can be reached")


def candidates(environ: Mapping[str, str], wanted: Wanted = KIND) -> tuple[str, ...]:
    """Return the images that will do, the better first; one alone if a person named it."""
    named = environ.get(wanted.variable)
    mirrors = mirror.mirrored(wanted.official, environ)
    return (named,) if named else (wanted.official, *mirrors, wanted.reference())


def wanted_kubernetes(environ: Mapping[str, str]) -> str:
    """Return the version of Kubernetes that a cluster will have, such as v1.34.4."""
    return KIND.version(candidates(environ)[-1]) or gobuild.KUBERNETES.version


def _present(engine: Engine, environ: Mapping[str, str], wanted: Wanted) -> tuple[str, str] | None:
    official = (wanted.official, *mirror.mirrored(wanted.official, environ))
    reasons = dict.fromkeys(official, f"{wanted.of}, in the engine")
    if wanted.variable in environ:
        reasons = {environ[wanted.variable]: f"named by {wanted.variable}"}
    for ref in candidates(environ, wanted):
        if engine.has_image(ref):
            return ref, reasons.get(ref, "built from packages before")
    return None


def _pull(engine: Engine, progress: Progress, ref: str) -> None:
    with progress.step(f"pull {ref.partition('@')[0]}") as step:
        run(engine.argv("pull", ref), timeout=_PULL_TIMEOUT, on_line=step.note)


def _chosen(progress: Progress, wanted: Wanted, ref: str, reason: str) -> NodeImage:
    progress.choice(wanted.what, ref.partition("@")[0], reason)
    return NodeImage(
        ref=ref,
        kubernetes_version=wanted.version(ref),
        stand_in=wanted.built(ref),
        detail=f"{ref.partition('@')[0]}: {reason}",
    )
