"""The command line tools that act on clusters: kind, Helm and kubectl."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cache import digest
from harness.command import CommandFailedError, CommandTimedOutError, run
from harness.errors import DeployError
from harness.scope import Scope
from harness.supply import gobuild
from harness.supply.nodeassembly import LABEL
from harness.supply.nodes import candidates, ensure_node_image, wanted_kubernetes
from harness.supply.official import Official, release_of

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.progress import Progress
    from harness.supply.engine import Engine

Version = tuple[int, int]  # major and minor
Found = tuple[Path | None, str]  # a program and where it comes from, or none and why
_BUILT = "built from the Go module proxy"


class ToolMissingError(DeployError):
    """A tool is neither on the PATH in a version that will do nor in our cache."""

    def __init__(self, tool: Tool, seen: str, looked: str) -> None:
        super().__init__(
            needed=f"{tool.name} {tool.wanted}",
            seen=seen or "none",
            looked=looked,
            fix=f"run `{tool.prepare}`, or put {tool.name} {tool.wanted} on the PATH",
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
        prepare: the command that gets it.

    """

    name: str
    ask: tuple[str, ...]
    accepts: Callable[[Version], bool]
    wanted: str
    prepare: str = "make prepare"

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
MINIKUBE = Tool(
    "minikube",
    ("version", "--short"),
    lambda v: v >= (1, 37),
    "1.37 or later",
    "DEPLOY_CLUSTER=minikube make prepare",
)


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
        search.find(KIND, search.cached("kind", gobuild.KIND)),
        search.find(HELM, search.cached("helm", gobuild.HELM)),
        search.find(_kubectl_for(environ), _cached_kubectl(cache, environ)),
    )


def find_helm(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> Path:
    """Return Helm alone, which renders charts without an engine. Raises ToolMissingError."""
    search = _Search(cache, progress, environ)
    return search.find(HELM, search.cached("helm", gobuild.HELM))


def find_minikube(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> Path:
    """Return Minikube if it is there. Raises ToolMissingError."""
    search = _Search(cache, progress, environ)
    return search.find(MINIKUBE, search.cached("minikube", gobuild.MINIKUBE))


def ensure_minikube(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> Path:
    """Return Minikube: from the PATH, our cache, its official place, or built.

    Raises:
        ProgramBuildFailedError, and what `Official.ensure` raises.

    """
    search = _Search(cache, progress, environ)
    return search.find(
        MINIKUBE,
        search.cached("minikube", gobuild.MINIKUBE),
        [
            lambda: Official(cache, progress, environ).ensure("minikube"),
            lambda: (gobuild.MINIKUBE.build(cache, progress, environ), _BUILT),
        ],
    )


def ensure_tools(
    engine: Engine, cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> Tools:
    """Return the tools: from the PATH, our cache, their official places, or built.

    kubectl is taken out of the node image where that is in the engine: it is there
    already, and fits the cluster.

    Raises:
        ProgramBuildFailedError, and what `Official.ensure` and `nodes.ensure_node_image`
        raise.

    """
    search = _Search(cache, progress, environ)
    official = Official(cache, progress, environ)

    def built(program: gobuild.Program) -> Found:
        return program.build(cache, progress, environ), _BUILT

    def out_of_node() -> Found:
        """Copy kubectl; a node's program runs on Linux only."""
        if not sys.platform.startswith("linux"):
            return None, "a node's program does not run here"
        present = next((ref for ref in candidates(environ) if engine.has_image(ref)), "")
        if not present:
            return None, "no node image is in the engine"
        return _copy_kubectl(engine, cache, present), f"out of {present.partition('@')[0]}"

    def downloaded() -> Found:
        release = release_of("kubectl", environ)
        if release and not _kubectl_for(environ).accepts(_parts(release.version)):
            return None, f"the pinned official {release.version} does not fit the cluster"
        return official.ensure("kubectl")

    def made() -> Found:
        if sys.platform.startswith("linux"):
            ensure_node_image(engine, cache, progress, environ)
            found = next(
                ((path, why) for path, why in _cached_kubectl(cache, environ) if path), None
            )
            return found or out_of_node()
        return _named_kubectl(cache, gobuild.KUBERNETES.build(cache, progress, environ)), _BUILT

    return Tools(
        search.find(
            KIND,
            search.cached("kind", gobuild.KIND),
            [lambda: official.ensure("kind"), lambda: built(gobuild.KIND)],
        ),
        search.find(
            HELM,
            search.cached("helm", gobuild.HELM),
            [lambda: official.ensure("helm"), lambda: built(gobuild.HELM)],
        ),
        search.find(
            _kubectl_for(environ),
            _cached_kubectl(cache, environ),
            [out_of_node, downloaded, made],
        ),
    )


@dataclass(frozen=True)
class _Search:
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]

    def cached(self, name: str, program: gobuild.Program | None = None) -> Iterable[Found]:
        """Yield where a tool may be in our cache, the official release first."""
        if release := release_of(name, self.environ):
            yield release.cached(self.cache), f"downloaded before from {release.place}"
        if program:
            yield program.cached(self.cache), f"{_BUILT} before"

    def find(
        self, tool: Tool, cached: Iterable[Found], makers: Iterable[Callable[[], Found]] = ()
    ) -> Path:
        """Return the first that there is, and say in one line which and why."""
        on_path, seen = tool.on_path(self.environ)
        if on_path is not None:
            self.progress.choice(tool.name, f"{seen}, {on_path}", "on the PATH")
            return on_path
        reasons = [seen] if seen else []
        ready = ((path, f"in our cache, {words}") for path, words in cached if path)
        for path, words in itertools.chain(ready, (make() for make in makers)):
            if path is not None:
                self.progress.choice(tool.name, str(path), "; ".join((words, *reasons)))
                return path
            reasons.append(words)
        looked = f"the PATH, {self.cache.root / 'tools'}"
        raise ToolMissingError(tool, "; ".join(reasons), looked)


def _kubectl_for(environ: Mapping[str, str]) -> Tool:
    return kubectl(wanted_kubernetes(environ))


def _image_key(ref: str) -> str:
    return "kubectl-" + digest(image=ref)


def _cached_kubectl(cache: Cache, environ: Mapping[str, str]) -> Iterable[Found]:
    """Yield where kubectl may be: copied from a node image, downloaded, part of what we built."""
    for ref in candidates(environ):
        copied = cache.path("tools", _image_key(ref)) / "kubectl"
        yield copied if copied.is_file() else None, f"out of {ref.partition('@')[0]} before"
    fits = _kubectl_for(environ).accepts
    release = release_of("kubectl", environ)
    if release and fits(_parts(release.version)):
        yield release.cached(cache), f"downloaded before from {release.place}"
    program = gobuild.KUBERNETES.cached(cache)
    if program and fits(_parts(gobuild.KUBERNETES.version)):
        yield _named_kubectl(cache, program), f"{_BUILT} before"


def _parts(version: str) -> Version:
    major, minor = version.lstrip("v").split(".")[:2]
    return int(major), int(minor)


def _named_kubectl(cache: Cache, program: Path) -> Path:
    """Return the program of all commands under the name that makes it kubectl."""

    def make(folder: Path) -> None:
        (folder / "kubectl").hardlink_to(program)

    return cache.make("tools", "kubectl-" + program.parent.name, make) / "kubectl"


def _copy_kubectl(engine: Engine, cache: Cache, image: str) -> Path:
    def make(folder: Path) -> None:
        created = run(engine.argv("create", f"--label={LABEL}", image), timeout=60)
        container = created.stdout.strip()
        try:
            source = f"{container}:/usr/bin/kubectl"
            run(engine.argv("cp", "--follow-link", source, str(folder / "kubectl")), timeout=120)
        finally:
            with Scope().entered():  # an interrupted run cleans up too
                run(engine.argv("rm", "--force", "--volumes", container), timeout=60)

    return cache.make("tools", _image_key(image), make) / "kubectl"
