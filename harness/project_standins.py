"""The stand-ins of a project, as a run uses them: started once each, or given by the user."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.images.spec import ImageSpec
from harness.standins import RunningStandIn, StandIn, StandIns

if TYPE_CHECKING:
    from harness.clusters.existing.provider import ExistingProvider
    from harness.jobs import Jobs
    from harness.project import Project
    from harness.redact import Redactor
    from harness.settings import Settings


@dataclass
class ProjectStandIns:
    """One for each service that the project calls and whose key the user has not given.

    On a cluster that exists (`guest`) they run as pods; containers that run alone have others.

    Args:
        settings: with the project and the environment.
        containers: runs them beside the cluster.
        jobs: of the run.
        redact: told their keys.
        guest: the cluster, where it is not ours.

    """

    settings: Settings
    containers: StandIns
    jobs: Jobs
    redact: Redactor = field(repr=False)
    guest: ExistingProvider | None = None

    def __post_init__(self) -> None:
        """Learn what the user gave as secret."""
        environ, described = self.settings.environ, self._project.standins.values()
        self.redact.add(*(environ.get(one.unless, "") for one in described))

    @property
    def _project(self) -> Project:
        return self.settings.project

    @property
    def names(self) -> Iterable[str]:
        """What the project calls them."""
        return self._project.standins

    def begin(self, name: str) -> Future[RunningStandIn | None]:
        """Start one, and return at once what is under way."""
        return self.jobs.start(f"stand-in {name}", lambda: self._make(name))

    def get(self, name: str) -> RunningStandIn | None:
        """Return one; None when the user gave the key of the real service."""
        return self.begin(name).result()

    def alone(self, name: str) -> RunningStandIn | None:
        """Return one for containers that run alone."""
        if not self.guest:
            return self.get(name)
        return self.jobs.start(
            f"stand-in {name} alone", lambda: self._make(name, alone=True)
        ).result()

    def join(self) -> None:
        """Let the cluster's pods reach all of them by name, once the cluster is there."""
        for name in self.names:
            if self.get(name):
                self.containers.join(name)

    def facts(self, *, alone: bool = False) -> dict[str, str | int]:
        """Return what `${standins…}` stand for. Holds secrets."""
        facts: dict[str, str | int] = {}
        for name, described in self._project.standins.items():
            running = self.alone(name) if alone else self.get(name)
            url = running.url_in_cluster + described.path if running else ""
            given = self.settings.environ.get(described.unless, "")
            facts[f"standins.{name}.url"] = url
            facts[f"standins.{name}.key"] = running.key if running else given
        return facts

    def delete(self) -> None:
        """Remove those that run beside the cluster."""
        for name in self.names:
            self.containers.delete(name)

    def _make(self, name: str, *, alone: bool = False) -> RunningStandIn | None:
        described, progress = self._project.standins[name], self.containers.progress
        if self.settings.environ.get(described.unless):
            progress.choice(name, "the real service", f"{described.unless} is set")
            return None
        progress.choice(
            name, "a local stand-in, whose answers are made up", f"{described.unless} is not set"
        )
        spec = ImageSpec(
            name=name,
            context=self._project.root / described.context,
            repository=described.repository,
            bases=described.bases,
        )
        standin = StandIn(name, spec, port=described.port, health=described.health)
        if self.guest and not alone:
            running = self._make_inside(self.guest, standin)
        else:
            running = self.containers.ensure(standin)
        self.redact.add(running.key)
        return running

    def _make_inside(self, guest: ExistingProvider, standin: StandIn) -> RunningStandIn:
        from harness.standins_inside import InsideStandIns

        image = self.containers.builder.build(standin.image)
        key = self.containers.key(standin)
        self.redact.add(key)
        name = guest.registry.adopt(image.ref)
        step_name = f"starting stand-in {standin.name} in the cluster"
        with self.containers.progress.step(step_name) as step:
            guest.registry.put([name])
            client = guest.ensure().client()
            running = InsideStandIns(client, guest.tools).ensure(standin, name, key)
            step.result = running.host
        return running
