"""Everything that a run needs and a machine may lack: made ready, or said to be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.cache import Cache
from harness.databases.choice import INSIDE, choose
from harness.errors import DeployError
from harness.images.build import wanted_bases
from harness.images.dockerfile import Dockerfile
from harness.images.project import spec_of
from harness.images.spec import ImageSpec
from harness.jobs import Jobs
from harness.options import MINIKUBE
from harness.probes.image import ensure_probe_image
from harness.progress import Progress
from harness.settings import Settings
from harness.supply.bases import Base, Bases
from harness.supply.browser import ensure_browser, find_browser
from harness.supply.disk import (
    ROOM_TO_PREPARE_GB,
    ROOM_TO_RUN_GB,
    check_disk,
    room_to_run_gb,
)
from harness.supply.engine import Engine, ensure_engine, find_engine
from harness.supply.formatter import ensure_formatter
from harness.supply.minikubebase import BASE
from harness.supply.nodes import KIND, NodeImage, Wanted, ensure_node_image, find_node_image
from harness.supply.tools import Tools, ensure_minikube, ensure_tools, find_minikube, find_tools


class BaseMissingError(DeployError):
    """A base image is not in the engine and was not made."""

    def __init__(self, official: str) -> None:
        super().__init__(
            needed=f"the base image {official}, or a stand-in for it",
            seen="neither is in the engine",
            looked="the container engine's images",
            fix="run `make prepare`, which pulls the one or makes the other",
        )


@dataclass(frozen=True)
class Prepared:
    """What a run will use."""

    engine: Engine
    tools: Tools
    node_image: NodeImage
    bases: tuple[Base, ...]
    browser: Path


def base_images(settings: Settings) -> tuple[str, ...]:
    """Return the official names of all images that the project's run stands on, each once.

    What the user gives from outside (a database, a service) needs no image here.
    """
    project, environ = settings.project, settings.environ
    names = [base for name in project.images for base in _bases(spec_of(project, name))]
    for standin in project.standins.values():
        if not environ.get(standin.unless):
            names += standin.bases.values()
    if project.database is not None:
        choice = choose(settings.database, project.database, environ)
        if choice.ours or choice.kind == INSIDE:
            names.append(project.database.image)
    return tuple(dict.fromkeys(names))


def _bases(spec: ImageSpec) -> Iterable[str]:
    if not spec.file.is_file():
        return spec.bases.values()  # the build says what is missing
    return wanted_bases(spec, Dockerfile.read(spec.file)).values()


def prepare(settings: Settings, cache: Cache, progress: Progress) -> Prepared:
    """Make ready all that a run needs: the engine first, then the rest side by side.

    What is there already is found within seconds. An interrupted preparation can be
    begun again; what was finished is not made twice.

    Raises:
        DeployError: the first cause that came up; what else was under way is ended.

    """
    environ = settings.environ
    check_disk(cache.root, ROOM_TO_RUN_GB)
    engine = ensure_engine(environ, progress, cache)
    if _missing_images(settings, engine, cache, progress):
        check_disk(engine, ROOM_TO_PREPARE_GB)
    bases = Bases(engine, cache, progress, environ)
    jobs, finished = Jobs(), False

    def node_and_tools() -> tuple[NodeImage, Tools]:
        node = ensure_node_image(engine, cache, progress, environ, _node_of(settings))
        tools = ensure_tools(engine, cache, progress, environ)
        if settings.cluster == MINIKUBE:
            ensure_minikube(cache, progress, environ)
        return node, tools

    try:
        # The longest first; the small downloads fill the time in which it waits.
        node = jobs.start("node image and tools", node_and_tools)
        images = [
            jobs.start(f"base {name}", _call(bases.ensure, name)) for name in base_images(settings)
        ]
        browser = jobs.start("browser", lambda: ensure_browser(environ, cache, progress))
        probe = jobs.start("probe", lambda: ensure_probe_image(engine, cache, progress, environ))
        formatter = jobs.start("formatter", lambda: ensure_formatter(cache, progress, environ))
        jobs.all((node, *images, browser, probe, formatter))
        finished = True
    finally:
        jobs.close(interrupted=not finished)
    node_image, tools = node.result()
    return Prepared(
        engine, tools, node_image, tuple(image.result() for image in images), browser.result()
    )


def missing(settings: Settings, cache: Cache, progress: Progress) -> list[DeployError]:
    """Return everything that a run would lack, each with its remedy. Changes nothing.

    Images and tools can only be asked about when there is an engine.
    """
    found = list(_problems(lambda: find_browser(settings.environ)))
    try:
        engine = find_engine(settings.environ, progress)
    except DeployError as error:
        return [error, *found]
    found += _problems(lambda: check_disk(engine, room_to_run_gb(settings.nodes)))
    return [*_missing_images(settings, engine, cache, progress), *found]


def _missing_images(
    settings: Settings, engine: Engine, cache: Cache, progress: Progress
) -> list[DeployError]:
    environ, minikube = settings.environ, settings.cluster == MINIKUBE
    bases = Bases(engine, cache, progress, environ)
    return [
        *_problems(lambda: find_node_image(engine, cache, progress, environ, _node_of(settings))),
        *_problems(lambda: find_tools(engine, cache, progress, environ)),
        *(_problems(lambda: find_minikube(cache, progress, environ)) if minikube else ()),
        *(BaseMissingError(name) for name in base_images(settings) if bases.missing(name)),
    ]


def _node_of(settings: Settings) -> Wanted:
    return BASE if settings.cluster == MINIKUBE else KIND


def _problems(look: Callable[[], object]) -> Iterator[DeployError]:
    try:
        look()
    except DeployError as error:
        yield error


def _call(function: Callable[[str], Base], name: str) -> Callable[[], Base]:
    return lambda: function(name)
