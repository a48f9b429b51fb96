"""What a run is told: options, environment and the project's description, read once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from harness.images.limits import GB, GIB, Limits
from harness.option_reader import OptionReader
from harness.options import CLUSTERS, DATABASES, DIAGNOSIS, EGRESS, EXISTING, GUEST, KEEP, KIND
from harness.tenant import Guest, Tenant

if TYPE_CHECKING:
    from harness.clusters.existing.options import Existing
    from harness.project import Project


@dataclass(frozen=True)
class Settings:
    """Everything a run was told. `timeout` is in seconds, `port` 0 means any free one.

    Attributes:
        previous_chart: where an earlier version of the chart is, "" for the last that can be
            found, NONE for none.
        root: the folder that relative paths start from.
        database: one of DATABASES, or "" for what the environment suggests.
        nodes: how many a cluster has that is made.
        slot: 0 for the first or only process of a run, 1 for the next one beside it; each
            has a namespace of its own.
        run: what all processes of a run have in common.
        limits: what a build may take.
        as_of: day as of which builds resolve what nothing pins, YYYY-MM-DD, "" for the newest.
        egress: one of EGRESS: whether pods reach nobody outside but who is allowed.
        existing: how a cluster is used that is not ours; None for one of our own.

    """

    project: Project
    cluster: str
    cluster_name: str
    namespace: str
    port: int
    fresh: bool
    keep: str
    diagnosis: str
    timeout: int
    artifacts: Path
    previous_chart: str
    root: Path
    environ: Mapping[str, str]
    database: str = ""
    nodes: int = 1
    minikube_driver: str = "docker"
    egress: str = "closed"
    limits: Limits = field(default_factory=Limits)
    as_of: str = ""
    slot: int = 0
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    existing: Existing | None = None
    #: what the project's description leaves out and was inferred, a line each
    inferred: tuple[str, ...] = ()

    @property
    def diagnosis_folder(self) -> Path | None:
        """Where a diagnosis is written, None when none is wanted."""
        return None if self.diagnosis == "never" else self.artifacts / "diagnosis"

    @classmethod
    def load(
        cls,
        options: Mapping[str, str | None],
        environ: Mapping[str, str],
        root: Path,
        *,
        slot: int = 0,
        run: str = "",
    ) -> Settings:
        """Read the settings; an option wins over its variable, that over the default.

        Args:
            options: by option name without prefix; None where it was not given.
            environ: the environment; kept for what the project's description names, with
                the options of how things are fetched laid over it.
            root: folder that relative paths start from.
            slot: place of this process among those of its run.
            run: what they have in common; by default there is only this one.

        Raises:
            SettingInvalidError, NoSlotError, and what `Project.load` raises.

        """
        read = OptionReader(options, environ)
        cluster = read.one_of("cluster", CLUSTERS)
        driver = read.driver()
        keep = read.one_of("keep", ("", *KEEP)) or ("never" if cluster == EXISTING else "always")
        database = read.one_of("database", ("", *DATABASES))
        diagnosis = read.one_of("diagnosis", DIAGNOSIS)
        limits = Limits(
            memory=read.number("build-memory", 1, 1024) * GIB,
            written=read.number("build-disk", 1, 1000) * GB,
        )
        as_of = read.day("as-of")
        egress = read.one_of("egress", EGRESS)
        fresh = read.one_of("fresh", ("yes", "no")) == "yes"
        nodes = read.number("nodes", 1, 9)
        port = read.number("port", 0, 65535)
        timeout = read.number("timeout", 10, 3600)
        named = read.name("cluster-name", 40)
        namespace = read.name("namespace", 40 if cluster == EXISTING else 63)
        fetching = read.fetching(root)
        existing = _existing(read, cluster, root)
        project, inferred = _project(read, root, environ)
        run = run or secrets.token_hex(8)
        if existing:
            tenant: Tenant = Guest(f"{GUEST}{run[:8]}-{slot}", slot)
            own = f"{project.chart.namespace[:30]}-{run[:8]}-{slot}"
            named = f"{namespace}-{slot}" if slot else namespace
            place = named if namespace else own
        else:
            tenant = Tenant(named or _cluster_name(project.name, cluster), slot)
            place = tenant.own(namespace or project.chart.namespace)
        return cls(
            project=project,
            cluster=cluster,
            cluster_name=tenant.cluster,
            namespace=place,
            port=port,
            fresh=fresh,
            keep=keep,
            diagnosis=diagnosis,
            timeout=timeout,
            artifacts=root / read.text("artifacts") / (f"process-{slot}" if slot else ""),
            previous_chart=read.text("previous-chart"),
            root=root,
            environ={**environ, **fetching},
            database=database,
            nodes=nodes,
            minikube_driver=driver,
            egress=egress,
            limits=limits,
            as_of=as_of,
            slot=slot,
            run=run,
            existing=existing,
            inferred=inferred,
        )

    @property
    def tenant(self) -> Tenant:
        """This process's place on the cluster."""
        return (Guest if self.existing else Tenant)(self.cluster_name, self.slot)

    def __repr__(self) -> str:
        """Leave the environment out: it may hold secrets."""
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name != "environ")
        return f"Settings({', '.join(shown)})"


def _project(
    read: OptionReader, root: Path, environ: Mapping[str, str]
) -> tuple[Project, tuple[str, ...]]:
    """Return the project, and what of its description was inferred.

    That is done for a folder that was named; without one there has to be a whole description.
    """
    from harness.project import Project, ProjectFileInvalidError, ProjectFileMissingError

    folder = read.folder(root)
    try:
        return Project.load(folder), ()
    except (ProjectFileMissingError, ProjectFileInvalidError):
        if not read.text("project") or not folder.is_dir():
            raise
    from harness.inference.opening import project_in
    from harness.inference.writing import told

    found = project_in(folder, environ)
    return found.project, (*told(found.facts), *(f"note: {text}" for text in found.remarks))


def _cluster_name(project: str, cluster: str) -> str:
    """Name a project's cluster; clusters of different kinds may be there side by side."""
    kind = "" if cluster == KIND else f"-{cluster}"
    return f"deploy-{project}"[: 40 - len(kind)].rstrip("-") + kind


def _existing(read: OptionReader, cluster: str, root: Path) -> Existing | None:
    """Read what is said of a cluster that exists; refuse it for any other kind."""
    if cluster == EXISTING:
        from harness.clusters.existing.options import Existing

        read.refuse("cluster-name", "nothing: a cluster that exists is named by its context, not")
        return Existing.read(read, root)
    for name in ("kubeconfig", "context", "registry", "host-address", "url"):
        read.refuse(name, f"--deploy-cluster={EXISTING} (it is {cluster})")
    return None
