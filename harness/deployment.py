"""The one deployment of a run: images, cluster and release, and what is beside them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clusters.base import ClusterAccess, Provider
from harness.clusters.existing import beside
from harness.clusters.usage import Usage
from harness.errors import DeployError
from harness.helm import Helm, values_from_paths
from harness.helm.rendering import Renderer
from harness.images.alone import Alone
from harness.images.project import ProjectImages
from harness.images.spec import BuiltImage
from harness.jobs import Jobs
from harness.kube.client import Kube
from harness.kube.pods import pods_of_release
from harness.kube.restarts import restart_counts
from harness.outside import Outside
from harness.probes.outside import NotAnsweringError, wait_until_answers
from harness.progress import Progress
from harness.project import fill
from harness.redact import Redactor
from harness.release import Release
from harness.rollout import Rollout
from harness.settings import NONE, Settings

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.clusters.existing.provider import ExistingProvider
    from harness.diagnosis import Written
    from harness.helm.earlier import EarlierChart
    from harness.installation import Installation
    from harness.probes.image import ProbeImage
    from harness.probes.pod import ProbePod
    from harness.supply.engine import Engine
    from harness.supply.tools import Tools

_NOWHERE = Path(os.devnull)  # what needs no cluster gets none


@dataclass
class Deployment:
    """Every part is made once, when it is first needed; `begin` starts all side by side.

    All methods raise the DeployError of what failed, also in later calls.

    Attributes:
        sources: the images of the project.
        outside: database and stand-ins.
        provider: the kind of cluster.
        secrets: the value of each secret that the project names.
        usage: keeps other runs from what this one uses.
        guest: the same as `provider` where the cluster is not ours, else None.

    """

    settings: Settings
    cache: Cache
    progress: Progress
    redact: Redactor
    engine: Engine
    tools: Tools
    sources: ProjectImages
    outside: Outside
    provider: Provider
    secrets: dict[str, str]
    jobs: Jobs
    usage: Usage
    guest: ExistingProvider | None = None
    started: float = field(default_factory=time.monotonic)

    def begin(self, *, cluster: bool) -> None:
        """Check what can be checked at once, then start every part side by side.

        Args:
            cluster: whether the run needs more than the images.

        Raises:
            DeployError: sources that cannot be built, before anything is started (EC-1);
                a chart that cannot be rendered; an earlier chart that is named and cannot
                be had; another run is in the way.

        """
        self.sources.check()
        if self.settings.previous_chart not in ("", NONE):
            self.earlier_chart()
        if self.settings.fresh:
            with self.usage.first_of(self.settings.run) as first:
                if first:
                    self._delete_all()
        if cluster:
            self._check_chart()
            self.usage.enter()
            if self.guest:
                beside.sweep(self.engine, self.cache)
            self.provider.check()
            if self.guest:
                self._check_chart(self.guest.version)
            self.outside.check()
        self._begin_parts(cluster=cluster)

    def _check_chart(self, kube_version: str | None = None) -> None:
        """Render the chart with values of the right shape: the real ones are not known yet.

        Args:
            kube_version: of a cluster, which the chart may be too new for.

        """
        from harness.contract import placeholders

        project = self.settings.project
        if project.values:
            values = placeholders.values(project, placeholders.facts(project))
            renderer = Renderer(self.tools.helm, _NOWHERE, "", self.cache.root, self.redact)
            renderer.template(
                project.chart_path,
                project.chart.release,
                self.settings.namespace,
                values,
                kube_version=kube_version,
            )

    def _begin_parts(self, *, cluster: bool) -> list[Future[Any]]:
        parts: list[Future[Any]] = []
        if cluster:
            parts.append(self.jobs.start("cluster", self._make_cluster))
            parts += [*self.outside.begin(), self._start_probe_image()]
            if self.guest:
                parts.append(self.jobs.start("way in", self.public_url))
        return [*parts, *self.sources.begin()]

    def image(self, name: str) -> BuiltImage:
        """Return an image of the project, built from its present sources."""
        return self.sources.get(name)

    def images(self) -> dict[str, BuiltImage]:
        """Return all images of the project."""
        return self.sources.all()

    def alone(self, name: str) -> Alone:
        """Return how an image is run by itself, after what has to run before it has run."""
        return self.jobs.start(f"alone {name}", lambda: self._prepare_alone(name)).result()

    def cluster(self) -> ClusterAccess:
        """Return access to the cluster, healthy."""
        return self.jobs.start("cluster", self._make_cluster).result()

    def kube(self) -> Kube:
        """Return a client of the cluster."""
        return self.jobs.start("client", lambda: self.cluster().client()).result()

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

    def values(self) -> dict[str, Any]:
        """Return the chart's values for this run. They hold secrets."""
        return values_from_paths(self._described({}))

    def beside(self) -> Installation:
        """Return a second installation of the project, beside the release; nothing is made yet."""
        from harness.installation import Installation

        release, port = self.release(), self.settings.tenant.beside_port
        others: dict[str, str | int | None] = {"cluster.node_port": port or None}
        if not (self.guest and self.outside.inside):
            others["database.url"] = self.outside.database_beside().url_in_cluster
        more = self.settings.project.variants.get(self.settings.project.chart.beside, {})
        namespace = f"{release.namespace[:56]}-beside"
        return Installation(
            rollout=self._rollout(),
            project=self.settings.project,
            namespace=namespace,
            base=values_from_paths(self._described(others, more)),
            images=release.images,
            url=self._address(namespace, port),
        )

    def earlier_chart(self) -> EarlierChart:
        """Return the chart's version before the present one.

        Raises:
            EarlierChartError: the one that is named cannot be had.
            NoEarlierChartError: none is named and none can be found, or there is none.

        """
        return self.jobs.start("earlier chart", self._find_earlier_chart).result()

    def _find_earlier_chart(self) -> EarlierChart:
        from harness.helm.earlier import EarlierCharts, NoEarlierChartError, Puller

        settings = self.settings
        chart, ref = settings.project.chart_path, settings.previous_chart
        if ref == NONE:
            raise NoEarlierChartError(chart, "the run was told that there is none")
        puller = Puller(self.tools.helm, _NOWHERE, "", self.cache.root, self.redact)
        charts = EarlierCharts(chart, self.cache, puller)
        found = charts.named(ref, settings.root) if ref else charts.inferred()
        self.progress.choice("previous chart", found.facts.version, found.origin)
        return found

    def database_inside(self) -> dict[str, Any]:
        """Return the values by dotted path that have the database in the cluster.

        Laid over the others. There are none when the project describes no such variant.
        """
        project = self.settings.project
        inside = project.database.inside if project.database else ""
        described, facts = project.variants.get(inside, {}), self.outside.facts_inside()
        return {path: fill(value, facts) for path, value in described.items()}

    def _described(
        self,
        others: Mapping[str, str | int | None],
        more: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, Any]:
        facts = self._facts() | self.outside.facts()
        facts |= {"cluster.node_port": self._node_port or None, **others}
        described = {**self.settings.project.values, **(more or {})}
        values = {path: fill(value, facts) for path, value in described.items()}
        return values | (self.database_inside() if self.outside.inside else {})

    def all_secrets(self) -> dict[str, str]:
        """Return every value by name that must not be seen outside a Secret."""
        outside = self.outside.facts()
        if self.outside.inside:
            outside["database.password"] = self.outside.facts_inside()["database.password"]
        return self.secrets | {
            name: str(value)
            for name, value in outside.items()
            if (value and not name.endswith(".url")) or name == "database.url"
        }

    def release(self) -> Release:
        """Return the release, installed and ready."""
        return self.jobs.start("release", self._install).result()

    def public_url(self) -> str:
        """Return the address at which this machine reaches the public Service."""
        return self._address(self.settings.namespace, self._node_port)

    def _address(self, namespace: str, node_port: int) -> str:
        if self.guest is None:
            return self.provider.endpoint(node_port)
        if self.guest.options.url and namespace == self.settings.namespace:
            return self.guest.options.url.rstrip("/")
        project = self.settings.project
        port = next(service.port for service in project.services.values() if service.public)
        return self.guest.address(namespace, project.chart.release, port)

    def outside_url(self, release: Release) -> str:
        """Return an address of the public Service that leads through nothing of ours.

        Raises:
            NodesOutOfReachError: this machine reaches no node of a cluster that is not ours.

        """
        if self.guest is None or self.guest.options.url:
            return self.public_url()
        from harness.tunnels.nodes import reachable_node

        role = next(role for role, s in self.settings.project.services.items() if s.public)
        ports = [port.node_port for port in release.service(role).ports if port.node_port]
        return reachable_node(release.kube, ports[0] if ports else 0)

    def wait_until_open(self) -> None:
        """Wait until every public Service answers at its address. Raises NotAnsweringError."""
        for service in self.settings.project.services.values():
            if service.public:
                with self._telling_of_the_tunnel():
                    wait_until_answers(self.public_url() + service.health)

    def probe_pod(self, namespace: str) -> ProbePod:
        """Return a pod to look from inside a namespace; it exists once it is entered."""
        from harness.probes.pod import ProbePod

        image = self.probe_image()
        return ProbePod(self.kube(), self.tools.kubectl, namespace, image, redact=self.redact)

    def probe_image(self) -> str:
        """Return the image of probe pods, which the cluster holds once there is a release."""
        return self._start_probe_image().result().ref

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
        try:
            self._close_kept(interrupted=interrupted, failed=failed)
        finally:
            self.outside.end()

    def _close_kept(self, *, interrupted: bool, failed: bool) -> None:
        keep = self.settings.keep
        if self.guest:
            kept = keep == "always" or (keep == "on-failure" and failed and not interrupted)
            self._leave(self.guest, kept=kept)
            return
        with self.usage.last() as last:
            if interrupted or keep == "always" or (keep == "on-failure" and failed):
                return
            if last:
                with self.progress.step("removing cluster, database and stand-ins"):
                    self._delete_all()
            else:
                with self.progress.step("removing database and stand-ins"):
                    self.outside.delete()

    def _leave(self, guest: ExistingProvider, *, kept: bool) -> None:
        """Leave a cluster that is not ours as it was, or say what stays there."""
        if kept:
            beside.keep(self.cache, self.settings.cluster_name)
            if names := guest.keep():
                self.progress.choice("kept", ", ".join(names), guest.how_to_remove())
            self.usage.leave()
            return
        with self.progress.step("removing the namespaces of this run") as step:
            try:
                step.result = ", ".join(guest.delete()) or "there was none"
            finally:
                self.outside.delete()
                self.usage.leave()
        beside.forget(self.cache, self.settings.cluster_name)

    def _delete_all(self) -> None:
        """Remove all that runs made for this cluster, images apart."""
        self.provider.delete()
        for tenant in self.settings.tenant.all():
            self.outside.of(tenant).delete()

    def _rollout(self) -> Rollout:
        return Rollout(self.helm(), self.kube(), self.progress, self.redact, self.settings.timeout)

    @property
    def _node_port(self) -> int:
        return self.settings.tenant.node_port

    def _start_probe_image(self) -> Future[ProbeImage]:
        from harness.probes.image import ensure_probe_image

        environ = self.settings.environ
        return self.jobs.start(
            "probe image",
            lambda: self._adopted(
                ensure_probe_image(self.engine, self.cache, self.progress, environ)
            ),
        )

    def _adopted(self, image: ProbeImage) -> ProbeImage:
        return replace(image, ref=self.guest.registry.adopt(image.ref)) if self.guest else image

    def _facts(self) -> dict[str, str | int | None]:
        return {**{f"secrets.{k}": v for k, v in self.secrets.items()}, **self.sources.facts()}

    def _prepare_alone(self, name: str) -> Alone:
        described, image = self.settings.project.images[name], self.image(name)
        facts = {**self._facts(), **self.outside.facts(alone=True)}
        env = {key: str(fill(value, facts)) for key, value in described.env.items()}
        alone = Alone(
            engine=self.engine,
            image=image.ref,
            port=described.port,
            env=env,
            secrets=tuple(env.values()),
            network=self.outside.network_alone(),
        )
        for command in described.before:
            replace(alone, command=command).to_end()
        return alone

    def _make_cluster(self) -> ClusterAccess:
        return self.provider.ensure()

    def _install(self) -> Release:
        project, namespace = self.settings.project, self.settings.namespace
        self.jobs.all(self._begin_parts(cluster=True))
        images, access = self.images(), self.cluster()
        with self.progress.step("loading images into the cluster") as step:
            inside = [self.outside.image_inside()] if self.outside.inside else []
            refs = [*(image.ref for image in images.values()), self.probe_image(), *inside]
            loaded = self.provider.load(refs)
            step.result = f"{len(loaded.loaded)} loaded, {len(loaded.already_there)} there already"
        values = self.values()
        self.outside.join()
        kube, name = access.client(), project.chart.release
        if not self.guest and self.outside.is_new() and not access.created:
            # Pods that need no change would not be started again, and so not migrate it.
            with self.progress.step("removing a release whose database is gone") as step:
                gone = self.helm().uninstall(name, namespace, timeout=self.settings.timeout)
                step.result = "removed" if gone else "there was none"
        before = {pod.uid for pod in pods_of_release(kube, namespace, name)}
        rollout = self._rollout()
        try:
            seconds = rollout.run(project.chart_path, name, namespace, values)
            pods = pods_of_release(kube, namespace, name)
            old = restart_counts(pod for pod in pods if pod.uid in before)
            release = Release(
                kube, project, name, namespace, images, seconds, 0.0, old, self.redact
            )
            self._open(release)
        except DeployError as error:
            if written := self.diagnose("rollout", error):
                error.add_note(written.note())
            raise
        return replace(release, total_seconds=time.monotonic() - self.started)

    def _open(self, release: Release) -> None:
        from harness.probes.opening import wait_until_open, why_closed

        for role, service in self.settings.project.services.items():
            if service.public:
                looks = partial(self.probe_pod, release.namespace)
                why = partial(why_closed, release, role, service.health, looks)
                with self._telling_of_the_tunnel():
                    wait_until_open(self.public_url() + service.health, why)

    @contextlib.contextmanager
    def _telling_of_the_tunnel(self) -> Iterator[None]:
        """Note what went wrong on the way to a cluster that is not ours."""
        try:
            yield
        except NotAnsweringError as error:
            for trouble in self.guest.troubles(self.settings.namespace) if self.guest else ():
                error.add_note(f"in the tunnel: {trouble}")
            raise
