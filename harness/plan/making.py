"""Putting a plan together from what this machine has, and what earlier runs have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.databases.choice import INSIDE
from harness.databases.neon.errors import KEY
from harness.errors import DeployError
from harness.options import MINIKUBE
from harness.plan.images import ImagesPlan, plan_images
from harness.plan.model import (
    CACHED,
    Obstacle,
    Phase,
    Plan,
    PlannedImage,
    PlannedScenario,
    PlannedService,
)
from harness.plan.release import plan_changes, plan_release
from harness.plan.surroundings import Containers, choice_of, plan_cluster, plan_services
from harness.progress import Progress
from harness.settings import Settings
from harness.supply.browser import find_browser
from harness.supply.disk import check_disk, room_to_run_gb
from harness.supply.engine import Engine, find_engine
from harness.supply.minikubebase import BASE
from harness.supply.nodes import KIND, find_node_image
from harness.supply.tools import find_helm, find_minikube, find_tools

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.databases.choice import Choice
    from harness.plan.times import Times
    from harness.redact import Redactor

#: What a scenario needs, the least first.
PROJECT, IMAGES, CLUSTER = "project", "images", "cluster"
#: Fixtures whose being asked for says what else a run would need.
BROWSER, BESIDE = "browser", "beside"
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What a run was asked for; see `Plan` for the rest."""

    scenarios: tuple[PlannedScenario, ...]
    others: int = 0
    left_out: int = 0
    notes: tuple[str, ...] = ()

    @property
    def carried(self) -> list[PlannedScenario]:
        """The scenarios for which something would be made ready."""
        return [scenario for scenario in self.scenarios if not scenario.untouched]

    @property
    def images(self) -> bool:
        """Whether images would be built."""
        return any(scenario.needs != PROJECT for scenario in self.carried)

    @property
    def cluster(self) -> bool:
        """Whether a cluster would be brought up: a run does for what it leaves out, too."""
        return self.images and any(scenario.needs == CLUSTER for scenario in self.scenarios)

    def uses(self, fixture: str) -> bool:
        """Say whether a scenario asks for a fixture."""
        return any(fixture in scenario.uses for scenario in self.carried)


def check(settings: Settings) -> None:
    """Refuse settings that no run could begin with. Raises what `choice_of` does."""
    choice_of(settings)


def make_plan(
    every: Sequence[Settings], asked: Asked, cache: Cache, times: Times, redact: Redactor
) -> Plan:
    """Find out what a run would do. Nothing is built, started, installed or asked of a cluster.

    Args:
        every: the settings of each process that would share the scenarios.
        asked: what was asked for.
        cache: where what was made once is kept.
        times: of earlier runs.
        redact: learns the secrets of the environment.

    Raises:
        What `check` raises.

    """
    _learn(every[0], redact)
    return _Making(every, asked, cache, times, redact).plan()


@dataclass
class _Making:
    every: Sequence[Settings]
    asked: Asked
    cache: Cache
    times: Times
    redact: Redactor
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))
    problems: list[DeployError] = field(default_factory=list)

    def plan(self) -> Plan:
        settings, asked, times = self.every[0], self.asked, self.times
        choice = choice_of(settings)
        engine = self._engine() if asked.images else None
        helm = self._helm()
        self._look_for_tools(engine, helm)
        images = ImagesPlan((), ())
        services: tuple[PlannedService, ...] = ()
        containers = Containers.look(engine)
        if asked.images:
            images = plan_images(settings, engine, self.cache, self.progress, times, stand_ins=True)
            services = tuple(plan_services(settings, choice, containers, times))
        release = cluster = changes = None
        if asked.cluster:
            cluster = plan_cluster(
                self.every,
                containers,
                times,
                makes=tuple(self._makes(choice)),
                loads=tuple(self._loads(images, choice)),
            )
            beside = asked.uses(BESIDE)
            release = self._found(
                lambda: plan_release(self.every, images.tags, times, beside=beside)
            )
            changes = plan_changes(settings, images.tags, helm, self.cache, self.redact)
        phases = [Phase(f"image {i.name}", 1, _build_seconds(i)) for i in images.planned]
        if cluster and release:
            phases.append(Phase("cluster", 1, cluster.seconds))
            phases += [Phase(service.name, 1, service.seconds) for service in services]
            phases.append(
                Phase("loading images", 2, times.phase("loading images into the cluster"))
            )
            phases.append(Phase("release", 3, release.seconds))
        return Plan(
            project=settings.project.name,
            notes=asked.notes,
            processes=len(self.every),
            left_out=asked.left_out,
            others=asked.others,
            scenarios=tuple(self._timed(scenario) for scenario in asked.scenarios),
            tools=tuple(self.progress.choices),
            obstacles=tuple(
                Obstacle(error.needed, error.seen, error.looked, error.fix)
                for error in (*self.problems, *images.problems)
            ),
            images=images.planned,
            cluster=cluster,
            services=services,
            release=release,
            changes=changes,
            phases=tuple(phases),
            measured=times.source,
        )

    def _timed(self, scenario: PlannedScenario) -> PlannedScenario:
        return replace(scenario, seconds=self.times.scenario(scenario.uri, scenario.name))

    def _engine(self) -> Engine | None:
        environ = self.every[0].environ
        return self._found(lambda: find_engine(environ, self.progress))

    def _helm(self) -> Path | DeployError:
        environ = self.every[0].environ
        try:
            return find_helm(self.cache, self.progress, environ)
        except DeployError as error:
            return error

    def _look_for_tools(self, engine: Engine | None, helm: Path | DeployError) -> None:
        """Note what is missing on this machine that the run would need."""
        settings, cache, progress = self.every[0], self.cache, self.progress
        environ = settings.environ
        renders = any(scenario.needs != IMAGES for scenario in self.asked.carried)
        if isinstance(helm, DeployError) and renders:
            self.problems.append(helm)
        if engine:
            self._found(lambda: check_disk(engine, room_to_run_gb(settings.nodes)))
        if engine and self.asked.cluster:
            if not isinstance(helm, DeployError):
                self._found(lambda: find_tools(engine, cache, progress, environ))
            if settings.cluster == MINIKUBE:
                self._found(lambda: find_minikube(cache, progress, environ))
            if settings.existing is None:
                wanted = BASE if settings.cluster == MINIKUBE else KIND
                self._found(lambda: find_node_image(engine, cache, progress, environ, wanted))
        if self.asked.uses(BROWSER):
            self._found(lambda: find_browser(environ))

    def _makes(self, choice: Choice | None) -> Iterator[str]:
        """Yield what would be created in the cluster."""
        settings, guest = self.every[0], self.every[0].existing
        release = settings.project.chart.release
        for one in self.every:
            yield f"namespace {one.namespace}, with release {release}"
        if self.asked.uses(BESIDE):
            also = " of each process" if len(self.every) > 1 else ""
            yield f"namespace {settings.namespace[:56]}-beside{also}, gone when the run ends"
        if choice and choice.kind == INSIDE:
            yield "a database, as a part of the release"
        yield "pods that look from inside, gone with their scenario"
        if guest:
            standins = settings.project.standins.values()
            if any(not settings.environ.get(standin.unless) for standin in standins):
                yield "a namespace of the run's own, with pods that stand in for services outside"
            if not guest.url:
                yield "a pod that a tunnel from this machine leads to"

    def _loads(self, images: ImagesPlan, choice: Choice | None) -> Iterator[str]:
        """Yield the images that the cluster would get."""
        for image in images.planned:
            if not image.stand_in or self.every[0].existing:
                name = f"{image.name} (its name is known after the build)"
                yield image.ref or name
        yield "that of the pods that look from inside"
        if choice and choice.kind == INSIDE and self.every[0].project.database:
            yield self.every[0].project.database.image

    def _found(self, look: Callable[[], T]) -> T | None:
        """Return what is there; what is not is in the way."""
        try:
            return look()
        except DeployError as error:
            self.problems.append(error)
            return None


def _build_seconds(image: PlannedImage) -> float | None:
    return 0.0 if image.state == CACHED else image.seconds


def _learn(settings: Settings, redact: Redactor) -> None:
    """Have what the environment gives as secret taken out of what is shown."""
    project, environ = settings.project, settings.environ
    names = [secret.env for secret in project.secrets.values()]
    names += [standin.unless for standin in project.standins.values()]
    names += [project.database.env] if project.database else []
    redact.add(*(environ.get(name, "") for name in (*names, KEY)))
