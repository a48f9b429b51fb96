"""An installation of the project with another kind of database, apart from the release."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.kube.namespaces import delete_namespace, ensure_namespace
from harness.release import Release

if TYPE_CHECKING:
    from harness.images.spec import BuiltImage
    from harness.probes.pod import ProbePod
    from harness.probes.results import Http
    from harness.project import Project
    from harness.rollout import Rollout


@dataclass
class Apart:
    """A release in a namespace of its own, which only the cluster reaches.

    All methods raise the DeployError of what failed.

    Args:
        rollout: installs and upgrades it.
        project: the project's description.
        images: what it runs, by the image's name.
        namespace: made for it, and removed with all that is in it.

    """

    rollout: Rollout
    project: Project
    images: Mapping[str, BuiltImage]
    namespace: str

    def prepare(self) -> None:
        """Have its namespace, with nothing in it."""
        self.remove()
        ensure_namespace(self.rollout.kube, self.namespace)

    def install(self, values: Mapping[str, Any]) -> float:
        """Install or upgrade it; return the seconds until all was ready."""
        chart = self.project.chart
        return self.rollout.run(self.project.chart_path, chart.release, self.namespace, values)

    def release(self) -> Release:
        """Return what the cluster says of it."""
        kube, name = self.rollout.kube, self.project.chart.release
        return Release(kube, self.project, name, self.namespace, self.images, 0.0, 0.0)

    def uninstall(self) -> bool:
        """Uninstall the release; return whether there was one."""
        timeout = self.rollout.timeout
        release = self.project.chart.release
        return self.rollout.helm.uninstall(release, self.namespace, timeout=timeout)

    def remove(self) -> None:
        """Remove it with its namespace. Nothing happens when it is not there."""
        delete_namespace(self.rollout.kube, self.namespace)

    def url(self) -> str:
        """Return the address of its public Service in the cluster."""
        role, described = next((r, s) for r, s in self.project.services.items() if s.public)
        return f"http://{self.release().service(role).name}.{self.namespace}:{described.port}"


@dataclass
class Guest:
    """Somebody who uses an application that only the cluster reaches.

    Args:
        pod: the place to look from.
        url: of the application.
        timeout: seconds for one request.

    """

    pod: ProbePod
    url: str
    timeout: float = 15.0
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Http:
        """Send one request, and return what came back, whatever it is."""
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        text = json.dumps(body) if body else ""
        url = self.url + path
        return self.pod.http(method, url, headers=headers, body=text, timeout=self.timeout)


def new_name() -> str:
    """Return a name that nobody had before."""
    return secrets.token_hex(6)
