"""An installation of the project beside the release that is accepted, to be changed at will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.helm import Helm, Revision, merged, release_objects, values_from_paths
from harness.helm.manifest import ReleaseObject
from harness.images.spec import BuiltImage
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.namespaces import delete_namespace, ensure_namespace
from harness.kube.nodes import NothingEnding
from harness.kube.release import ReleaseReady
from harness.kube.resources import NAMESPACE, POD
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.probes.outside import wait_until_answers
from harness.release import Release
from harness.rollout import Rollout
from harness.tenant import beside_namespace

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.project import Project

_AGAIN = 60.0  # seconds until it is ready again by itself


@dataclass
class Installation:
    """A release with a namespace, a port and a database of its own.

    All methods raise the DeployError of what failed.

    Attributes:
        rollout: how a change is made and followed.
        project: the project's description.
        namespace: where it is; nothing else is there.
        base: the values of its known state. They hold secrets.
        images: what its known state runs, by the image's name.
        url: where this machine reaches its public Service.

    """

    rollout: Rollout
    project: Project
    namespace: str
    base: Mapping[str, Any] = field(repr=False)
    images: Mapping[str, BuiltImage]
    url: str
    _known: bool = field(default=False, init=False)
    _known_revisions: set[int] = field(default_factory=set, init=False)

    @classmethod
    def beside(cls, deployment: Deployment) -> Installation:
        """Return the one beside a deployment's release; nothing is made yet but a database."""
        settings, outside, release = deployment.settings, deployment.outside, deployment.release()
        project, port = settings.project, settings.tenant.beside_port
        others: dict[str, str | int | None] = {"cluster.node_port": port or None}
        if project.database and not (deployment.guest and outside.inside):
            others["database.url"] = outside.database_beside().url_in_cluster
        more = project.variants.get(project.chart.beside, {})
        namespace = beside_namespace(release.namespace)
        return cls(
            rollout=deployment.rollout(),
            project=project,
            namespace=namespace,
            base=deployment.facts.values(others, more),
            images=release.images,
            url=deployment.entrance.address(namespace, port),
        )

    @property
    def name(self) -> str:
        """The release's name, the same as that of the one beside it."""
        return self.project.chart.release

    @property
    def helm(self) -> Helm:
        """Helm, bound to its cluster."""
        return self.rollout.helm

    @property
    def kube(self) -> Kube:
        """A client of its cluster."""
        return self.rollout.kube

    def restore(self) -> None:
        """Bring it to its known state: the present chart with the base values, answering.

        Nothing is done when it is in it, but that it is ready is waited for: what it needs
        may have been away meanwhile. It is installed when it is not there.
        """
        if self._known:
            with Watcher(self.kube, self.namespace) as watcher:
                wait_for(ReleaseReady(self.namespace, self.name), watcher, _AGAIN)
            self.wait_until_open()
        else:
            self.change({})
        # Pods beyond those that it has now are still to serve for some seconds.
        self.wait_until_replaced()

    def wait_until_replaced(self) -> None:
        """Wait until no pod of before is left; until then it may still be asked something."""
        with Watcher(self.kube, self.namespace, (POD,)) as watcher:
            wait_for(NothingEnding(), watcher, _AGAIN)

    def empty(self) -> None:
        """Have its namespace, and nothing in it: a hook that failed may have left its Job."""
        ensure_namespace(self.kube, self.namespace)
        self.uninstall()
        if self.kube.list(POD, self.namespace):
            delete_namespace(self.kube, self.namespace)
            ensure_namespace(self.kube, self.namespace)

    def change(self, changes: Mapping[str, Any], chart: Path | None = None) -> float:
        """Install it or upgrade it; return the seconds until all was ready.

        Args:
            changes: values by dotted path, laid over the base values.
            chart: another chart than the project's present one.

        """
        self._known = False
        seconds = self.rollout.run(
            chart or self.project.chart_path, self.name, self.namespace, self.values(changes)
        )
        if not changes and chart is None:
            self._note_known()
        return seconds

    def back(self, revision: int) -> float:
        """Roll it back to a revision; return the seconds until all was ready."""
        self._known = False
        seconds = self.rollout.back(self.name, self.namespace, revision)
        if revision in self._known_revisions:
            self._note_known()
        return seconds

    def _note_known(self) -> None:
        self.wait_until_open()
        self._known_revisions.add(self.history()[-1].number)
        self._known = True

    def uninstall(self) -> bool:
        """Uninstall the release, and return whether there was one."""
        self._known = False
        self._known_revisions.clear()
        return self.helm.uninstall(self.name, self.namespace, timeout=self.rollout.timeout)

    def remove(self) -> None:
        """Remove it with its namespace; it may still be going when this returns."""
        self._known = False
        try:
            self.kube.get(NAMESPACE, self.namespace)
        except NotFoundError:
            return
        self.helm.uninstall(self.name, self.namespace, timeout=60, wait=False)
        delete_namespace(self.kube, self.namespace, wait=False)

    def values(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the base values with changes, by dotted path, laid over them."""
        return merged(self.base, values_from_paths(changes))

    def history(self) -> list[Revision]:
        """Return its revisions, oldest first."""
        return self.helm.history(self.name, self.namespace)

    def described(self, revision: int | None = None) -> list[ReleaseObject]:
        """Return the objects that Helm has noted for a revision, by default the last."""
        return release_objects(self.helm.get_manifest(self.name, self.namespace, revision))

    def release(self, tags: Mapping[str, str] | None = None) -> Release:
        """Return what the cluster says of it now.

        Args:
            tags: by image name, for images that run under another tag than in `images`.

        """
        images = {
            name: replace(image, tag=(tags or {}).get(name, image.tag))
            for name, image in self.images.items()
        }
        return Release(self.kube, self.project, self.name, self.namespace, images, 0.0, 0.0)

    def wait_until_open(self) -> None:
        """Wait until it answers at its address. Raises NotAnsweringError."""
        wait_until_answers(self.public_health)

    @property
    def public_health(self) -> str:
        """The address at which its public Service says that it is ready."""
        services = self.project.services.values()
        return self.url + next(service.health for service in services if service.public)
