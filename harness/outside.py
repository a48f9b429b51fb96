"""What a deployment needs beside the cluster: a database, and services it calls."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.clusters.existing.errors import DatabaseUnreachableError
from harness.databases.choice import (
    GIVEN,
    INSIDE,
    NEON,
    POOLED,
    Choice,
    NoDatabaseError,
    NotOursError,
    choose,
)
from harness.databases.credentials import Credentials
from harness.databases.database import Database
from harness.databases.external import PostgresExternal
from harness.databases.given import GivenDatabase
from harness.databases.neon.errors import KEY
from harness.databases.pooler import Pooler
from harness.egress.destination import Host
from harness.images.containers import closed_network, side_network
from harness.jobs import Jobs
from harness.project_standins import ProjectStandIns
from harness.redact import Redactor
from harness.settings import Settings
from harness.standins import StandIns
from harness.tenant import Tenant

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.clusters.existing.provider import ExistingProvider
    from harness.databases.neon.database import NeonDatabase
    from harness.images.build import Builder
    from harness.progress import Progress
    from harness.supply.bases import Bases
    from harness.supply.engine import Engine

#: The database of containers that run alone, beside the release's own.
_ALONE = "alone"
#: The one of an installation beside the release.
_BESIDE = "beside"
_PATIENCE = 30.0  # seconds that a sleeping cloud database gets to wake up


@dataclass
class Outside:
    """The database and the stand-ins of one tenant of a cluster.

    What the user gives by environment (a database's URL, the key of a real service) is
    used as it is; the rest runs in containers beside the cluster and is kept from run to
    run. All methods raise the DeployError of what failed.

    On a cluster that exists (`guest`) pods reach none of this machine's containers by name:
    a database needs an address that they reach, and stand-ins run as pods.
    """

    settings: Settings
    engine: Engine
    builder: Builder
    bases: Bases
    cache: Cache
    progress: Progress
    redact: Redactor
    jobs: Jobs
    network: str = "kind"
    guest: ExistingProvider | None = None
    standins: ProjectStandIns = field(init=False)
    _postgres: PostgresExternal | None = field(init=False, default=None)
    _neon: NeonDatabase | None = field(init=False, default=None)
    _choice: Choice | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Bind both to the tenant, and learn what the user gave as secret."""
        settings, project = self.settings, self.settings.project
        name = settings.tenant.name
        running = StandIns(
            self.engine, self.builder, self.cache, self.progress, name, network=self.network
        )
        self.standins = ProjectStandIns(settings, running, self.jobs, self.redact, self.guest)
        if project.database:
            variable = project.database.env
            self._choice = choose(settings.database, project.database, settings.environ)
            self.redact.add(settings.environ.get(variable, ""), settings.environ.get(KEY, ""))
            self._postgres = PostgresExternal(
                self.engine,
                self.bases,
                self.cache,
                self.progress,
                name,
                official=project.database.image,
                name=project.database.name,
                network=self.network,
                tls=project.database.tls == "required",
                address=settings.existing.host_address if settings.existing else "",
            )

    def check(self) -> None:
        """See that pods can reach the database, and that one of somebody else's lets us in."""
        options = self.guest.options if self.guest else None
        if self._choice and self._choice.ours and options and not options.host_address:
            raise DatabaseUnreachableError(self._choice.kind)
        if self._choice and self._choice.kind in (GIVEN, NEON):
            self.database()

    def begin(self) -> list[Future[Any]]:
        """Start all of it side by side, and return at once what is under way."""
        begun: list[Future[Any]] = []
        if self._postgres and not (self.inside and self.guest):
            begun.append(self.jobs.start("database", self._make_database))
        return begun + [self.standins.begin(name) for name in self.standins.names]

    def database(self) -> Database:
        """Return the release's database; that of containers that run alone, if it is inside."""
        return self.jobs.start("database", self._make_database).result()

    def database_alone(self) -> Database:
        """Return a database for containers that run alone, so that they disturb nothing.

        A given database is used for both.
        """
        return self._database_apart(_ALONE)

    def database_beside(self) -> Database:
        """Return a database for an installation beside the release. A given one is shared."""
        return self._database_apart(_BESIDE)

    def drop_beside(self) -> None:
        """Remove the database of an installation beside the release, if it is ours."""
        if self._postgres and self.database().image is not None:
            self._postgres.drop_database(_BESIDE)

    def _database_apart(self, name: str) -> Database:
        database, postgres = self.database(), self._postgres
        if postgres is None or database.image is None:
            return database
        return self.jobs.start(
            f"database {name}", lambda: self._learn(postgres.create_database(name))
        ).result()

    def join(self) -> None:
        """Let the cluster's pods reach all of it by name, once the cluster is there."""
        if self.guest:
            if self._choice and self._choice.ours:
                self.guest.way_in.check_reached(self.database().host, self.database().port)
            return
        if self._postgres and self.database().image is not None:
            self._postgres.join()
            if self._choice and self._choice.kind == POOLED:
                self._pooler(self._postgres).join()
        self.standins.join()

    def network_alone(self) -> str:
        """Return a network in which containers that run alone reach all of it by name.

        It is there without a cluster, and lets them see nothing of one. It has no way out,
        unless somebody outside is used.
        """
        if self._postgres:
            self.database()
        for name in self.standins.names:
            self.standins.alone(name)
        tenant, used = self.settings.tenant.name, self.strangers()
        closed = "" if used else closed_network(self.engine, self.cache, tenant)
        if not closed:
            reason = f"they use {used[0].name}" if used else "its networks are not this machine's"
            self.progress.choice("way out", "of images that run alone: open", reason)
            return side_network(self.engine, self.cache, tenant)
        if self._postgres and self.database().image is not None:
            self._postgres.join(closed)
        for name in self.standins.names:
            self.standins.containers.join(name, closed)
        return closed

    def facts(self, *, alone: bool = False) -> dict[str, str | int]:
        """Return what `${database…}` and `${standins…}` stand for. Holds secrets."""
        facts: dict[str, str | int] = {}
        if self.guest and self.inside and not alone:
            facts["database.url"] = ""  # nothing outside is needed, so nothing is started
        elif self._postgres:
            database = self.database_alone() if alone else self.database()
            facts["database.url"] = database.url_in_cluster
        return facts | self.standins.facts(alone=alone)

    def postgres(self) -> PostgresExternal:
        """Return the server that the release's database is on, when it is ours to break.

        Raises:
            NotOursError: the database is somebody else's, or in the cluster.

        """
        if self._postgres is None or self._choice is None:
            raise NoDatabaseError
        if not self._choice.ours:
            raise NotOursError(self._choice)
        self.database()
        return self._postgres

    def strangers(self) -> list[Host]:
        """Return who is used outside and is not ours: a given database, the real services.

        Those that the project's description allows are among them.
        """
        settings, project = self.settings, self.settings.project
        found = [*project.egress.allow]
        for standin in project.standins.values():
            if standin.real and settings.environ.get(standin.unless):
                found.append(standin.real)
        if self._choice and self._choice.kind in (GIVEN, NEON):
            database = self.database()
            found.append(Host(database.host, database.port))
        return found

    def is_new(self) -> bool:
        """Return whether the database outside was just made, and so holds nothing yet."""
        described = self.settings.project.database is not None
        return described and not self.inside and not self.database().adopted

    @property
    def inside(self) -> bool:
        """Whether the release's database is in the cluster, a part of the release."""
        return self._choice is not None and self._choice.kind == INSIDE

    def described(self) -> dict[str, str | int | bool]:
        """Return what a report says of the database; nothing when there is none."""
        if self._choice is None:
            return {}
        told: dict[str, str | int | bool] = {"kind": self._choice.kind, "inside": self.inside}
        if not self.inside:
            database = self.database()
            told |= {"host": database.host, "port": database.port, "tls": database.tls}
        return told

    def image_inside(self) -> str:
        """Return the image of a database in the cluster."""
        if self.settings.project.database is None:
            raise NoDatabaseError
        ref = self.bases.ensure(self.settings.project.database.image).ref
        return self.guest.registry.adopt(ref) if self.guest else ref

    def facts_inside(self) -> dict[str, str | int]:
        """Return what `${database…}` stands for, other than the URL of one outside."""
        repository, _, tag = self.image_inside().rpartition(":")
        password = Credentials.of(self.cache, self.settings.tenant.name).role_password
        self.redact.add(password)
        return {
            "database.repository": repository,
            "database.tag": tag,
            "database.password": password,
        }

    def behind_pooler(self, name: str) -> tuple[Pooler, Database]:
        """Return a pooler before our own server, and a database of that name behind it.

        Pods reach it by name. Raises NotOursError when the server is not ours.
        """
        postgres = self.postgres()
        pooler = self._pooler(postgres)
        return pooler, self._learn(pooler.ensure(postgres.create_database(name)))

    def _pooler(self, postgres: PostgresExternal) -> Pooler:
        return Pooler(postgres, self.builder)

    def of(self, tenant: Tenant) -> Outside:
        """Return the same of another process on the cluster."""
        return replace(self, settings=replace(self.settings, slot=tenant.slot))

    def delete(self) -> None:
        """Remove what is ours, with its data."""
        if self._postgres:
            self._pooler(self._postgres).delete()
            self._postgres.delete()
        self.standins.delete()

    def end(self) -> None:
        """Remove what was made for this run alone: a branch at Neon."""
        if self._neon:
            self._neon.delete()

    def _make_database(self) -> Database:
        described, choice = self.settings.project.database, self._choice
        if described is None or self._postgres is None or choice is None:
            raise NoDatabaseError
        self.progress.choice("database", choice.kind, choice.reason)
        if choice.kind == GIVEN:
            url, source = self.settings.environ[described.env], f"the variable {described.env}"
            return GivenDatabase(url, source, patience=_PATIENCE).ensure()
        if choice.kind == NEON:
            from harness.databases.neon.database import NeonDatabase

            self._neon = NeonDatabase.of_environment(
                self.settings.environ,
                self.progress,
                self.settings.tenant.name,
                name=described.name,
                learn=self.redact.add,
            )
            return self._neon.ensure()
        database = self._learn(self._postgres.ensure())
        if choice.kind == POOLED:
            return self._learn(self._pooler(self._postgres).ensure(database))
        return database

    def _learn(self, database: Database) -> Database:
        self.redact.add(database.url_in_cluster, database.url_on_host)
        return database
