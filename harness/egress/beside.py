"""The containers beside a cluster that its pods use: where they are now, and when they move."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.egress.destination import Destination
from harness.labels import CLUSTER, MANAGED

if TYPE_CHECKING:
    from harness.supply.engine import Engine

_PAUSE = 1.0  # seconds until an engine that has gone away is asked again


@dataclass(frozen=True)
class Beside:
    """The containers of one process of a run in the network that the cluster's nodes are in.

    Args:
        engine: whose containers they are.
        tenant: what they are labelled with.
        network: of the nodes.

    """

    engine: Engine
    tenant: str
    network: str

    def look(self) -> tuple[frozenset[Destination], frozenset[str]]:
        """Return at which ports they are reached, and by which names; of those that run."""
        wanted: dict[str, Any] = {"label": [f"{MANAGED}=true", f"{CLUSTER}={self.tenant}"]}
        found, names = set[Destination](), set[str]()
        for container in self.engine.sdk().containers.list(filters=wanted, ignore_removed=True):
            settings: Any = container.attrs.get("NetworkSettings") or {}
            place = (settings.get("Networks") or {}).get(self.network) or {}
            if address := place.get("IPAddress"):
                names.update(str(alias).lower() for alias in place.get("Aliases") or ())
                for port in settings.get("Ports") or {}:
                    number, _, protocol = port.partition("/")
                    found.add(Destination(str(address), protocol, int(number)))
        return frozenset(found), frozenset(names)


@dataclass
class Moves:
    """Calls somebody whenever a container is started or joins a network, until `stop`.

    A container that is started again may have another address. The engine tells it in a stream.

    Args:
        engine: whose.
        moved: called from another thread.

    """

    engine: Engine
    moved: Callable[[], None]
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _stream: Any = field(default=None, init=False)

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._follow, daemon=True, name="moves").start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        if (stream := self._stream) is not None:
            stream.close()

    def _follow(self) -> None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        filters = {"type": ["container", "network"], "event": ["start", "connect"]}
        while not self._stopped.is_set():
            try:
                self._stream = self.engine.sdk().events(filters=filters, decode=True)
                if self._stopped.is_set():
                    return
                for _ in self._stream:
                    if self._stopped.is_set():
                        return
                    self.moved()
            except (DockerException, RequestException, OSError, ValueError):
                pass  # closed by us, or the engine is away: the next look shows what there is
            self._stopped.wait(_PAUSE)
