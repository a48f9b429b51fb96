"""A database that sleeps for a while: what is done to it, in which order."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.databases.errors import DatabaseNotStartedError
from harness.faults.fault import FaultWithoutEffectError
from harness.faults.sleep import Away, Held


class Server:
    """What a fault does to its server."""

    def __init__(self, connections: int = 3) -> None:
        self.connections, self.done = connections, list[str]()
        self.refuses = False

    def disconnect(self) -> int:
        self.done.append("disconnect")
        return self.connections

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.refuses and what in ("resume", "start"):
            raise DatabaseNotStartedError("postgres", "it does not start", "-")

    def pause(self) -> None:
        self._do("pause")

    def resume(self) -> None:
        self._do("resume")

    def stop(self) -> None:
        self._do("stop")

    def start(self) -> None:
        self._do("start")


@pytest.mark.parametrize(
    ("kind", "sleeps", "wakes"), [(Held, "pause", "resume"), (Away, "stop", "start")]
)
def test_it_wakes_up_by_itself(kind: Any, sleeps: str, wakes: str) -> None:
    server = Server()
    began = time.monotonic()
    with kind(server, 0.2) as fault:
        assert server.done == ["disconnect", sleeps]
        assert fault.dropped == 3
        fault._timer.join()
        assert server.done == ["disconnect", sleeps, wakes]
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("kind", [Held, Away])
def test_nobody_was_connected(kind: Any) -> None:
    server = Server(connections=0)
    with pytest.raises(FaultWithoutEffectError, match="nobody was"), kind(server, 0.05):
        pass
    assert server.done[-1] in ("resume", "start")


@pytest.mark.parametrize("kind", [Held, Away])
def test_it_does_not_wake_up(kind: Any) -> None:
    server = Server()
    server.refuses = True
    with pytest.raises(DatabaseNotStartedError), kind(server, 0.05):
        pass
