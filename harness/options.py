"""The options of a run: name, default, and what a reader is told of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
EGRESS = ("closed", "open")
KEEP = ("always", "on-failure", "never")
DIAGNOSIS = ("always", "on-failure", "never")
#: Said of something that there is none of.
NONE = "none"


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
    Option(
        "egress",
        "closed",
        "whom pods reach outside a cluster that is made: closed: their database, stand-ins, and "
        "whom deploy.toml allows, and who tries others is told; open: anybody",
    ),
    Option("build-memory", "4", "GiB of memory that each step of a build may use"),
    Option("build-disk", "20", "GB by which a build may fill the engine's disk"),
    Option(
        "as-of",
        "",
        "a day, YYYY-MM-DD: have builds resolve dependencies that nothing pins as of its beginning "
        "in UTC, with npm, pnpm, pip and uv (default: the newest)",
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
        "verdict",
        "",
        "file that the verdict is written to as JSON: each requirement, met or not and why, by "
        "scenarios and by the checks that need no cluster",
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


def add_to(group: Any) -> None:
    """Add each option to a group of pytest's parser."""
    for option in OPTIONS:
        default = f" (default: {option.default})" if option.default else ""
        group.addoption(
            option.flag,
            dest=option.dest,
            default=None,
            help=f"{option.help}{default}; or {option.variable}",
            **option.parsed,
        )
