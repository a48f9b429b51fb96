"""A database that sleeps and wakes up by itself, as one that scales to zero does."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.faults.fault import Fault, FaultWithoutEffectError

if TYPE_CHECKING:
    from harness.databases.external import PostgresExternal


@dataclass
class _Asleep(Fault):
    """The server has no connections left, and serves again after so many seconds.

    Args:
        postgres: the server.
        seconds: from now until it begins to wake up.

    Attributes:
        dropped: how many connections there were before.

    """

    postgres: PostgresExternal
    seconds: float
    dropped: int = field(default=0, init=False)
    awake_at: float = field(default=0.0, init=False)
    _timer: threading.Timer | None = field(default=None, init=False, repr=False)
    _failed: list[BaseException] = field(default_factory=list, init=False, repr=False)

    def _break(self) -> None:
        self.dropped = self.postgres.disconnect()
        self._sleep()
        self.awake_at = time.monotonic() + self.seconds
        self._timer = threading.Timer(self.seconds, self._waken)
        self._timer.start()

    def _check(self) -> None:
        if not self.dropped:
            wanted, where = "somebody to be connected before", "the server's list of connections"
            raise FaultWithoutEffectError(self.describe(), wanted, "nobody was", where)

    def _mend(self) -> None:
        if self._timer is not None:
            self._timer.join()
        if self._failed:
            raise self._failed[0]
        self._wake()

    def _waken(self) -> None:
        try:
            self._wake()
        except Exception as error:
            self._failed.append(error)

    @abstractmethod
    def _sleep(self) -> None:
        """Stop serving."""

    @abstractmethod
    def _wake(self) -> None:
        """Serve again; nothing happens when it does."""


@dataclass
class Held(_Asleep):
    """Whoever connects is accepted at once, and served when the server is awake."""

    def describe(self) -> str:
        """Return what is broken."""
        return f"the database sleeps, and holds who connects for {self.seconds:g} s"

    def _sleep(self) -> None:
        self.postgres.pause()

    def _wake(self) -> None:
        self.postgres.resume()


@dataclass
class Away(_Asleep):
    """Whoever connects is refused, until the server has started."""

    def describe(self) -> str:
        """Return what is broken."""
        return f"the database sleeps, and is started after {self.seconds:g} s"

    def _sleep(self) -> None:
        self.postgres.stop()

    def _wake(self) -> None:
        self.postgres.start()
