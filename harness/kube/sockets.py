"""What listens inside a pod, read from its own network's table."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

#: Prints the table; a container without this program does not tell.
COMMAND = ("cat", "/proc/net/tcp", "/proc/net/tcp6")
# https://docs.kernel.org/networking/proc_net_tcp.html: number, local, remote, state
_LINE = re.compile(r"^\s*\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A ", re.M)
_LOOPBACK = ("127.", "::1", "::ffff:127.")


@dataclass(frozen=True, order=True)
class Listener:
    """A TCP port and the address that it is bound to."""

    port: int
    address: str

    @property
    def local(self) -> bool:
        """Whether it is reached from within its pod only."""
        return self.address.startswith(_LOOPBACK)

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def listeners(table: str) -> tuple[Listener, ...]:
    """Return what a printed /proc/net/tcp, or tcp6, says that listens, in order of port."""
    found = {Listener(int(port, 16), _address(word)) for word, port in _LINE.findall(table)}
    return tuple(sorted(found))


def describe(found: Iterable[Listener]) -> str:
    """Return them for a sentence."""
    return ", ".join(map(str, found)) or "nothing"


def _address(word: str) -> str:
    # Each group of four bytes is a number in the machine's own order.
    numbers = (int(word[at : at + 8], 16) for at in range(0, len(word), 8))
    raw = b"".join(struct.pack("=I", number) for number in numbers)
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
