"""Who may be reached outside the cluster: hosts by name, and the addresses that they have."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

PROTOCOLS = ("tcp", "udp")
#: A host of a description: `HOST:PORT`, for another protocol than TCP `HOST:PORT/udp`.
HOST = (
    r"^(?P<host>[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*)"
    r":(?P<port>[1-9]\d{0,4})(/(?P<protocol>tcp|udp))?$"
)


@dataclass(frozen=True, order=True)
class Destination:
    """An IPv4 address with protocol and port; port 0 of a protocol that has none."""

    address: str
    protocol: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.protocol}" if self.port else self.beside

    @property
    def beside(self) -> str:
        """The address and the protocol alone."""
        return f"{self.address}, {self.protocol}"


@dataclass(frozen=True, order=True)
class Host:
    """A host that is known by its name, or by an address."""

    name: str
    port: int
    protocol: str = "tcp"

    @classmethod
    def parse(cls, text: str) -> Host:
        """Take `HOST:PORT[/PROTOCOL]` apart. Raises ValueError when it is nothing of the kind."""
        found = re.match(HOST, text)
        if not found or int(found["port"]) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT or HOST:PORT/udp")
        name = found["host"].lower()
        if name.replace(".", "").isdigit():
            ip_address(name)
        return cls(name, int(found["port"]), found["protocol"] or "tcp")

    def destinations(self) -> Iterator[Destination]:
        """Yield its present addresses, as this machine knows them; none when it has none."""
        for address in addresses(self.name):
            yield Destination(address, self.protocol, self.port)


def addresses(name: str) -> list[str]:
    """Return the IPv4 addresses of a name, in order; none when it is unknown."""
    try:
        return [str(IPv4Address(name))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(entry[4][0]) for entry in found})


def names(hosts: Iterable[Host]) -> frozenset[str]:
    """Return the names of hosts, as the DNS is asked for them."""
    return frozenset(host.name.rstrip(".").lower() for host in hosts)
