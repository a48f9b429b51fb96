"""The command line tools that act on clusters: kind, Helm and kubectl."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cache import digest
from harness.command import CommandFailedError, CommandTimedOutError, Scope, run
from harness.errors import DeployError
from harness.supply import gobuild
from harness.supply.nodeassembly import LABEL
from harness.supply.nodes import candidates, ensure_node_image, wanted_kubernetes

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.progress import Progress
    from harness.supply.engine import Engine
    from harness.supply.nodes import NodeImage

Version = tuple[int, int]  # major and minor


class ToolMissingError(DeployError):
    """A tool is neither on the PATH in a version that will do nor in our cache."""

    def __init__(self, tool: Tool, seen: str, looked: str) -> None:
        super().__init__(
            needed=f"{tool.name} {tool.wanted}",
            seen=seen or "none",
            looked=looked,
            fix=f"run `make prepare`, or put {tool.name} {tool.wanted} on the PATH",
        )


@dataclass(frozen=True)
class Tools:
    """Paths of programs, each in a version that fits the others."""

    kind: Path
    helm: Path
    kubectl: Path


@dataclass(frozen=True)
class Tool:
    """What is asked of a tool.

    Args:
        name: of the program.
        ask: arguments that make it tell its version.
        accepts: whether a version will do.
        wanted: the same in words.

    """

    name: str
    ask: tuple[str, ...]
    accepts: Callable[[Version], bool]
    wanted: str

    def on_path(self, environ: Mapping[str, str]) -> tuple[Path | None, str]:
        """Return the program on the PATH if it will do, and what was seen there."""
        found = shutil.which(self.name, path=environ.get("PATH"))
        if found is None:
            return None, ""
        try:
            said = run([found, *self.ask], timeout=60).stdout
        except (CommandFailedError, CommandTimedOutError) as error:
            return None, f"{found} does not tell its version: {error.headline}"
        version = re.search(r"\bv(\d+)\.(\d+)\S*?(?=[\s\",+]|$)", said)
        if version is None:
            return None, f"{found} tells no version"
        if not self.accepts((int(version[1]), int(version[2]))):
            return None, f"{found} is {version[0]}, needed is {self.wanted}"
        return Path(found), version[0]


KIND = Tool("kind", ("version",), lambda v: v >= (0, 30), "0.30 or later")
HELM = Tool("helm", ("version", "--short"), lambda v: v >= (3, 19), "3.19 or later")


def kubectl(kubernetes: str) -> Tool:
    """Return what is asked of kubectl: at most one minor version from the cluster's."""
    major, minor = (int(part) for part in kubernetes.lstrip("v").split(".")[:2])
    return Tool(
        "kubectl",
        ("version", "--client", "--output=json"),
        lambda v: v[0] == major and abs(v[1] - minor) <= 1,
        f"{major}.{minor - 1} to {major}.{minor + 1}",
    )


def find_tools(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> Tools:
    """Return the tools that are there; builds and pulls nothing.

    Raises:
        ToolMissingError: one of them is not there.

    """
    del engine
    search = _Search(cache, progress, environ)
    return Tools(
        search.find(KIND, gobuild.KIND.cached(cache)),
        search.find(HELM, gobuild.HELM.cached(cache)),
        search.find(_kubectl_for(environ), _cached_kubectl(cache, environ)),
    )


def find_helm(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> Path:
    """Return Helm alone, which renders charts without an engine. Raises ToolMissingError."""
    return _Search(cache, progress, environ).find(HELM, gobuild.HELM.cached(cache))


def ensure_tools(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> Tools:
    """Return the tools: from the PATH, from our cache, or built from the Go module proxy.

    kubectl is taken out of the node image, which is needed in any case: where the
    official one can be had, nothing of Kubernetes is compiled.

    Raises:
        ProgramBuildFailedError, and what `nodes.ensure_node_image` raises.

    """
    search = _Search(cache, progress, environ)

    def built(program: gobuild.Program) -> Callable[[], Path]:
        return lambda: program.build(cache, progress, environ)

    def out_of_node() -> Path:
        if not sys.platform.startswith("linux"):  # a node's program does not run here
            program = gobuild.KUBERNETES.build(cache, progress, environ)
            return _named_kubectl(cache, program)
        image = ensure_node_image(engine, cache, progress, environ)
        return _cached_kubectl(cache, environ) or _copy_kubectl(engine, cache, image)

    return Tools(
        search.find(KIND, gobuild.KIND.cached(cache), built(gobuild.KIND)),
        search.find(HELM, gobuild.HELM.cached(cache), built(gobuild.HELM)),
        search.find(_kubectl_for(environ), _cached_kubectl(cache, environ), out_of_node),
    )


@dataclass(frozen=True)
class _Search:
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]

    def find(self, tool: Tool, cached: Path | None, make: Callable[[], Path] | None = None) -> Path:
        on_path, seen = tool.on_path(self.environ)
        if on_path is not None:
            self.progress.choice(tool.name, f"{seen}, {on_path}", "on the PATH")
            return on_path
        why = f"; {seen}" if seen else ""
        if cached is not None:
            self.progress.choice(tool.name, str(cached), "in our cache" + why)
            return cached
        if make is None:
            raise ToolMissingError(tool, seen, f"the PATH, {self.cache.root / 'tools'}")
        made = make()
        self.progress.choice(tool.name, str(made), "made now" + why)
        return made


def _kubectl_for(environ: Mapping[str, str]) -> Tool:
    return kubectl(wanted_kubernetes(environ))


def _image_key(ref: str) -> str:
    return "kubectl-" + digest(image=ref)


def _cached_kubectl(cache: Cache, environ: Mapping[str, str]) -> Path | None:
    """Return a kubectl that was copied from a node image, or is part of what we built."""
    for ref in candidates(environ):
        if (copied := cache.path("tools", _image_key(ref)) / "kubectl").is_file():
            return copied
    program = gobuild.KUBERNETES.cached(cache)
    major, minor = gobuild.KUBERNETES.version.lstrip("v").split(".")[:2]
    if program and _kubectl_for(environ).accepts((int(major), int(minor))):
        return _named_kubectl(cache, program)
    return None


def _named_kubectl(cache: Cache, program: Path) -> Path:
    """Return the program of all commands under the name that makes it kubectl."""

    def make(folder: Path) -> None:
        (folder / "kubectl").hardlink_to(program)

    return cache.make("tools", "kubectl-" + program.parent.name, make) / "kubectl"


def _copy_kubectl(engine: Engine, cache: Cache, image: NodeImage) -> Path:
    def make(folder: Path) -> None:
        created = run(engine.argv("create", f"--label={LABEL}", image.ref), timeout=60)
        container = created.stdout.strip()
        try:
            source = f"{container}:/usr/bin/kubectl"
            run(engine.argv("cp", "--follow-link", source, str(folder / "kubectl")), timeout=120)
        finally:
            with Scope().entered():  # an interrupted run cleans up too
                run(engine.argv("rm", "--force", "--volumes", container), timeout=60)

    return cache.make("tools", _image_key(image.ref), make) / "kubectl"
