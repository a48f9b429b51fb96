"""Ways from this machine to Services that no port leads to: a relay, and tunnels to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clusters.existing.errors import HostAddressError
from harness.errors import DeployError
from harness.tunnels.portforward import PodConnection, PodUnreachableError
from harness.tunnels.public import PublicService
from harness.tunnels.relay import Relay
from harness.tunnels.tunnel import Tunnel

if TYPE_CHECKING:
    from harness.clusters.base import ClusterAccess
    from harness.progress import Progress


@dataclass
class WayIn:
    """One relay in the run's namespace for tools, and a tunnel for each namespace with a release.

    Args:
        access: returns access to the cluster, with that namespace in it.
        namespace: the one for tools.
        image: makes the relay's image, in the engine; returns the name by which nodes pull it.
        bring: has nodes find it, where they look for images.
        progress: told what is done.
        ports: of the loopback by namespace; any that is free for others.
        hint: noted where the relay does not come up.

    """

    access: Callable[[], ClusterAccess]
    namespace: str
    image: Callable[[], str]
    bring: Callable[[Sequence[str]], object]
    progress: Progress
    ports: Mapping[str, int] = field(default_factory=dict)
    hint: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    _relay: Relay | None = field(default=None, init=False)
    _tunnels: dict[str, Tunnel] = field(default_factory=dict, init=False)

    def address(self, namespace: str, release: str, port: int) -> str:
        """Return `http://127.0.0.1:PORT` that leads to a release's public Service.

        The Service need not be there yet: it is looked for at each connection.

        Args:
            namespace: of the release.
            release: its name.
            port: of the Service.

        """
        with self._lock:
            if namespace not in self._tunnels:
                relay = self.relay()
                service = PublicService(self.access().client(), namespace, release, port)

                def connect() -> PodConnection:
                    try:
                        return relay.connect(service.host, service.port)
                    except PodUnreachableError:
                        service.forget()
                        raise

                self._tunnels[namespace] = Tunnel(connect, self.ports.get(namespace, 0))
            return self._tunnels[namespace].url

    def check_reached(self, host: str, port: int) -> None:
        """See that pods reach an address of this machine. Raises HostAddressError."""
        try:
            self.relay().connect(host, port).close()
        except PodUnreachableError as error:
            raise HostAddressError(host, port, str(error)) from error

    def troubles(self, namespace: str) -> list[str]:
        """Return why the last connections to a namespace's Service failed."""
        with self._lock:
            return list(self._tunnels[namespace].troubles) if namespace in self._tunnels else []

    def relay(self) -> Relay:
        """Return the relay, which runs. Raises the DeployError of what keeps it."""
        with self._lock:
            if self._relay is None:
                access, image = self.access(), self.image()
                with self.progress.step("starting the relay that tunnels lead to") as step:
                    self.bring([image])
                    relay = Relay(access.client(), self.namespace, image)
                    try:
                        relay.ensure()
                    except DeployError as error:
                        if self.hint:
                            error.add_note(self.hint)
                        raise
                    step.result = self.namespace
                self._relay = relay
            return self._relay

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of it."""
        troubles = [line for tunnel in self._tunnels.values() for line in tunnel.troubles]
        return {
            "tunnels": ", ".join(f"{n}: {t.url}" for n, t in self._tunnels.items()),
            "tunnel troubles": "; ".join(troubles) or "none",
        }

    def close(self) -> None:
        """End the tunnels; the relay goes with its namespace."""
        for tunnel in self._tunnels.values():
            tunnel.close()
        self._tunnels.clear()
        self._relay = None
