"""What a release would stand on: cluster, database, services outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.clusters.existing.errors import DatabaseUnreachableError
from harness.databases.choice import EXTERNAL, GIVEN, INSIDE, POOLED, Choice, choose
from harness.labels import CLUSTER, ROLE
from harness.options import MINIKUBE
from harness.plan import model
from harness.plan.model import NEW, RUNNING, STOPPED, UNKNOWN, PlannedCluster, PlannedService

if TYPE_CHECKING:
    from harness.plan.times import Times
    from harness.settings import Settings
    from harness.supply.engine import Engine

_ASK = 30.0  # seconds
_COLUMNS = "\t".join(
    ("{{.Names}}", "{{.State}}", *(f'{{{{.Label "{label}"}}}}' for label in (CLUSTER, ROLE)))
)


@dataclass(frozen=True)
class Containers:
    """The containers of a cluster and of what is beside it, as the engine lists them.

    `known` is False where no engine could be asked.
    """

    known: bool
    states: Mapping[tuple[str, str], tuple[str, ...]]

    @classmethod
    def look(cls, engine: Engine | None) -> Containers:
        """Ask the engine once for all."""
        if engine is None:
            return cls(known=False, states={})
        columns = f'{_COLUMNS}\t{{{{.Label "io.x-k8s.kind.cluster"}}}}'
        said = engine.run("ps", "--all", "--format", columns, timeout=_ASK, check=False)
        states: dict[tuple[str, str], tuple[str, ...]] = {}
        for line in said.stdout.splitlines():
            name, state, cluster, role, kind = (*line.split("\t"), "", "", "", "", "")[:5]
            key = (kind or cluster or name, "" if kind else role)
            states[key] = (*states.get(key, ()), state)
        return cls(said.returncode == 0, states)

    def state(self, cluster: str, role: str = "") -> str:
        """Return NEW, RUNNING, STOPPED or UNKNOWN; by default of the cluster's own nodes."""
        if not self.known:
            return UNKNOWN
        found = self.states.get((cluster, role), ())
        if not found:
            return NEW
        return RUNNING if all(state == "running" for state in found) else STOPPED

    def count(self, cluster: str) -> int:
        """Return how many nodes a cluster has."""
        return len(self.states.get((cluster, ""), ()))


def choice_of(settings: Settings) -> Choice | None:
    """Return the kind of database, None when the project has none.

    Raises:
        DatabaseNotGivenError: it is asked for, and what it needs is not there.
        DatabaseUnreachableError: the pods of a cluster that exists would not reach it.

    """
    database, existing = settings.project.database, settings.existing
    if database is None:
        return None
    choice = choose(settings.database, database, settings.environ)
    if choice.ours and existing and not existing.host_address:
        raise DatabaseUnreachableError(choice.kind)
    return choice


def plan_cluster(
    every: Sequence[Settings],
    containers: Containers,
    times: Times,
    *,
    makes: tuple[str, ...],
    loads: tuple[str, ...],
) -> PlannedCluster:
    """Return what would become of the cluster; nobody asks it."""
    settings = every[0]
    name = settings.cluster_name
    if existing := settings.existing:
        context = existing.context
        return PlannedCluster(
            kind=settings.cluster,
            name=context,
            state=model.GIVEN,
            detail=f"context {context} of {existing.kubeconfig}; it is not asked for a plan",
            nodes=0,
            makes=makes,
            loads=loads,
            how=f"pushed to {existing.registry_push}, pulled from {existing.registry}",
            seconds=times.phase(f"checking the cluster of context {context}"),
        )
    state, detail = _own(settings, containers)
    return PlannedCluster(
        kind=settings.cluster,
        name=name,
        state=state,
        detail=detail,
        nodes=settings.nodes,
        makes=makes,
        loads=loads,
        how="loaded into its nodes; what they hold already is not loaded again",
        seconds=_cluster_seconds(state, name, times),
    )


def _own(settings: Settings, containers: Containers) -> tuple[str, str]:
    state = containers.state(settings.cluster_name)
    count = containers.count(settings.cluster_name)
    if state == UNKNOWN:
        return UNKNOWN, "no container engine answers that could tell whether it is there"
    if state == NEW:
        return NEW, "there is none of this name, so one is made"
    if settings.fresh:
        return NEW, "deleted with its database first, as --deploy-fresh=yes says, and made anew"
    if settings.cluster != MINIKUBE and count != settings.nodes:
        return NEW, f"nodes are wanted: {settings.nodes}, and it has {count}; so it is made anew"
    if state == STOPPED:
        return STOPPED, "there and stopped; it is started again"
    return RUNNING, "used again, if it is healthy"


def _cluster_seconds(state: str, name: str, times: Times) -> float | None:
    if state == RUNNING:
        return 0.0
    return times.phase(f"{'waking' if state == STOPPED else 'making'} cluster {name}")


def plan_services(
    settings: Settings, choice: Choice | None, containers: Containers, times: Times
) -> Iterator[PlannedService]:
    """Yield the database, and each service outside or what stands in for it."""
    fresh = NEW if settings.fresh else ""
    tenant = settings.tenant.name
    if choice and settings.project.database:
        image = settings.project.database.image
        state, detail, seconds = (
            model.GIVEN,
            f"a PostgreSQL of somebody else's; {choice.reason}",
            None,
        )
        if choice.kind in (EXTERNAL, POOLED):
            state = fresh or containers.state(tenant, "database")
            behind = ", behind a pooler" if choice.kind == POOLED else ""
            detail = f"a container of {image} beside the cluster{behind}; {choice.reason}"
            seconds = times.phase(f"starting database database.{tenant}.internal")
        elif choice.kind == INSIDE:
            state = NEW
            detail = f"a part of the release, from {image}; {choice.reason}"
            seconds = 0.0
        elif choice.kind != GIVEN:
            state = NEW
            detail = f"a branch at Neon for this run; {choice.reason}"
            seconds = times.phase(f"making branch {settings.project.database.name} at Neon")
        yield PlannedService("database", choice.kind, state, detail, _waited(state, seconds))
    for name, described in settings.project.standins.items():
        if settings.environ.get(described.unless):
            said = f"the real service: {described.unless} is set"
            yield PlannedService(name, "service", model.GIVEN, said, 0.0)
            continue
        state = fresh or containers.state(tenant, f"standin-{name}")
        where = " in the cluster" if settings.existing else ""
        said = f"answers{where} that are made up: {described.unless} is not set"
        seconds = times.phase(f"starting stand-in {name}{where}")
        yield PlannedService(name, "stand-in", state, said, _waited(state, seconds))


def _waited(state: str, seconds: float | None) -> float | None:
    return 0.0 if state in (RUNNING, model.GIVEN) else seconds
