"""The one deployment of a run: images, cluster and release, and what is beside them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness import installing, leaving
from harness.chart import Chart
from harness.clusters.base import ClusterAccess, Provider
from harness.clusters.existing import beside
from harness.clusters.usage import Usage
from harness.egress.errors import EgressOpenError
from harness.entrance import Entrance, way_in_of
from harness.errors import DeployError
from harness.facts import Facts
from harness.helm import Helm
from harness.images.alone import Alone
from harness.images.project import ProjectImages
from harness.images.spec import BuiltImage
from harness.jobs import Jobs
from harness.kube.client import Kube
from harness.options import NONE
from harness.outside import Outside
from harness.probes.image import ProbeSource
from harness.progress import Progress
from harness.redact import Redactor
from harness.release import Release
from harness.rollout import Rollout
from harness.settings import Settings
from harness.trial import prepared

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.clusters.existing.provider import ExistingProvider
    from harness.diagnosis import Written
    from harness.egress.guard import Guard
    from harness.helm.earlier import EarlierChart
    from harness.installation import Installation
    from harness.probes.pod import ProbePod
    from harness.supply.engine import Engine
    from harness.supply.tools import Tools


@dataclass
class Deployment:
    """Every part is made once, when it is first needed; `begin` starts all side by side.

    All methods raise the DeployError of what failed, also in later calls.

    Attributes:
        sources: the images of the project.
        outside: database and stand-ins.
        probe: the image of pods that look from inside.
        provider: the kind of cluster.
        secrets: the value of each secret that the project names.
        usage: keeps other runs from what this one uses.
        guest: the same as `provider` where the cluster is not ours, else None.
        chart: the project's, as its files are.
        facts: what the chart's values are made of.
        entrance: where the public Services are reached.

    """

    settings: Settings
    cache: Cache
    progress: Progress
    redact: Redactor
    engine: Engine
    tools: Tools
    sources: ProjectImages
    outside: Outside
    probe: ProbeSource
    provider: Provider
    secrets: dict[str, str]
    jobs: Jobs
    usage: Usage
    guest: ExistingProvider | None = None
    chart: Chart = field(init=False)
    facts: Facts = field(init=False)
    entrance: Entrance = field(init=False)
    _refused: DeployError | None = field(init=False, default=None)
    _guard: Guard | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Bind what is told of the parts to them."""
        settings, project = self.settings, self.settings.project
        port = settings.tenant.node_port
        self.chart = Chart(settings, self.tools.helm, self.cache, self.progress, self.redact)
        self.facts = Facts(project, self.sources, self.outside, self.secrets, port)
        self.entrance = Entrance(
            project, settings.namespace, port, self.provider, self.guest, way_in_of(self)
        )

    def begin(self, *, cluster: bool) -> None:
        """Check what can be checked at once, then start every part side by side.

        Where there can be no release, nothing is begun (EC-1): `cluster` and `release` raise
        the reason, and each image that can be built is when it is asked for. The reason is
        sources that cannot be built, a chart that cannot be rendered, or another run that is in
        the way.

        Args:
            cluster: whether the run needs more than the images.

        Raises:
            DeployError: an earlier chart that is named and cannot be had.

        """
        if self.settings.previous_chart not in ("", NONE):
            self.earlier_chart()
        if self.settings.fresh:
            with self.usage.first_of(self.settings.run) as first:
                if first:
                    leaving.delete_all(self)
        if cluster:
            try:
                self._check_cluster()
            except DeployError as error:
                self._refused = error
                return
        self._begin_parts(cluster=cluster)

    def _check_cluster(self) -> None:
        """Refuse what cannot be released, before anything is started."""
        self.sources.check()
        self.chart.check()
        self.usage.enter()
        if self.guest:
            beside.sweep(self.engine, self.cache)
        self.provider.check()
        if self.guest:
            self.chart.check(self.guest.version)
        self.outside.check()

    def _begin_parts(self, *, cluster: bool) -> list[Future[Any]]:
        parts: list[Future[Any]] = []
        if cluster:
            parts.append(self.jobs.start("cluster", self.provider.ensure))
            parts += [*self.outside.begin(), self.probe.begin()]
            if self.guest and self.entrance.way_in:
                parts.append(self.jobs.start("way in", lambda: self.entrance.url))
        return [*parts, *self.sources.begin()]

    def image(self, name: str) -> BuiltImage:
        """Return an image of the project, built from its present sources."""
        return self.sources.get(name)

    def images(self) -> dict[str, BuiltImage]:
        """Return all images of the project."""
        return self.sources.all()

    def alone(self, name: str) -> Alone:
        """Return how an image is run by itself, after what has to run before it has run."""
        return self.jobs.start(f"alone {name}", lambda: prepared(self, name)).result()

    def cluster(self) -> ClusterAccess:
        """Return access to the cluster, healthy."""
        if self._refused is not None:
            raise self._refused
        return self.jobs.start("cluster", self.provider.ensure).result()

    def kube(self) -> Kube:
        """Return a client of the cluster."""
        return self.jobs.start("client", lambda: self.cluster().client()).result()

    def egress(self) -> Guard:
        """Return the guard of the cluster's way out.

        Raises:
            EgressOpenError: the cluster is not ours, or open.

        """
        found = self.jobs.start("egress", self._make_egress).result()
        if isinstance(found, EgressOpenError):
            raise found
        return found

    def helm(self) -> Helm:
        """Return Helm, bound to the cluster."""
        access = self.cluster()
        return Helm(
            self.tools.helm,
            access.kubeconfig,
            access.context,
            self.cache.root,
            self.redact,
            self.progress,
        )

    def rollout(self) -> Rollout:
        """Return how a release is changed and followed."""
        return Rollout(self.helm(), self.kube(), self.progress, self.redact, self.settings.timeout)

    def beside(self) -> Installation:
        """Return a second installation of the project, beside the release; nothing is made yet."""
        from harness.installation import Installation

        return Installation.beside(self)

    def earlier_chart(self) -> EarlierChart:
        """Return the chart's version before the present one.

        Raises:
            EarlierChartError: the one that is named cannot be had.
            NoEarlierChartError: none is named and none can be found, or there is none.

        """
        return self.jobs.start("earlier chart", self.chart.find_earlier).result()

    def release(self) -> Release:
        """Return the release, installed and ready."""
        if self._refused is not None:
            raise self._refused
        return self.jobs.start("release", self._install).result()

    def probe_pod(self, namespace: str) -> ProbePod:
        """Return a pod to look from inside a namespace; it exists once it is entered."""
        from harness.probes.pod import ProbePod

        image = self.probe_image()
        return ProbePod(self.kube(), self.tools.kubectl, namespace, image, redact=self.redact)

    def probe_image(self) -> str:
        """Return the image of probe pods, which the cluster holds once there is a release."""
        return self.probe.ref()

    def diagnose(self, occasion: str, error: BaseException | None = None) -> Written | None:
        """Write down all there is to see; return the folder, None when none is wanted.

        Args:
            occasion: what it was for; the folder's name.
            error: what went wrong, None when nothing did.

        """
        wanted = self.settings.diagnosis
        if wanted == "never" or (error is None and wanted != "always"):
            return None
        from harness import diagnosis

        return diagnosis.write(self, occasion, error)

    def close(self, *, interrupted: bool, failed: bool) -> None:
        """End what still runs, and remove what the settings do not keep.

        The cluster goes with the last process that uses it; what was made for this run
        alone goes in any case.
        """
        self.jobs.close(interrupted=interrupted)
        if self._guard:
            self._guard.stop()
        if self.entrance.way_in and not self.guest:
            self.entrance.way_in.close()
        try:
            leaving.leave(self, interrupted=interrupted, failed=failed)
        finally:
            self.outside.end()

    def _make_egress(self) -> Guard | EgressOpenError:
        from harness.egress.making import guard

        made = guard(self)
        if isinstance(made, EgressOpenError):
            self.progress.choice("way out", "open", made.seen)
        else:
            self._guard = made
        return made

    def _install(self) -> Release:
        self.jobs.all(self._begin_parts(cluster=True))
        self.jobs.start("egress", self._make_egress)  # beside the loading of images
        return installing.install(self)
