"""The database outside the cluster: stopped, frozen, without TLS, without connections."""

from __future__ import annotations

import contextlib
import time
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from harness.databases import errors
from harness.databases.database import Database
from harness.databases.reach import Address, connect
from harness.faults.fault import Fault, FaultWithoutEffectError

if TYPE_CHECKING:
    import psycopg

    from harness.databases.external import PostgresExternal

_SOURCE = "the database of this run"
_TIMEOUT = 2.0  # seconds for one look
_ANSWERS = 30.0  # seconds
_FEW = 3  # connections that are left to the application's role, and taken


@dataclass
class _DatabaseFault(Fault):
    """A fault of a PostgreSQL of our own.

    It is made sure of from this machine, with the application's own role.

    Args:
        postgres: the server.
        database: of the application.

    """

    postgres: PostgresExternal
    database: Database

    #: what a client gets to know of it
    expected: ClassVar[type[errors.DatabaseError] | tuple[type[errors.DatabaseError], ...]]

    def _check(self) -> None:
        try:
            self._connect().close()
        except self.expected:
            return
        except errors.DatabaseError as error:
            seen = error.headline
        else:
            seen = "it answers as ever"
        where = f"{self.database.name}, from this machine"
        raise FaultWithoutEffectError(self.describe(), "the database to refuse", seen, where)

    def _mend(self) -> None:
        self._restore()
        deadline = time.monotonic() + _ANSWERS
        while True:
            try:
                self._connect().close()
            except errors.DatabaseError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)  # nothing tells when a server lets in again
            else:
                return

    @abstractmethod
    def _restore(self) -> None:
        """Undo it on the server."""

    def _connect(self) -> psycopg.Connection:
        return connect(Address.parse(self.database.url_on_host, _SOURCE), _SOURCE, _TIMEOUT)


@dataclass
class Stopped(_DatabaseFault):
    """The server is stopped in an orderly way: connections end, nobody is there."""

    expected = (errors.ConnectionRefusedByHostError, errors.HostTimedOutError)

    def describe(self) -> str:
        """Return what is broken."""
        return "the database is stopped"

    def _break(self) -> None:
        self.postgres.stop()

    def _restore(self) -> None:
        self.postgres.start()


@dataclass
class Silent(_DatabaseFault):
    """The server is frozen: connections are accepted, and nothing ever comes back."""

    expected = errors.HostTimedOutError

    def describe(self) -> str:
        """Return what is broken."""
        return "the database does not answer"

    def _break(self) -> None:
        self.postgres.pause()

    def _restore(self) -> None:
        self.postgres.resume()


@dataclass
class WithoutTls(_DatabaseFault):
    """The server offers no encryption any more, which the application insists on."""

    expected = errors.TlsError

    def describe(self) -> str:
        """Return what is broken."""
        return "the database refuses encrypted connections"

    def _break(self) -> None:
        self.postgres.offer_tls(offered=False)

    def _restore(self) -> None:
        self.postgres.offer_tls(offered=True)


@dataclass
class OutOfConnections(_DatabaseFault):
    """All connections that the application's role may have are in somebody else's hands."""

    expected = errors.ConnectionsExhaustedError
    _held: contextlib.ExitStack = field(
        default_factory=contextlib.ExitStack, init=False, repr=False
    )

    def describe(self) -> str:
        """Return what is broken."""
        return "the database has no connection left"

    def _break(self) -> None:
        self.postgres.limit(_FEW)
        self.postgres.disconnect()
        deadline = time.monotonic() + _ANSWERS
        held = 0
        while held < _FEW:  # the application tries to get them, too
            try:
                self._held.enter_context(contextlib.closing(self._connect()))
            except errors.ConnectionsExhaustedError:
                if time.monotonic() > deadline:
                    raise
                self._held.close()
                held = 0
                self.postgres.disconnect()
            else:
                held += 1

    def _restore(self) -> None:
        self._held.close()
        self.postgres.limit(None)
