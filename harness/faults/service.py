"""A Service that leads nowhere: to pods that do not exist, or to a port nobody listens at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.release import ready_endpoints
from harness.kube.resources import ENDPOINT_SLICE, SERVICE, Object
from harness.kube.state import Snapshot
from harness.kube.waits import Pending, Ready, Verdict, WaitTimeoutError, wait_for
from harness.kube.watch import Watcher

_SHOWS = 10.0  # seconds until the endpoints follow
_NOBODY = "nobody-has-this-label"


@dataclass(frozen=True)
class LeadsTo:
    """The ready endpoints of a Service have just these ports; none at all when empty."""

    name: str
    ports: frozenset[int]

    def describe(self) -> str:
        """Return what is waited for."""
        words = ", ".join(map(str, sorted(self.ports)))
        return f"service {self.name} to lead to " + (f"port {words} of pods" if words else "nobody")

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the endpoint slices."""
        ports = ready_ports(self.name, snapshot.all(ENDPOINT_SLICE))
        if ports == self.ports:
            return Ready()
        seen = ", ".join(map(str, sorted(ports)))
        return Pending(f"it leads to port {seen} of pods" if ports else "it leads to nobody")


def ready_ports(service: str, slices: Iterable[Object]) -> frozenset[int]:
    """Return the ports of a Service's ready endpoints."""
    return frozenset(
        int(port["port"])
        for piece in slices
        if ready_endpoints({"metadata": {"name": service}}, (piece,))
        for port in piece.get("ports") or ()
    )


@dataclass
class _BrokenService(Fault):
    """A Service of which one field has another value.

    Only values that the chart gave are changed, none is added or removed: so also a
    further installation of the chart puts right what a killed run has left.

    Args:
        client: of the cluster.
        namespace: of the Service.
        name: of the Service.

    """

    client: Kube
    namespace: str
    name: str
    _before: Object = field(default_factory=dict, init=False, repr=False)
    _led_to: frozenset[int] = field(default=frozenset(), init=False, repr=False)

    @abstractmethod
    def _change(self, spec: Object) -> Object:
        """Return the changed part of the Service's spec."""

    @abstractmethod
    def _ports(self) -> frozenset[int]:
        """Return the ports that it leads to then."""

    def _break(self) -> None:
        slices = self.client.list(ENDPOINT_SLICE, self.namespace)
        self._led_to = ready_ports(self.name, slices)
        spec = self.client.get(SERVICE, self.name, self.namespace)["spec"]
        changed = self._change(spec)
        self._before = {key: spec[key] for key in changed}
        self._patch(changed)

    def _check(self) -> None:
        wait = LeadsTo(self.name, self._ports())
        try:
            self._wait(wait)
        except WaitTimeoutError as error:
            where = f"endpoints of service {self.name} in namespace {self.namespace}"
            raise FaultWithoutEffectError(
                self.describe(), wait.describe(), error.pending, where
            ) from error

    def _mend(self) -> None:
        if self._before:
            self._patch(self._before)
            self._wait(LeadsTo(self.name, self._led_to))

    def _patch(self, spec: Object) -> None:
        self.client.patch(SERVICE, self.name, {"spec": spec}, self.namespace)

    def _wait(self, wait: LeadsTo) -> None:
        with Watcher(self.client, self.namespace, (ENDPOINT_SLICE,)) as watcher:
            wait_for(wait, watcher, _SHOWS)


@dataclass
class WrongSelector(_BrokenService):
    """A Service whose selector matches no pod."""

    def describe(self) -> str:
        """Return what is broken."""
        return f"service {self.name} selects pods that do not exist"

    def _change(self, spec: Object) -> Object:
        return {"selector": dict.fromkeys(spec["selector"], _NOBODY)}

    def _ports(self) -> frozenset[int]:
        return frozenset()


@dataclass
class WrongTargetPort(_BrokenService):
    """A Service that leads to the right pods, at a port where nobody listens."""

    def describe(self) -> str:
        """Return what is broken."""
        return f"service {self.name} leads to a port of its pods where nobody listens"

    def _change(self, spec: Object) -> Object:
        [wrong] = self._ports()
        return {"ports": [port | {"targetPort": wrong} for port in spec["ports"]]}

    def _ports(self) -> frozenset[int]:
        return frozenset({max(self._led_to, default=1) + 1})
