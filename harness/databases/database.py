"""What a run is told of the database outside the cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from harness.databases.query import Query


@dataclass(frozen=True)
class Database:
    """A database that both pods and this machine reach.

    `url_in_cluster` and `url_on_host` hold the password; neither is part of `repr`.
    `host` and `port` are what pods use. `adopted` says that it was there before.
    `image` is None when it is not a container of ours.
    """

    name: str
    host: str
    port: int
    adopted: bool
    tls: bool
    image: str | None
    url_in_cluster: str = field(repr=False)
    url_on_host: str = field(repr=False)

    @property
    def query(self) -> Query:
        """Return the means to ask it from this machine."""
        return Query(self.url_on_host)


class ExternalDatabase(Protocol):
    """A source of a database outside the cluster."""

    def ensure(self) -> Database:
        """Return a database that answers; start it when it is ours and does not run."""

    def delete(self) -> None:
        """Remove it with its data when it is ours; otherwise do nothing."""
