"""The release that a run accepts, and what the cluster says of it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import DeployError, Fault
from harness.images.spec import BuiltImage
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.pods import Pod, pods_of_release, running_image
from harness.kube.restarts import Counts, Restart, restarts
from harness.kube.services import Service, service_for_image, services_of_release
from harness.redact import Redactor

if TYPE_CHECKING:
    from harness.project import Project


class RoleUnknownError(DeployError):
    """A role that the project's description does not have."""

    fault = Fault.INPUT

    def __init__(self, role: str, known: list[str]) -> None:
        super().__init__(
            needed=f"the role {role}",
            seen=f"the roles {', '.join(known)}",
            looked="[services] in deploy.toml",
            fix="correct the name, or describe the role",
        )


@dataclass(frozen=True)
class Release:
    """An installed release. Roles are those of the project's description.

    Attributes:
        kube: client of the cluster it is on.
        project: the project's description.
        name: the release's name.
        namespace: where it is.
        images: the images of the project, by name.
        rollout_seconds: from Helm's start until all was ready.
        total_seconds: from the start of the whole deployment (SC-001), without the time in
            which nothing of it was under way because other tests ran.
        restarts_before: counts of the containers that ran before this rollout began, as
            they were when it had ended. A machine that was started again, or an earlier
            run, has restarted them, and that speaks against neither this rollout nor the
            app.
        redact: applied to what containers said.
    """

    kube: Kube
    project: Project
    name: str
    namespace: str
    images: Mapping[str, BuiltImage]
    rollout_seconds: float
    total_seconds: float
    restarts_before: Counts = field(default_factory=dict)
    redact: Redactor = field(default_factory=Redactor, repr=False)

    def image(self, role: str) -> BuiltImage:
        """Return the image that a role runs. Raises RoleUnknownError."""
        try:
            return self.images[self.project.services[role].image]
        except KeyError:
            raise RoleUnknownError(role, sorted(self.project.services)) from None

    def pods(self, role: str | None = None) -> list[Pod]:
        """Return the pods of the release as they are now, or those of one role."""
        pods = [p for p in pods_of_release(self.kube, self.namespace, self.name) if not p.deleted]
        return pods if role is None else running_image(pods, self.image(role).ref)

    def restarts(self) -> list[Restart]:
        """Return the restarts of its containers that belong to this run (US2.1).

        A container of this rollout counts from its first start, one that was there before
        from the rollout's end.
        """
        details = Details(self.kube, redact=self.redact)
        return restarts(self.pods(), details, self.restarts_before)

    def service(self, role: str) -> Service:
        """Return the Service that leads to the pods of a role.

        Raises:
            RoleUnknownError, ImageNotRunningError, ServiceNotFoundError,
            ServiceAmbiguousError.

        """
        return service_for_image(self.kube, self.namespace, self.name, self.image(role).ref)

    def services(self) -> list[Service]:
        """Return all Services of the release."""
        return services_of_release(self.kube, self.namespace, self.name)
