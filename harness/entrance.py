"""Where this machine reaches the public Services of a release."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.clusters.existing.leftovers import TOOLS
from harness.errors import DeployError, Fault
from harness.kube.namespaces import ensure_namespace
from harness.probes.opening import wait_until_open
from harness.probes.outside import NotAnsweringError

if TYPE_CHECKING:
    from harness.clusters.base import ClusterAccess, Provider
    from harness.clusters.existing.provider import ExistingProvider
    from harness.clusters.existing.way_in import WayIn
    from harness.deployment import Deployment
    from harness.project import Project
    from harness.release import Release


class NothingPublicError(DeployError):
    """Somebody wants to call the application from outside, and no role of it is open to people."""

    fault = Fault.INPUT

    def __init__(self) -> None:
        super().__init__(
            needed="a role that is open to people",
            seen="none is described so",
            looked="`public` below [services], in deploy.toml or inferred",
            fix="describe which role people call, or do without the sentences that need it",
        )


def needs_way_in(project: Project) -> bool:
    """Say whether no port of a node that a run can choose leads to the public Services."""
    return not project.values_of("cluster.node_port")


def way_in_of(deployment: Deployment) -> WayIn | None:
    """Return what leads to the public Services of a deployment where no port of a node does."""
    from harness.clusters.existing.way_in import WayIn

    if deployment.guest:
        return deployment.guest.way_in
    if not needs_way_in(deployment.settings.project):
        return None
    tools = f"{deployment.settings.namespace}-{TOOLS}"

    def access() -> ClusterAccess:
        cluster = deployment.cluster()
        ensure_namespace(cluster.client(), tools)
        return cluster

    load = deployment.provider.load
    return WayIn(access, tools, deployment.probe_image, load, deployment.progress)


@dataclass(frozen=True)
class Entrance:
    """The way in: a port of a node, a tunnel, or the address that the user gave.

    Attributes:
        namespace: of the release.
        node_port: for its public Service; 0 where the cluster chooses one.
        guest: the same as `provider` where the cluster is not ours, else None.
        way_in: leads to the public Service where no port of a node does that this machine
            reaches: on a cluster that is not ours, and where the chart has no value for the port.

    """

    project: Project
    namespace: str
    node_port: int
    provider: Provider
    guest: ExistingProvider | None
    way_in: WayIn | None = None

    @property
    def url(self) -> str:
        """The address at which this machine reaches the public Service."""
        return self.address(self.namespace, self.node_port)

    def address(self, namespace: str, node_port: int) -> str:
        """Return the same of a release of the project in any namespace."""
        if self.guest and self.guest.options.url and namespace == self.namespace:
            return self.guest.options.url.rstrip("/")
        if self.way_in is None:
            return self.provider.endpoint(node_port)
        port = next((one.port for one in self.project.services.values() if one.public), 0)
        if not port:
            raise NothingPublicError
        return self.way_in.address(namespace, self.project.chart.release, port)

    def direct(self, release: Release) -> str:
        """Return an address of the public Service that leads through nothing of ours.

        Raises:
            NodesOutOfReachError: this machine reaches no node of a cluster that is not ours.

        """
        if self.way_in is None or (self.guest and self.guest.options.url):
            return self.url
        from harness.tunnels.nodes import reachable_node

        role = next(role for role, s in self.project.services.items() if s.public)
        ports = [port.node_port for port in release.service(role).ports if port.node_port]
        return reachable_node(release.kube, ports[0] if ports else 0)

    def wait_until_open(self, why: Callable[[str, str], DeployError | None] | None = None) -> None:
        """Wait until every public Service answers at its address.

        Args:
            why: asked with a role and the path that is silent; the cause that it returns
                ends the wait.

        Raises:
            NotAnsweringError: with the last thing that was seen.
            DeployError: the cause that `why` knows.

        """
        for role, service in self.project.services.items():
            if service.public:
                ask = partial(why, role, service.health) if why else None
                with self._telling_of_the_tunnel():
                    wait_until_open(self.url + service.health, ask)

    @contextlib.contextmanager
    def _telling_of_the_tunnel(self) -> Iterator[None]:
        """Note what went wrong on the way through a tunnel."""
        try:
            yield
        except NotAnsweringError as error:
            for trouble in self.way_in.troubles(self.namespace) if self.way_in else ():
                error.add_note(f"in the tunnel: {trouble}")
            raise
