"""What a run is told: options, environment and the project's description, read once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError
from harness.redact import Redactor
from harness.tenant import Guest, Tenant

if TYPE_CHECKING:
    from harness.clusters.existing.options import Existing
    from harness.project import Project

KIND, MINIKUBE, EXISTING = CLUSTERS = ("kind", "minikube", "existing")
MINIKUBE_DRIVERS = ("docker",)
#: Minikube has these too, each for a machine of its own or for none at all.
OTHER_DRIVERS = (
    *("hyperkit", "hyperv", "krunkit", "kvm", "kvm2", "none", "parallels", "podman", "qemu"),
    *("qemu2", "ssh", "vfkit", "virtualbox", "vmware"),
)
#: What the names begin with of what is made for a cluster that exists, beside it.
GUEST = "deploy-guest-"
DATABASES = ("external", "pooled", "given", "neon", "in-cluster")
KEEP = ("always", "on-failure", "never")
DIAGNOSIS = ("always", "on-failure", "never")
#: Said of something that there is none of.
NONE = "none"


class SettingInvalidError(DeployError):
    """An option or variable has a value that cannot be."""

    def __init__(self, name: str, value: object, source: str, expected: str) -> None:
        super().__init__(
            needed=f"{expected} for {name}",
            seen=repr(value),
            looked=source,
            fix=f"correct {source}, or leave it out",
        )


class DriverNotOursError(DeployError):
    """Minikube has that driver, and we do not bring up clusters with it."""

    def __init__(self, driver: str) -> None:
        super().__init__(
            needed="a driver of Minikube whose node is a container of this machine's engine: "
            + ", ".join(MINIKUBE_DRIVERS),
            seen=f"{driver}, whose node is not",
            looked="--deploy-minikube-driver, DEPLOY_MINIKUBE_DRIVER",
            fix=f"leave it out; or `minikube start --driver={driver}` by yourself, and accept on "
            "that as on any cluster that exists",
        )


@dataclass(frozen=True)
class Option:
    """A setting: its name without prefix, default, and what a reader is told of it.

    Attributes:
        switch: whether the option takes no value and means yes; its variable has one.

    """

    name: str
    default: str
    help: str
    switch: bool = False

    @property
    def flag(self) -> str:
        """The command line option."""
        return "--deploy-" + self.name

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "DEPLOY_" + self.name.replace("-", "_").upper()

    @property
    def dest(self) -> str:
        """The attribute under which parsed options hold it."""
        return "deploy_" + self.name.replace("-", "_")

    @property
    def parsed(self) -> dict[str, Any]:
        """What a parser of arguments is told, beside name and help."""
        if self.switch:
            return {"action": "store_const", "const": "yes"}
        return {"metavar": self.name.upper().replace("-", "_")}


OPTIONS = (
    Option(
        "project",
        "",
        "folder of the project to accept; what its deploy.toml leaves out is inferred",
    ),
    Option("cluster", "kind", "kind of cluster: " + ", ".join(CLUSTERS)),
    Option("cluster-name", "", "name of the cluster (default: deploy- and the project's name)"),
    Option("nodes", "1", "nodes of a cluster that is made: a control plane, the others workers"),
    Option("minikube-driver", "docker", "where Minikube runs: " + ", ".join(MINIKUBE_DRIVERS)),
    Option(
        "database",
        "",
        f"kind of database: {', '.join(DATABASES)} (default: given when its URL is set, neon when "
        "NEON_API_KEY is, else external)",
    ),
    Option("namespace", "", "namespace of the release (default: from deploy.toml)"),
    Option("port", "0", "port on 127.0.0.1 for the public Service; 0: one that is free"),
    Option("fresh", "no", "yes: delete the cluster and the database of an earlier run first"),
    Option(
        "keep",
        "",
        f"keep cluster and database afterwards: {', '.join(KEEP)} (default: always; never on a "
        "cluster that exists, of which the namespaces are kept)",
    ),
    Option("timeout", "600", "seconds that the rollout of the release may take (SC-001)"),
    Option("extended", "no", "yes: also the scenarios that take a minute each (@extended)"),
    Option(
        "changed",
        "",
        "a git revision, such as origin/main: run only the scenarios that what has changed since "
        "can affect, and say why each (default: all)",
    ),
    Option(
        "plan",
        "no",
        "show what would be built, created, installed and run, for how long, and what it would "
        "change, and do none of it",
        switch=True,
    ),
    Option("plan-json", "", "write that plan to this file as JSON, too (plans, and runs nothing)"),
    Option("trace", "no", "yes: fail when no scenario carries some requirement"),
    Option("spec", "", "file of the spec whose ids have to be those of deploy.toml; traces too"),
    Option("diagnosis", "on-failure", "write down what there is to see: " + ", ".join(DIAGNOSIS)),
    Option(
        "previous-chart",
        "",
        "earlier version of the chart to upgrade from: a git revision, a package (.tgz), a folder "
        "or oci://REGISTRY/NAME:VERSION; none: there is none (default: the newest git tag, else "
        "the last commit, that has another chart)",
    ),
    Option("artifacts", ".deploy", "folder for what a run leaves to read"),
    Option("record", "yes", "no: write no record of the run, and no page"),
    Option(
        "report",
        "",
        "file of the page that a run is read on; none: no page (default: report.html beside the "
        "record); with --collect-only the page of the specification alone",
    ),
    Option(
        "history",
        "",
        "file of the history of runs, which later runs are compared with; none: keep none "
        "(default: history.sqlite beside the record)",
    ),
    Option("mirror", "", "registry and path that mirror official images: registry.example.com/hub"),
    Option("download-mirror", "", "address below which downloads are, each by its host and path"),
    Option("ca-bundle", "", "file of certificates to trust: of a company's proxy and mirrors"),
    Option("kubeconfig", "", "existing cluster: its kubeconfig; no other is ever used"),
    Option("context", "", "existing cluster: the context in its kubeconfig"),
    Option("registry", "", "existing cluster: HOST[:PORT][/PATH] that its nodes pull from"),
    Option("registry-push", "", "the same registry as the engine reaches it (default: the same)"),
    Option("registry-config", "", "folder of a docker configuration that is logged in there"),
    Option("host-address", "", "existing cluster: address of this machine that its pods reach"),
    Option("url", "", "existing cluster: where the application is reached, as by an ingress"),
    Option("disruptive", "no", "existing cluster: yes allows scenarios to touch its nodes"),
)
_MIRROR = r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:\d+)?(/[a-z0-9._-]+)*/?"
_ADDRESS = r"https?://[^\s/]+(/\S*)?"


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
        read = _Reader(options, environ)
        cluster = read.one_of("cluster", CLUSTERS)
        driver = read.driver()
        keep = read.one_of("keep", ("", *KEEP)) or ("never" if cluster == EXISTING else "always")
        database = read.one_of("database", ("", *DATABASES))
        diagnosis = read.one_of("diagnosis", DIAGNOSIS)
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
    read: _Reader, root: Path, environ: Mapping[str, str]
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


@dataclass(frozen=True)
class Trace:
    """How the scenarios are compared with what is demanded.

    Attributes:
        project: folder of the project's description.
        whole: whether each requirement has to have a scenario.
        spec: file of the spec to compare with, if any.

    """

    project: Path
    whole: bool
    spec: Path | None

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Trace:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = _Reader(options, environ)
        spec = read.text("spec")
        return cls(
            project=read.folder(root),
            whole=read.one_of("trace", ("yes", "no")) == "yes" or bool(spec),
            spec=root / Path(spec).expanduser() if spec else None,
        )


@dataclass(frozen=True)
class Reporting:
    """What is written of a run.

    Attributes:
        folder: where the record goes.
        record: whether there is to be one.
        page: file of the page; None: beside the record.
        pages: whether there is to be a page.
        project: folder of the project's description.
        history: file of the history of runs; None: none is kept.
        cluster: kind of cluster.

    """

    folder: Path
    record: bool
    page: Path | None
    pages: bool
    project: Path
    history: Path | None
    cluster: str

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Reporting:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = _Reader(options, environ)
        page, folder = read.text("report"), root / read.text("artifacts")
        return cls(
            folder=folder,
            record=read.one_of("record", ("yes", "no")) == "yes",
            page=root / Path(page).expanduser() if page not in ("", NONE) else None,
            pages=page != NONE,
            project=read.folder(root),
            history=read.history(folder, root),
            cluster=read.text("cluster"),
        )


@dataclass(frozen=True)
class Planning:
    """Whether a run is only to be shown, and the file that its plan goes to as JSON, if any."""

    wanted: bool
    file: Path | None

    @classmethod
    def load(
        cls, options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
    ) -> Planning:
        """Read these settings alone; arguments and errors as of `Settings.load`."""
        read = _Reader(options, environ)
        named = read.text("plan-json")
        file = root / Path(named).expanduser() if named else None
        if file and file.is_dir():
            expected = "a file, not a folder,"
            raise SettingInvalidError("plan-json", named, "the option --deploy-plan-json", expected)
        return cls(read.one_of("plan", ("yes", "no")) == "yes" or file is not None, file)


def changed_since(options: Mapping[str, str | None], environ: Mapping[str, str]) -> str:
    """Return the revision from which changes count, "" for none."""
    return _Reader(options, environ).text("changed").strip()


def project_folder(
    options: Mapping[str, str | None], environ: Mapping[str, str], root: Path
) -> Path:
    """Return the folder of the project's description."""
    return _Reader(options, environ).folder(root)


def wants_extended(options: Mapping[str, str | None], environ: Mapping[str, str]) -> bool:
    """Return whether long scenarios are wanted too. Raises SettingInvalidError."""
    return _Reader(options, environ).one_of("extended", ("yes", "no")) == "yes"


def _existing(read: _Reader, cluster: str, root: Path) -> Existing | None:
    """Read what is said of a cluster that exists; refuse it for any other kind."""
    if cluster == EXISTING:
        from harness.clusters.existing.options import Existing

        read.refuse("cluster-name", "nothing: a cluster that exists is named by its context, not")
        return Existing.read(read, root)
    for name in ("kubeconfig", "context", "registry", "host-address", "url"):
        read.refuse(name, f"--deploy-cluster={EXISTING} (it is {cluster})")
    return None


class _Reader:
    def __init__(self, options: Mapping[str, str | None], environ: Mapping[str, str]) -> None:
        self._options, self._environ = options, environ
        self._known = {option.name: option for option in OPTIONS}

    def _get(self, name: str) -> tuple[str, str]:
        option = self._known[name]
        if (given := self._options.get(name)) is not None:
            return given, f"the option {option.flag}"
        if (given := self._environ.get(option.variable)) is not None:
            return given, f"the variable {option.variable}"
        return option.default, "the default"

    def text(self, name: str) -> str:
        return self._get(name)[0]

    def fetching(self, root: Path) -> dict[str, str]:
        """Return the variables of mirrors and certificates that are set, checked."""
        address = "an address such as https://HOST/PATH"
        values = {
            "mirror": self.matching("mirror", _MIRROR, "HOST[:PORT][/PATH] of a registry"),
            "download-mirror": self.matching("download-mirror", _ADDRESS, address),
            "ca-bundle": self.certificates("ca-bundle", root),
        }
        named = {self._known[name].variable: value for name, value in values.items()}
        return {name: value for name, value in named.items() if value or name in self._environ}

    def folder(self, root: Path) -> Path:
        return root / Path(self.text("project") or ".").expanduser()

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        value, source = self._get(name)
        if value not in values:
            raise SettingInvalidError(
                name, value, source, "one of " + ", ".join(filter(None, values))
            )
        return value

    def driver(self) -> str:
        name = "minikube-driver"
        if self.text(name) in OTHER_DRIVERS:
            raise DriverNotOursError(self.text(name))
        return self.one_of(name, MINIKUBE_DRIVERS)

    def number(self, name: str, least: int, most: int) -> int:
        value, source = self._get(name)
        if not value.isdecimal() or not least <= int(value) <= most:
            raise SettingInvalidError(name, value, source, f"a number from {least} to {most}")
        return int(value)

    def matching(self, name: str, pattern: str, expected: str) -> str:
        value, source = self._get(name)
        if value and not re.fullmatch(pattern, value):
            raise SettingInvalidError(name, Redactor()(value), source, expected)
        return value.rstrip("/")

    def certificates(self, name: str, root: Path) -> str:
        value, source = self._get(name)
        if not value:
            return ""
        import ssl

        path = (root / Path(value).expanduser()).resolve()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError as error:  # what ssl raises is one too
            said = f"{path}: {error.strerror or error}"
            expected = "a file with certificates in PEM"
            raise SettingInvalidError(name, said, source, expected) from error
        return str(path)

    def history(self, folder: Path, root: Path) -> Path | None:
        value, source = self._get("history")
        if value == NONE:
            return None
        file = root / Path(value).expanduser() if value else folder / "history.sqlite"
        if file.is_dir():
            raise SettingInvalidError("history", value, source, f"a file, or {NONE},")
        return file

    def given(self, name: str, expected: str) -> str:
        value, source = self._get(name)
        if not value:
            flag, variable = self._known[name].flag, self._known[name].variable
            source = f"the option {flag} and the variable {variable}"
            raise SettingInvalidError(name, value, source, expected)
        return value

    def refuse(self, name: str, expected: str) -> None:
        """Raise when an option is given on the command line that would mean nothing."""
        if value := self._options.get(name):
            source = f"the option {self._known[name].flag}"
            raise SettingInvalidError(name, value, source, expected)

    def name(self, name: str, most: int) -> str:
        value, source = self._get(name)
        if value and (len(value) > most or not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", value)):
            expected = f"a name of a-z, 0-9 and - with at most {most} characters"
            raise SettingInvalidError(name, value, source, expected)
        return value
