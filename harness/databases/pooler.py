"""A pooler before our own database, as Neon has one (FR-004): PgBouncer by transactions."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cache import digest
from harness.databases import errors
from harness.databases.database import Database
from harness.databases.pooler_console import ADMIN, PoolerConsole
from harness.databases.reach import Address, connect
from harness.images import containers
from harness.images.spec import ImageSpec
from harness.ports import free_port
from harness.redact import Redactor

if TYPE_CHECKING:
    from docker.models.containers import Container

    from harness.databases.external import PostgresExternal
    from harness.images.build import Builder

ROLE = "pooler"
PORT = 5432
_SOURCES = Path(__file__).resolve().parents[2] / "supply" / "pgbouncer"
_USER = 999  # of the image, and its group
_ATTEMPTS = 3  # a free port may be taken by someone else before the engine binds it
# Harder than Neon's: it keeps no prepared statements for its clients, and gives each
# transaction the connection that has rested longest, so that whatever an application leaves
# behind in a session is missed, or met by somebody else, at once.
_SETTINGS = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = *
listen_port = 5432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
admin_users = pooler
client_tls_sslmode = require
client_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem
client_tls_key_file = /etc/ssl/private/ssl-cert-snakeoil.key
server_tls_sslmode = require
pool_mode = transaction
max_prepared_statements = 0
server_round_robin = 1
default_pool_size = 6
max_client_conn = 200
query_wait_timeout = 120
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
"""


@dataclass
class Pooler:
    """A PgBouncer container in front of one cluster's PostgreSQL, kept from run to run.

    Args:
        postgres: the server; it has to run already.
        builder: builds the image.
        timeout: seconds that it may take until it lets the application's role in.

    All methods raise `errors.DatabaseNotStartedError` when it does not come up or is not
    there.

    """

    postgres: PostgresExternal
    builder: Builder
    timeout: float = 30.0

    @property
    def host(self) -> str:
        """Return the name or address by which pods reach it; no other cluster has the same."""
        return self.postgres.address or self.alias

    @property
    def alias(self) -> str:
        """Return its name in the engine's networks."""
        return f"pooler.{self.postgres.cluster}.internal"

    def ensure(self, database: Database) -> Database:
        """Return a database of the server as it is behind the pooler; start that if need be.

        What asks from this machine goes on to ask the server itself.
        """
        image = self.builder.build(
            ImageSpec(
                "pooler", _SOURCES, "deploy-pooler", bases={"DEBIAN_IMAGE": "debian:trixie-slim"}
            )
        )
        engine, cluster = self.postgres.engine, self.postgres.cluster
        files = self._files()
        address = self.postgres.address
        further: dict[str, Any] = {"address": address} if address else {}
        content = digest(image=image.id, configuration=sorted(files.items()), **further)
        with self.postgres.cache.lock(f"pooler-{cluster}"):
            found = containers.find(engine, cluster, ROLE)
            fits = [one for one in found if one.labels.get(containers.CONTENT_LABEL) == content]
            if fits and containers.state(fits[0])["Running"]:
                self.postgres.progress.choice("pooler", self.host, "runs already")
            else:
                self.delete()
                with self.postgres.progress.step(f"starting pooler {self.host}") as step:
                    self._start(image.ref, files, content)
                    step.result = image.ref
            side = containers.side_network(engine, self.postgres.cache, cluster)
            containers.join(engine, self._container(), side, self.alias)
            self._wait(database)
            try:
                self.join()
            except containers.NetworkMissingError:
                reason = f"pods reach it once the network {self.postgres.network} is there"
                self.postgres.progress.choice("pooler", self.host, reason)
        port = self._port() if self.postgres.address else PORT  # published alike everywhere
        url = self._url(database.url_on_host, self.host, port)
        return replace(database, host=self.host, port=port, url_in_cluster=url)

    def join(self) -> None:
        """Let the cluster's pods reach it by name. Raises NetworkMissingError."""
        engine, network = self.postgres.engine, self.postgres.network
        if network:
            containers.join(engine, self._container(), network, self.alias)

    def delete(self) -> None:
        """Remove it. Nothing happens when there is none."""
        for container in containers.find(self.postgres.engine, self.postgres.cluster, ROLE):
            containers.remove(container)

    def url_on_host(self, database: Database) -> str:
        """Return the URL by which this machine reaches a database through it."""
        return self._url(database.url_on_host, "127.0.0.1", self._port())

    @property
    def console(self) -> PoolerConsole:
        """Return where it can be asked and told things."""
        return PoolerConsole(self._port(), ADMIN, self._admin_password)

    def addresses(self) -> set[str]:
        """Return its addresses, by which the server knows it."""
        networks = self._container().attrs["NetworkSettings"]["Networks"].values()
        return {str(network["IPAddress"]) for network in networks}

    def log(self, lines: int = 50) -> str:
        """Return its last log lines, without secrets."""
        secrets = (*self._credentials.secrets, self._admin_password)
        return containers.tail(self._container(), Redactor(secrets), lines)

    @property
    def _credentials(self) -> Any:
        from harness.databases.credentials import Credentials

        return Credentials.of(self.postgres.cache, self.postgres.cluster)

    @property
    def _admin_password(self) -> str:
        # Not the server's: what the pooler knows must not open the server.
        return digest(pooler=self._credentials.admin_password)

    def _files(self) -> dict[str, str]:
        ours = self._credentials
        users = {ours.role: ours.role_password, ADMIN: self._admin_password}
        return {
            "pgbouncer.ini": _SETTINGS.format(host=self.postgres.alias, port=PORT),
            "userlist.txt": "".join(f'"{name}" "{word}"\n' for name, word in users.items()),
        }

    def _start(self, ref: str, files: Mapping[str, str], content: str) -> None:
        from docker.errors import APIError

        engine, cluster = self.postgres.engine, self.postgres.cluster
        network = containers.side_network(engine, self.postgres.cache, cluster)
        for attempt in range(_ATTEMPTS):
            ports: Any = {f"{PORT}/tcp": containers.publish(free_port(), self.postgres.address)}
            container = engine.sdk().containers.create(
                ref,
                name=f"{cluster}-{ROLE}",
                labels=containers.labels(cluster, ROLE, content),
                ports=ports,
                network=network,
                cap_drop=["ALL"],
            )
            try:
                container.put_archive("/etc/pgbouncer", _archive(files))
                container.start()
            except APIError as error:
                containers.remove(container)
                reason = str(error.explanation or error)
                taken = "port is already allocated" in reason or "in use" in reason
                if not taken or attempt == _ATTEMPTS - 1:
                    raise errors.DatabaseNotStartedError(ref, reason, "-") from error
            else:
                return

    def _wait(self, database: Database) -> None:
        """Wait until it lets the application's role through; fail at once when it has ended."""
        container, deadline = self._container(), time.monotonic() + self.timeout
        watch, last = containers.ExitWatch(container), "no port is published"
        while not watch.exited.wait(0.1):
            try:
                url = self.url_on_host(database)
                connect(Address.parse(url, "our own pooler"), "our own pooler", 3).close()
            except errors.DatabaseError as error:
                last = error.headline
            else:
                return
            if time.monotonic() > deadline:
                break
        else:
            last = f"its container ended with exit code {watch.code}"
        image = str(container.attrs["Config"]["Image"])
        raise errors.DatabaseNotStartedError(image, last, self.log())

    def _container(self) -> Container:
        found = containers.find(self.postgres.engine, self.postgres.cluster, ROLE)
        if not found:
            reason = f"cluster {self.postgres.cluster} has no pooler"
            raise errors.DatabaseNotStartedError("pgbouncer", reason, "-")
        return found[0]

    def _port(self) -> int:
        port = containers.published(self._container(), PORT)
        if port is None:
            raise errors.DatabaseNotStartedError("pgbouncer", "its container does not run", "-")
        return port

    def _url(self, url: str, host: str, port: int) -> str:
        address = Address.parse(url, "our own database")
        return url.replace(f"@{address.host}:{address.port}/", f"@{host}:{port}/", 1)


def _archive(files: Mapping[str, str]) -> bytes:
    """Return files as the engine takes them, readable by the pooler's user alone."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, text in files.items():
            about, data = tarfile.TarInfo(name), text.encode()
            about.size, about.mode, about.uid, about.gid = len(data), 0o400, _USER, _USER
            archive.addfile(about, io.BytesIO(data))
    return whole.getvalue()
