"""The PostgreSQL server in its container: started, adopted, waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from harness.cache import digest
from harness.databases import errors
from harness.databases.query import Query
from harness.databases.reach import Address, connect
from harness.images import containers
from harness.ports import free_port
from harness.redact import Redactor

if TYPE_CHECKING:
    from docker.models.containers import Container

    from harness.databases.credentials import Credentials
    from harness.progress import Progress
    from harness.supply.engine import Engine

ROLE = "database"
PORT = 5432
ADMIN = "postgres"
_OURS = "our own database"
_HBA_FILE = "/etc/deploy_harness_pg_hba.conf"
# As a database in a cloud does it: from outside only with TLS and password.
_HBA = """\
local     all all             trust
hostssl   all all 0.0.0.0/0   scram-sha-256
hostssl   all all ::/0        scram-sha-256
hostnossl all all 0.0.0.0/0   reject
hostnossl all all ::/0        reject
"""
# For an application that trusts no certificate but those of public authorities.
_HBA_OFFERED = """\
local     all all             trust
host      all all 0.0.0.0/0   scram-sha-256
host      all all ::/0        scram-sha-256
"""
_COMMAND = (
    "postgres",
    *("-c", "ssl_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem"),
    *("-c", "ssl_key_file=/etc/ssl/private/ssl-cert-snakeoil.key"),
    *("-c", f"hba_file={_HBA_FILE}"),
)
# Not on the command line, which nothing can overrule: it is switched off for a while to
# see how an application takes it.
_TLS = "ALTER SYSTEM SET ssl = {}"
_TLS_FILE = "/docker-entrypoint-initdb.d/tls.sql"
_ATTEMPTS = 3  # a free port may be taken by someone else before the engine binds it


@dataclass(frozen=True)
class Server:
    """One cluster's PostgreSQL server. `timeout`: seconds until it must answer.

    `address`: a further one of this machine at which it listens, if any. `tls`: whether it
    refuses connections that are not encrypted; it offers encryption either way.

    All methods raise `errors.DatabaseNotStartedError` when it does not come up or is
    not there.
    """

    engine: Engine
    progress: Progress
    cluster: str
    image: str
    credentials: Credentials
    timeout: float
    network: str
    address: str = ""
    tls: bool = True

    def container(self) -> Container:
        """Return its container, running or not."""
        found = containers.find(self.engine, self.cluster, ROLE)
        if not found:
            raise self._failed(f"cluster {self.cluster} has no database container", "-")
        return found[0]

    def adopt(self) -> Container | None:
        """Return the container of an earlier run if it fits and answers, started if need be."""
        from docker.errors import APIError

        for container in containers.find(self.engine, self.cluster, ROLE):
            if container.labels.get(containers.CONTENT_LABEL) != self._content():
                self._replaced("made otherwise now")
                return None
            try:
                now = containers.state(container)
                if now["Paused"]:
                    container.unpause()
                elif not now["Running"]:
                    container.start()
                self.wait(container)
            except (errors.DatabaseError, APIError) as error:
                cause = error.headline if isinstance(error, errors.DatabaseError) else str(error)
                self._replaced(cause)
                return None
            return container
        return None

    def create(self) -> Container:
        """Start a new container and wait until it answers."""
        from docker.errors import APIError

        for attempt in range(_ATTEMPTS):
            described = self._described(free_port())
            try:
                described.start()
                break
            except APIError as error:
                self.delete()
                taken = "port is already allocated" in str(error) or "in use" in str(error)
                if not taken or attempt == _ATTEMPTS - 1:
                    raise self._failed(str(error.explanation or error), "-") from error
        container = cast("Container", described.get_wrapped_container())
        try:
            self.wait(container)
        except BaseException:
            self.delete()
            raise
        return container

    def delete(self) -> None:
        """Remove the container with its data, if there is one."""
        for container in containers.find(self.engine, self.cluster, ROLE):
            containers.remove(container)

    def wait(self, container: Container) -> None:
        """Wait until it lets the administrator in; fail at once when its container ends."""
        watch, deadline = containers.ExitWatch(container), time.monotonic() + self.timeout
        last = "no port is published"
        while time.monotonic() < deadline:
            if (port := containers.published(container, PORT)) is not None:
                address = Address.parse(self.url("127.0.0.1", port, ADMIN, ADMIN), _OURS)
                try:
                    connect(address, _OURS, 3).close()
                except errors.LoginRefusedError:
                    raise  # other passwords than ours: waiting does not help
                except errors.TlsError as error:
                    last = error.headline
                    self.offer_tls(container, offered=True)  # a killed run has left it so
                except errors.DatabaseError as error:
                    last = error.headline
                else:
                    return
            if watch.exited.wait(0.25):
                last = f"its container ended with exit code {watch.code}"
                break
        else:
            last = f"it did not answer within {self.timeout:.0f} s; last: {last}"
        raise self._failed(last, containers.tail(container, Redactor(self.credentials.secrets)))

    def offer_tls(self, container: Container, *, offered: bool) -> None:
        """Switch TLS on or off for new connections.

        Raises:
            errors.StatementRefusedError: the server does not do it.

        """
        self.tell(container, _TLS.format("on" if offered else "off"))
        self.tell(container, "SELECT pg_reload_conf()")

    def tell(self, container: Container, statement: str) -> str:
        """Execute a statement as administrator from within the container; return its rows.

        That way is open also when no connection from outside is. The statement is seen in
        process lists: it must hold no secret.

        Raises:
            errors.StatementRefusedError: with psql's words.

        """
        argv = ["psql", "--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1"]
        done = container.exec_run([*argv, "-U", ADMIN, "-d", ADMIN, "-c", statement])
        said = cast("bytes", done.output or b"").decode(errors="replace").strip()
        if done.exit_code != 0:
            raise errors.StatementRefusedError(self.cluster, statement, said)
        return said

    def query(self) -> Query:
        """Return the means to ask the server as its administrator."""
        return Query(self.url("127.0.0.1", self.port_on_host(), ADMIN, ADMIN))

    def port_on_host(self) -> int:
        """Return the port on 127.0.0.1 that leads to it."""
        port = containers.published(self.container(), PORT)
        if port is None:
            raise self._failed("its container does not run", "-")
        return port

    def url(self, host: str, port: int, user: str, name: str) -> str:
        """Return the URL of a database of this server."""
        ours = self.credentials
        password = ours.admin_password if user == ADMIN else ours.role_password
        secret, database = quote(password, safe=""), quote(name, safe="")
        query = "?sslmode=require" if self.tls else ""
        return f"postgresql://{user}:{secret}@{host}:{port}/{database}{query}"

    def _described(self, port: int) -> Any:
        from testcontainers.community.postgres import PostgresContainer
        from testcontainers.core.config import testcontainers_config

        # The reaper needs an image of its own and would end what later runs adopt; what
        # we leave is swept by its labels.
        testcontainers_config.ryuk_disabled = True

        class _Postgres(PostgresContainer):
            def _connect(self) -> None:
                """Leave waiting to us: the library would show the password in a process list."""

        described = _Postgres(
            self.image,
            username=ADMIN,
            password=self.credentials.admin_password,
            dbname=ADMIN,
            driver=None,
            docker_client_kw={"environment": {"DOCKER_HOST": self.engine.host}},
        )
        places = containers.publish(port, self.address)
        described.ports = cast("dict[str, int | None]", {f"{PORT}/tcp": places})
        described.with_name(f"{self.cluster}-{ROLE}")
        described.with_command(list(_COMMAND))
        described.with_copy_into_container(self._hba.encode(), _HBA_FILE, 0o644)
        described.with_copy_into_container(f"{_TLS.format('on')};\n".encode(), _TLS_FILE, 0o644)
        labels = containers.labels(self.cluster, ROLE, self._content())
        described.with_kwargs(network=self.network, labels=labels)
        return described

    def _content(self) -> str:
        further: dict[str, Any] = {"address": self.address} if self.address else {}
        image = self.engine.image_id(self.image)
        return digest(image=image, command=_COMMAND, hba=self._hba, tls=_TLS, **further)

    @property
    def _hba(self) -> str:
        return _HBA if self.tls else _HBA_OFFERED

    def _replaced(self, cause: str) -> None:
        self.progress.choice("database", self.cluster, f"started anew: {cause}")

    def _failed(self, reason: str, log: str) -> errors.DatabaseNotStartedError:
        return errors.DatabaseNotStartedError(self.image, reason, log)
