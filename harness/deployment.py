"""All that a run brings up: images, cluster, database and stand-ins side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cache import Cache
from harness.clusters.base import ClusterAccess, Provider
from harness.databases.database import Database
from harness.databases.external import PostgresExternal
from harness.databases.given import GivenDatabase
from harness.helm import Helm, values_from_paths
from harness.images.build import Builder
from harness.images.spec import BuiltImage, ImageSpec
from harness.jobs import Jobs
from harness.kube.client import Kube
from harness.progress import Progress
from harness.project import fill
from harness.redact import Redactor
from harness.release import Release
from harness.rollout import Rollout
from harness.secrets import secret_values
from harness.settings import Settings
from harness.standins import RunningStandIn, StandIn, StandIns

if TYPE_CHECKING:
    from harness.supply.bases import Bases
    from harness.supply.engine import Engine
    from harness.supply.tools import Tools

#: A database of its own for containers that run alone, beside the release's.
ALONE = "alone"


@dataclass
class Deployment:
    """The one deployment of a run. Every part is made once, when it is first needed.

    `begin` starts all parts side by side; each method then waits for its own part only.
    All methods raise the DeployError of what failed.
    """

    settings: Settings
    cache: Cache
    progress: Progress
    redact: Redactor
    engine: Engine
    tools: Tools
    bases: Bases
    provider: Provider
    started: float = field(default_factory=time.monotonic)
    _jobs: Jobs = field(default_factory=Jobs)

    def __post_init__(self) -> None:
        """Learn every secret before anything can show it."""
        settings, project = self.settings, self.settings.project
        self.secrets = secret_values(
            project, self.cache, settings.cluster_name, settings.environ
        )
        given = [settings.environ.get(standin.unless, "") for standin in project.standins.values()]
        if project.database:
            given.append(settings.environ.get(project.database.env, ""))
        self.redact.add(*self.secrets.values(), *given)
        self._builder = Builder(
            self.engine, self.bases, self.cache, self.progress, settings.environ, redact=self.redact
        )
        self._standins = StandIns(
            self.engine, self._builder, self.cache, self.progress, settings.cluster_name
        )
        self._postgres = PostgresExternal(
            self.engine,
            self.bases,
            self.cache,
            self.progress,
            settings.cluster_name,
            official=project.database.image if project.database else "",
            name=project.database.name if project.database else "app",
        )

    def begin(self, *, cluster: bool) -> None:
        """Check what can be checked at once, then start every part side by side.

        Args:
            cluster: whether the run needs more than the images.

        Raises:
            DeployError: sources that cannot be built, before anything is started (EC-1).

        """
        project = self.settings.project
        for name in project.images:
            self._builder.check(self._spec(name))
        if cluster:
            self._jobs.start("cluster", self._make_cluster)
        for name in project.images:
            self._start_image(name)
        if cluster and project.database:
            self._jobs.start("database", self._make_database)
        for name in project.standins if cluster else ():
            self.standin_job(name)

    def image(self, name: str) -> BuiltImage:
        """Return an image of the project, built from its present sources."""
        return self._start_image(name).result()

    def images(self) -> dict[str, BuiltImage]:
        """Return all images of the project."""
        return {name: self.image(name) for name in self.settings.project.images}

    def cluster(self) -> ClusterAccess:
        """Return access to the cluster, healthy."""
        return self._jobs.start("cluster", self._make_cluster).result()

    def kube(self) -> Kube:
        """Return a client of the cluster."""
        return self._jobs.start("kube", lambda: self.cluster().client()).result()

    def database(self) -> Database:
        """Return the database outside the cluster."""
        return self._jobs.start("database", self._make_database).result()

    def standin(self, name: str) -> RunningStandIn | None:
        """Return a stand-in; None when the user gave the key of the real service."""
        return self.standin_job(name).result()

    def helm(self) -> Helm:
        """Return Helm, bound to the cluster."""
        access = self.cluster()
        return Helm(
            self.tools.helm, access.kubeconfig, access.context, self.cache.root, self.redact
        )

    def facts(self) -> dict[str, str | int]:
        """Return what a `${…}` in the project's description stands for, on the cluster."""
        facts: dict[str, str | int] = dict(self.base_facts())
        if self.settings.project.database:
            facts["database.url"] = self.database().url_in_cluster
        facts["cluster.node_port"] = NODE_PORT
        return facts

    def facts_alone(self) -> dict[str, str | int]:
        """Return the same for a container that runs alone: with a database of its own."""
        facts: dict[str, str | int] = dict(self.base_facts())
        if self.settings.project.database:
            database = self.database()
            if database.image is not None:
                database = self._postgres.create_database(ALONE)
            facts["database.url"] = database.url_in_cluster
        return facts

    def base_facts(self) -> dict[str, str]:
        """Return the facts that are the same everywhere."""
        facts = {f"secrets.{name}": value for name, value in self.secrets.items()}
        for name, image in self.images().items():
            facts |= {
                f"images.{name}.ref": image.ref,
                f"images.{name}.repository": image.repository,
                f"images.{name}.tag": image.tag,
            }
        for name, described in self.settings.project.standins.items():
            running = self.standin(name)
            url = running.url_in_cluster + described.path if running else ""
            key = running.key if running else self.settings.environ[described.unless]
            facts |= {f"standins.{name}.url": url, f"standins.{name}.key": key}
        self.redact.add(*(v for k, v in facts.items() if k.endswith(".key")))
        return facts

    def values(self) -> dict[str, Any]:
        """Return the chart's values for this run. They hold secrets."""
        facts = self.facts()
        described = self.settings.project.values
        return values_from_paths({path: fill(value, facts) for path, value in described.items()})

    def release(self) -> Release:
        """Return the release, installed and ready."""
        return self._jobs.start("release", self._install).result()

    def close(self, *, interrupted: bool, failed: bool) -> None:
        """End what still runs, and remove what is not to be kept."""
        self._jobs.close(interrupted=interrupted)
        keep = self.settings.keep
        if interrupted or keep == "always" or (keep == "on-failure" and failed):
            return
        with self.progress.step("removing cluster, database and stand-ins"):
            self.delete()

    def delete(self) -> None:
        """Remove everything that a run made for this cluster, images apart."""
        self.provider.delete()
        if self.settings.project.database:
            self._postgres.delete()
        for name in self.settings.project.standins:
            self._standins.delete(name)

    def _spec(self, name: str) -> ImageSpec:
        project = self.settings.project
        image = project.images[name]
        return ImageSpec(
            name=name,
            context=project.root / image.context,
            repository=image.repository,
            dockerfile=image.dockerfile,
            build_args=image.build_args,
            bases=image.bases,
        )

    def _start_image(self, name: str) -> Any:
        return self._jobs.start(f"image {name}", lambda: self._builder.build(self._spec(name)))

    def standin_job(self, name: str) -> Any:
        """Begin a stand-in, if it is needed."""
        return self._jobs.start(f"standin {name}", lambda: self._make_standin(name))

    def _make_standin(self, name: str) -> RunningStandIn | None:
        project = self.settings.project
        described = project.standins[name]
        if self.settings.environ.get(described.unless):
            self.progress.choice(name, "the real service", f"{described.unless} is given")
            return None
        self.progress.choice(
            name, "a local stand-in", f"no {described.unless} is given; its answers are made up"
        )
        spec = ImageSpec(
            name=name,
            context=project.root / described.context,
            repository=described.repository,
            bases=described.bases,
        )
        standin = StandIn(name, spec, port=described.port, health=described.health)
        return self._standins.ensure(standin)

    def _make_database(self) -> Database:
        described = self.settings.project.database
        if described is None:
            raise ValueError("the project describes no database")
        if url := self.settings.environ.get(described.env):
            self.progress.choice("database", "the given one", f"{described.env} is set")
            return GivenDatabase(url, f"the variable {described.env}", patience=30).ensure()
        database = self._postgres.ensure()
        self.redact.add(database.url_in_cluster, database.url_on_host)
        return database

    def _make_cluster(self) -> ClusterAccess:
        return self.provider.ensure()

    def _install(self) -> Release:
        settings, project = self.settings, self.settings.project
        images = self.images()
        access = self.cluster()
        with self.progress.step("loading images into the cluster") as step:
            loaded = self.provider.load([image.ref for image in images.values()])
            step.result = f"{len(loaded.loaded)} loaded, {len(loaded.already_there)} there already"
        values = self.values()
        if project.database and self.database().image is not None:
            self._postgres.join()
        for name in project.standins:
            if self.standin(name):
                self._standins.join(name)
        kube = access.client()
        rollout = Rollout(self.helm(), kube, self.progress, self.redact, settings.timeout)
        seconds = rollout.run(project.chart_path, project.chart.release, settings.namespace, values)
        return Release(
            kube=kube,
            project=project,
            name=project.chart.release,
            namespace=settings.namespace,
            images=images,
            rollout_seconds=seconds,
            total_seconds=time.monotonic() - self.started,
        )

    def facts_for_people(self) -> Mapping[str, str]:
        """Return what is said at the end of a run."""
        return {}
