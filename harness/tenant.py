"""One run's place on a cluster that others may use at the same time."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import DeployError, Fault

#: Ports of the node that this machine reaches at addresses of their own, one a tenant.
NODE_PORTS = (30080, 30081, 30082, 30083)
#: As many for what a tenant installs beside its release.
BESIDE_PORTS = (30090, 30091, 30092, 30093)


def beside_namespace(namespace: str) -> str:
    """Return the namespace of what is installed beside a release in another one."""
    return f"{namespace[:56]}-beside"


class NoSlotError(DeployError):
    """More processes share a cluster than it publishes ports."""

    fault = Fault.INPUT

    def __init__(self, slot: int) -> None:
        super().__init__(
            needed=f"a place on the cluster for process {slot + 1} of this run",
            seen=f"a cluster publishes {len(NODE_PORTS)} ports, one for each process",
            looked="the number of processes that share the cluster",
            fix=f"use at most {len(NODE_PORTS)}, such as `-n {len(NODE_PORTS)}`",
        )


@dataclass(frozen=True)
class Tenant:
    """A process that deploys to a cluster: names and port of its own.

    Args:
        cluster: the cluster's name.
        slot: 0 for the first or only process, 1 for the next.

    Raises:
        NoSlotError: there is no port for that one.

    """

    cluster: str
    slot: int = 0

    def __post_init__(self) -> None:
        """Refuse a place that the cluster does not have."""
        if self.slot >= len(NODE_PORTS):
            raise NoSlotError(self.slot)

    @property
    def name(self) -> str:
        """What the containers beside the cluster are named by."""
        return self.own(self.cluster)

    @property
    def node_port(self) -> int:
        """The port of the node for the public Service."""
        return NODE_PORTS[self.slot]

    @property
    def beside_port(self) -> int:
        """The port of the node for the public Service of an installation beside it."""
        return BESIDE_PORTS[self.slot]

    def own(self, name: str) -> str:
        """Return the name for what every tenant has one of."""
        return f"{name}-{self.slot}" if self.slot else name

    def all(self) -> list[Tenant]:
        """Return all tenants that the cluster can have."""
        return [Tenant(self.cluster, slot) for slot in range(len(NODE_PORTS))]


@dataclass(frozen=True)
class Guest(Tenant):
    """A process on a cluster that is not ours: any number of them, none with a fixed port.

    `cluster` names the process as well as the run, and so all that is made for it.
    """

    def __post_init__(self) -> None:
        """Refuse nothing: there are no places to run out of."""

    @property
    def node_port(self) -> int:
        """None that is known before: the cluster chooses one."""
        return 0

    @property
    def beside_port(self) -> int:
        """None that is known before: the cluster chooses one."""
        return 0

    def own(self, name: str) -> str:
        """Return the name as it is."""
        return name

    def all(self) -> list[Tenant]:
        """Return this one: nothing is shared with others."""
        return [self]
