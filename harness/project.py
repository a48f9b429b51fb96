"""The description of the project that is to be accepted: `deploy.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.egress.destination import Host
from harness.journey.description import Journey
from harness.journey.description import problems as journey_problems
from harness.project_file import FILE_NAME as FILE_NAME
from harness.project_file import ProjectFileInvalidError as ProjectFileInvalidError
from harness.project_file import ProjectFileMissingError as ProjectFileMissingError
from harness.project_file import read_project_file

REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
_DNS_LABEL = r"^[a-z]([-a-z0-9]{0,51}[a-z0-9])?$"

Name = Annotated[str, Field(pattern=_DNS_LABEL)]
Port = Annotated[int, Field(ge=1, le=65535)]
Host_ = Annotated[Host, BeforeValidator(Host.parse)]
Path_ = Annotated[str, Field(pattern=r"^/")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Chart(_Table):
    """Where the chart lies and under which names it is installed.

    `beside` names the variant in which the second installation, whose life is tried out, is
    made: one with more CPU starts in less time.
    """

    path: str
    release: Name
    namespace: Name
    beside: str = ""


class Image(_Table):
    """An image that the project builds. Sizes are in MB (10^6 bytes), uncompressed."""

    context: str
    repository: str = Field(pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$")
    dockerfile: str = "Dockerfile"
    bases: dict[str, str] = {}
    build_args: dict[str, str] = {}
    max_mb: int = Field(500, gt=0)
    goal_mb: int | None = Field(None, gt=0)
    port: Port
    health: Path_
    #: what the image's container is given when it runs alone, beside nothing else
    env: dict[str, str] = {}
    #: commands that have to run before it, such as migrations
    before: list[list[str]] = []
    #: folders that it may write to when it runs alone; `/` for all
    writable: list[str] = ["/tmp"]  # noqa: S108 - a path in the container


class Service(_Table):
    """A role that a Service of the release has. It is found by the image it serves."""

    image: str
    type: str = Field(pattern=r"^(ClusterIP|NodePort|LoadBalancer)$")
    port: Port
    health: Path_
    public: bool = False
    #: how many pods it has by default; what each container asks for and is limited to
    replicas: int | None = Field(None, ge=1)
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


class Database(_Table):
    """A PostgreSQL outside the cluster; `env` names the variable for a given one.

    `inside` names the variant of the chart that has it in the cluster instead. Where the chart
    has one of its own and takes no other, `external` is false. `tls`: what a server of ours does
    with connections that are not encrypted. Its certificate is its own, which clients that ask
    public authorities about it do not trust, whatever the URL says: then it is only `offered`.
    """

    image: str = "postgres:17"
    env: str = "DATABASE_URL"
    name: str = Field("app", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    inside: str = ""
    external: bool = True
    tls: Literal["required", "offered"] = "required"


class Secret(_Table):
    """A secret that the user may give by `env`; otherwise one of so many bytes is made."""

    env: str
    generate: int = Field(32, ge=16, le=256)


class StandIn(_Table):
    """A service that stands in for one outside, unless the variable `unless` is set.

    `real` is where the real one is, which pods may reach when it is used.
    """

    context: str
    repository: str
    unless: str
    port: Port
    health: Path_
    bases: dict[str, str] = {}
    path: str = ""
    real: Host_ | None = None


class Egress(_Table):
    """Whom pods may reach outside the cluster beside their database: `HOST:PORT[/udp]`."""

    allow: list[Host_] = []


class Project(_Table):
    """All that the harness knows of the project. Paths are relative to `root`."""

    name: Name
    chart: Chart
    images: dict[Name, Image] = Field(min_length=1)
    services: dict[Name, Service] = {}
    database: Database | None = None
    secrets: dict[Name, Secret] = {}
    standins: dict[Name, StandIn] = {}
    egress: Egress = Egress()
    values: dict[str, str | int | bool] = {}
    #: other ways to install the chart, laid over `values`; each is checked without a cluster
    variants: dict[Name, dict[str, str | int | bool]] = {}
    requirements: dict[str, str] = {}
    #: what people do with it, as requests
    journey: list[Journey] = []
    root: Path

    @classmethod
    def load(cls, root: Path) -> Project:
        """Read and check the description in a folder.

        Raises:
            ProjectFileMissingError, ProjectFileInvalidError, ChartMissingError.

        """
        return cls.checked(root, read_project_file(root))

    @classmethod
    def checked(cls, root: Path, data: Mapping[str, Any], *, chart: bool = True) -> Project:
        """Check a description that is read already; without `chart` its folder may be missing.

        Raises:
            ProjectFileInvalidError, ChartMissingError.

        """
        path = root / FILE_NAME
        try:
            project = cls.model_validate({**data, "root": root.resolve()})
        except ValidationError as error:
            raise ProjectFileInvalidError(path, [sentence(e) for e in error.errors()]) from None
        problems = [*project._unknown_images(), *project._unknown_references()]
        problems += project._outside()
        problems += journey_problems(project.journey, project.requirements)
        named = {"chart.beside": project.chart.beside}
        named["database.inside"] = project.database.inside if project.database else ""
        for where, variant in named.items():
            if variant and variant not in project.variants:
                problems.append(f"{where}: there is no [variants.{variant}]")
        if problems:
            raise ProjectFileInvalidError(path, problems)
        if chart and not (project.chart_path / "Chart.yaml").is_file():
            from harness.helm.errors import ChartMissingError  # Helm is not needed to describe

            raise ChartMissingError(project.chart_path)
        return project

    @property
    def chart_path(self) -> Path:
        """The folder of the chart."""
        return self.root / self.chart.path

    def values_of(self, reference: str) -> list[str]:
        """Return the paths of the chart's values that are nothing but one reference."""
        return [path for path, text in self.values.items() if text == f"${{{reference}}}"]

    def references(self) -> set[str]:
        """Return every name that a `${…}` in the description may use."""
        known = {"cluster.node_port"}
        for name in self.images:
            known |= {f"images.{name}.{part}" for part in ("repository", "tag", "ref")}
        for name in self.standins:
            known |= {f"standins.{name}.{part}" for part in ("url", "key")}
        known |= {f"secrets.{name}" for name in self.secrets}
        database = ("url", "password", "repository", "tag") if self.database else ()
        return known | {f"database.{part}" for part in database}

    def _outside(self) -> list[str]:
        """Name each path that leads out of the folder, also by a link."""
        paths = {"chart.path": self.chart.path}
        for name, image in self.images.items():
            paths[f"images.{name}.context"] = image.context
            paths[f"images.{name}.dockerfile"] = f"{image.context}/{image.dockerfile}"
        for name, standin in self.standins.items():
            paths[f"standins.{name}.context"] = standin.context
        return [
            f"{where}: {path} leads out of the project's folder"
            for where, path in paths.items()
            if not self._within(path)
        ]

    def _within(self, path: str) -> bool:
        """Say whether a path, links followed, is one of the folder."""
        try:
            return (self.root / path).resolve().is_relative_to(self.root)
        except (OSError, ValueError, RuntimeError):  # no path, or links without an end
            return False

    def _unknown_images(self) -> list[str]:
        return [
            f"services.{role}.image: there is no [images.{service.image}]"
            for role, service in self.services.items()
            if service.image not in self.images
        ]

    def _unknown_references(self) -> list[str]:
        known = self.references()
        texts = [(f'values."{path}"', text) for path, text in self.values.items()]
        for name, paths in self.variants.items():
            texts += [(f'variants.{name}."{path}"', text) for path, text in paths.items()]
        for name, image in self.images.items():
            texts += [(f"images.{name}.env.{key}", text) for key, text in image.env.items()]
        return [
            f"{where}: ${{{ref}}} is not one of {', '.join(sorted(known))}"
            for where, text in texts
            for ref in REFERENCE.findall(str(text))
            if ref not in known
        ]


def sentence(error: Any) -> str:
    """Return one error of the library that checks a description, in our words."""
    where = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return f"{where}: this key is not known"
    if error["type"] == "missing":
        return f"{where}: this key is missing"
    return f"{where}: {error['msg']}, not {error['input']!r}"


def fill(
    value: str | int | bool,  # noqa: FBT001 - a value of a chart
    facts: Mapping[str, str | int | None],
) -> str | int | bool | None:
    """Replace each `${name}` in a text by its fact.

    A text that is nothing but one reference takes the fact's own type, so that a port
    stays a number, and one that is left to somebody else is none. Raises KeyError for a
    fact that is missing.
    """
    if not isinstance(value, str):
        return value
    if whole := REFERENCE.fullmatch(value):
        return facts[whole[1]]
    return REFERENCE.sub(lambda match: str(facts[match[1]]), value)
