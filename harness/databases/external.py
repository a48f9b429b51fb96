"""A PostgreSQL of our own, in a container beside the cluster (FR-004)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.databases.credentials import Credentials
from harness.databases.database import Database
from harness.databases.query import Query
from harness.databases.server import PORT, ROLE, Server
from harness.images import containers
from harness.redact import Redactor

if TYPE_CHECKING:
    from psycopg.sql import Identifier

    from harness.cache import Cache
    from harness.progress import Progress
    from harness.supply.bases import Bases
    from harness.supply.engine import Engine


@dataclass
class PostgresExternal:
    """A PostgreSQL container that belongs to one cluster, kept from run to run.

    It takes connections from outside only with TLS. Applications get a role that owns
    its databases and is no superuser, as they would in a cloud.

    Args:
        engine: where to run it.
        bases: finds the image.
        cache: keeps its passwords (readable by the user alone) and the lock.
        progress: told what is going on.
        cluster: the cluster that it belongs to; part of its names.
        network: the engine's network that the cluster's nodes are in; "" when they are in
            none of this machine's.
        official: the official image to run.
        name: the database that `ensure` returns.
        timeout: seconds that it may take until it answers.
        address: of this machine, by which pods reach it instead of by name.
        tls: whether it refuses connections that are not encrypted.

    All methods raise `errors.DatabaseNotStartedError` when the server does not come up,
    or (other than `ensure` and `delete`) when there is none.

    """

    engine: Engine
    bases: Bases
    cache: Cache
    progress: Progress
    cluster: str
    network: str = "kind"
    official: str = "postgres:17"
    name: str = "app"
    timeout: float = 90.0
    address: str = ""
    tls: bool = True
    _adopted: bool = field(default=False, init=False)

    @property
    def host(self) -> str:
        """Return the name or address by which pods reach it; no other cluster has the same."""
        return self.address or self.alias

    @property
    def alias(self) -> str:
        """Return its name in the engine's networks."""
        return f"database.{self.cluster}.internal"

    def ensure(self) -> Database:
        """Return the database, running and answering; keep what an earlier run left.

        Containers in the side network (`containers.side_network`) reach it at once, pods
        once `join` has been called: here when the cluster's network is there already.
        """
        with self.cache.lock(f"database-{self.cluster}"):
            server = self._server(self.bases.ensure(self.official).ref)
            container = server.adopt()
            self._adopted = container is not None
            if container is None:
                server.delete()
                with self.progress.step(f"starting database {self.host}") as step:
                    container = server.create()
                    step.result = f"PostgreSQL from {server.image}"
            else:
                self.progress.choice("database", self.host, "runs already")
            self._give_role(server)
            containers.join(self.engine, container, server.network, self.alias)
            try:
                self.join()
            except containers.NetworkMissingError:
                reason = f"pods reach it once the network {self.network} is there"
                self.progress.choice("database", self.host, reason)
        return self.create_database(self.name)

    def join(self, network: str = "") -> None:
        """Let the cluster's pods reach it by name; needed when it started before the cluster.

        Args:
            network: another of the engine's networks, whose containers are to reach it.

        Raises:
            containers.NetworkMissingError: the network is not there.

        """
        if network := network or self.network:
            containers.join(self.engine, self._server().container(), network, self.alias)

    def create_database(self, name: str) -> Database:
        """Return the database of this name, owned by the application's role."""
        from psycopg import errors, sql

        server = self._server()
        admin, role = server.query(), server.credentials.role
        if not admin.rows("SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s", (name,)):
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                sql.Identifier(name), sql.Identifier(role)
            )
            # Another worker may have been faster.
            with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                admin.rows(statement.as_string(None))
        on_host = server.url("127.0.0.1", server.port_on_host(), role, name)
        port = server.port_on_host() if self.address else PORT  # published alike everywhere
        return Database(
            name=name,
            host=self.host,
            port=port,
            adopted=self._adopted,
            tls=Query(on_host).tls().used,
            image=str(server.container().attrs["Config"]["Image"]),
            url_in_cluster=server.url(self.host, port, role, name),
            url_on_host=on_host,
        )

    def drop_database(self, name: str) -> None:
        """Remove a database of this server, with whoever is connected to it."""
        from psycopg import sql

        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        self._server().query().rows(statement.as_string(None))

    def stop(self) -> None:
        """Stop the server in an orderly way; its data stay."""
        self._server().container().stop(timeout=15)

    def start(self) -> Database:
        """Start the server again and wait until it answers."""
        server = self._server()
        container = server.container()
        container.start()
        server.wait(container)
        return self.create_database(self.name)

    def restart(self) -> Database:
        """Stop and start the server."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze the server: connections hang, as behind a broken network."""
        self._server().container().pause()

    def resume(self) -> None:
        """Let a frozen server go on; nothing happens when it is not frozen."""
        container = self._server().container()
        if containers.state(container)["Paused"]:
            container.unpause()

    def offer_tls(self, *, offered: bool) -> None:
        """Offer encryption, or refuse it; who is connected is disconnected."""
        server = self._server()
        container = server.container()
        server.offer_tls(container, offered=offered)
        self.disconnect()

    def limit(self, connections: int | None) -> None:
        """Allow the application's role so many connections at once; None for any number."""
        from psycopg import sql

        server = self._server()
        most = sql.Literal(-1 if connections is None else connections)
        statement = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(self._role(server), most)
        server.tell(server.container(), statement.as_string(None))

    def disconnect(self) -> int:
        """End all connections of the application's role; return how many there were."""
        from psycopg import sql

        server = self._server()
        statement = sql.SQL(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = {}"
        ).format(sql.Literal(server.credentials.role))
        return int(server.tell(server.container(), statement.as_string(None)))

    def delete(self) -> None:
        """Remove the container with its data. Nothing happens when there is none."""
        for container in containers.find(self.engine, self.cluster, ROLE):
            containers.remove(container)
        containers.remove_side_network(self.engine, self.cluster)

    def log(self, lines: int = 50) -> str:
        """Return the server's last log lines, without secrets."""
        server = self._server()
        return containers.tail(server.container(), Redactor(server.credentials.secrets), lines)

    def _server(self, image: str | None = None) -> Server:
        return Server(
            engine=self.engine,
            progress=self.progress,
            cluster=self.cluster,
            image=image or self.official,
            credentials=Credentials.of(self.cache, self.cluster),
            timeout=self.timeout,
            network=containers.side_network(self.engine, self.cache, self.cluster),
            address=self.address,
            tls=self.tls,
        )

    def _role(self, server: Server) -> Identifier:
        from psycopg import sql

        return sql.Identifier(server.credentials.role)

    def _give_role(self, server: Server) -> None:
        """Give the application its role: no superuser, with our present password."""
        from psycopg import sql

        admin, role = server.query(), server.credentials.role
        exists = admin.rows("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", (role,))
        # What a killed run may have left of a fault goes, too.
        statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER CONNECTION LIMIT -1 PASSWORD {}").format(
            sql.SQL("ALTER" if exists else "CREATE"),
            self._role(server),
            sql.Literal(server.credentials.role_password),
        )
        admin.rows(statement.as_string(None))
