"""Containers beside the cluster: labels, ports, last words, and an early end noticed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError
from harness.labels import CLUSTER, MANAGED, PREFIX, ROLE
from harness.ports import LOOPBACK
from harness.redact import Redactor

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.models.networks import Network

    from harness.cache import Cache
    from harness.supply.engine import Engine

CONTENT_LABEL = PREFIX + "content"


class NetworkMissingError(DeployError):
    """The network that pods reach a container through does not exist."""

    def __init__(self, network: str) -> None:
        super().__init__(
            needed=f"the engine's network {network}, which the cluster's nodes are in",
            seen="it does not exist",
            looked="the container engine's networks",
            fix="start the cluster first",
        )


def labels(cluster: str, role: str, content: str = "") -> dict[str, str]:
    """Return the labels by which a later run finds a container, and a clean-up sweeps it.

    `content` stands for all that the container was made from; another value means that
    an existing one does not fit any more.
    """
    return {
        MANAGED: "true",
        CLUSTER: cluster,
        ROLE: role,
        CONTENT_LABEL: content,
    }


def find(engine: Engine, cluster: str, role: str) -> list[Container]:
    """Return our containers of a cluster and role, running or not."""
    wanted = [f"{MANAGED}=true", f"{CLUSTER}={cluster}", f"{ROLE}={role}"]
    return list(engine.sdk().containers.list(all=True, filters={"label": wanted}))


def remove(container: Container) -> None:
    """Remove a container with its anonymous volumes, running or not, gone or not."""
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        container.remove(force=True, v=True)


def state(container: Container) -> Mapping[str, Any]:
    """Return the engine's present account of a container's state."""
    container.reload()
    attributes: dict[str, Any] = container.attrs
    return dict(attributes["State"])


def published(container: Container, port: int, address: str = LOOPBACK) -> int | None:
    """Return the port of this machine that leads to a container's port, None while it has none.

    Args:
        container: whose.
        port: its own port.
        address: of this machine, at which the port is wanted.

    """
    container.reload()
    bindings = (container.attrs["NetworkSettings"]["Ports"] or {}).get(f"{port}/tcp") or []
    return next((int(b["HostPort"]) for b in bindings if b["HostIp"] == address), None)


def publish(port: int, address: str = "") -> list[tuple[str, int]]:
    """Return where a container's port is published: on the loopback, and there if named."""
    places = [(LOOPBACK, port)]
    # The same number at both, so that one that is taken shows at once.
    return [*places, (address, port)] if address and address != LOOPBACK else places


def tail(container: Container, redact: Redactor, lines: int = 30) -> str:
    """Return a container's last log lines, without secrets."""
    from docker.errors import APIError

    try:
        raw: bytes = container.logs(tail=lines)
    except APIError as error:
        return f"(its log cannot be read: {error.explanation})"
    return redact(raw.decode(errors="replace")).strip() or "(it wrote no log)"


def side_network(engine: Engine, cache: Cache, cluster: str) -> str:
    """Return the name of a network of our own for what runs beside a cluster.

    It is there before the cluster's own, and without one: containers in it reach each
    other by name, as an image that runs alone needs it.
    """
    name = f"{cluster}-side"
    with cache.lock(f"network-{name}"):
        if not _networks(engine, name):
            engine.sdk().networks.create(
                name, driver="bridge", labels=labels(cluster, "network"), check_duplicate=True
            )
    return name


def closed_network(engine: Engine, cache: Cache, cluster: str) -> str:
    """Return the name of a network like the one beside a cluster, with no way out of it.

    The engine publishes no port of a container that is in no other one. So this machine has to
    be in it: "" where it is not, as with an engine in a virtual machine.
    """
    name = f"{cluster}-closed"
    with cache.lock(f"network-{name}"):
        if not _networks(engine, name):
            engine.sdk().networks.create(
                name,
                driver="bridge",
                internal=True,
                labels=labels(cluster, "network"),
                check_duplicate=True,
            )
    gateways = [
        str(one["Gateway"])
        for one in _networks(engine, name)[0].attrs["IPAM"]["Config"]
        if one.get("Gateway")
    ]
    return name if any(map(_is_of_this_machine, gateways)) else ""


def _is_of_this_machine(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def remove_side_network(engine: Engine, cluster: str) -> None:
    """Remove the networks of our own, unless something is still in them."""
    from docker.errors import APIError

    for name in (f"{cluster}-side", f"{cluster}-closed"):
        for network in _networks(engine, name):
            with contextlib.suppress(APIError):  # in use: whoever is last removes it
                network.remove()


def address_in(container: Container, network: str) -> str:
    """Return a container's address in a network, "" while it has none."""
    container.reload()
    place = container.attrs["NetworkSettings"]["Networks"].get(network) or {}
    return str(place.get("IPAddress") or "")


def is_closed(engine: Engine, network: str) -> bool:
    """Say whether a network has no way out, and so publishes no ports."""
    return any((one.attrs or {}).get("Internal") for one in _networks(engine, network))


def join(engine: Engine, container: Container, network: str, alias: str) -> None:
    """Let everything in a network reach a container by a name. Changes nothing when it can.

    Pods reach it too: the cluster's DNS asks the node, and the node's asks the engine.

    Raises:
        NetworkMissingError: there is no such network.

    """
    exact = _networks(engine, network)
    if not exact:
        raise NetworkMissingError(network)
    container.reload()
    present = container.attrs["NetworkSettings"]["Networks"].get(network)
    if present is not None:
        if present.get("NetworkID") == exact[0].id and alias in (present.get("Aliases") or ()):
            return
        exact[0].disconnect(container, force=True)
    exact[0].connect(container, aliases=[alias])


def _networks(engine: Engine, name: str) -> list[Network]:
    # The engine's filter takes a name for a part of a name.
    return [one for one in engine.sdk().networks.list(names=[name]) if one.name == name]


class ExitWatch(threading.Thread):
    """Notices at once when a container ends. `exited` is set, then `code` holds."""

    def __init__(self, container: Container) -> None:
        super().__init__(daemon=True, name=f"exit-of-{container.short_id}")
        self._container = container
        self.exited = threading.Event()
        self.code: int | None = None
        self.start()

    def run(self) -> None:
        """Wait for the engine's word; a container that is gone has ended too."""
        from docker.errors import APIError
        from requests.exceptions import ConnectionError as Disconnected
        from requests.exceptions import ReadTimeout

        while not self.exited.is_set():
            try:
                self.code = int(self._container.wait(timeout=60)["StatusCode"])
            except (ReadTimeout, Disconnected):
                if self._alive():
                    continue
            except APIError:
                self.code = None
            self.exited.set()

    def _alive(self) -> bool:
        from docker.errors import APIError
        from requests.exceptions import RequestException

        try:
            return bool(state(self._container)["Running"])
        except (APIError, RequestException):
            return False
