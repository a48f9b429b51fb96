"""A database that the user names by a URL, such as one at Neon."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from harness.databases import errors
from harness.databases.database import Database
from harness.databases.query import Query
from harness.databases.reach import Address, connect


@dataclass(frozen=True)
class GivenDatabase:
    """A database that exists without us. It is used as it is, and never deleted.

    Args:
        url: its URL.
        source: where the URL comes from, for messages.
        timeout: seconds for each stage of connecting.
        patience: seconds to go on trying when nothing comes back; a cloud database that
            scales to zero wakes up by the first call.

    """

    url: str = field(repr=False)
    source: str = "the variable DATABASE_URL"
    timeout: float = 5.0
    patience: float = 0.0

    def ensure(self) -> Database:
        """Check the URL and that the database lets us in, and describe it.

        Raises:
            errors.DatabaseError: one subclass a cause: URL, name, port, TLS, login.

        """
        address = Address.parse(self.url, self.source)
        if address.loopback:
            raise errors.HostIsLoopbackError(address.host, self.source)
        deadline = time.monotonic() + self.patience
        while True:
            try:
                connect(address, self.source, self.timeout).close()
                break
            except errors.HostTimedOutError:
                if time.monotonic() >= deadline:
                    raise
        return Database(
            name=address.name,
            host=address.host,
            port=address.port,
            adopted=True,
            tls=Query(address.url, self.timeout).tls().used,
            image=None,
            url_in_cluster=address.url,
            url_on_host=address.url,
        )

    def delete(self) -> None:
        """Do nothing: it is not ours."""
