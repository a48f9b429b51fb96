"""All checks of a project, in the order in which a person would mend what they find."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contract import (
    addresses,
    buildcontext,
    bundles,
    changes,
    commands,
    credentials,
    dockerfiles,
    environment,
    fields,
    health,
    images,
    ingress,
    leftovers,
    listening,
    names,
    packages,
    plain_language,
    probes,
    production,
    references,
    refusals,
    resources,
    rollout,
    secrets,
    security,
    selectors,
    services,
    templates,
    values,
    writable,
)
from harness.contract.finding import ContractBrokenError, Finding, Notes, NothingExaminedError
from harness.contract.subject import Subject

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer
    from harness.project import Project


@dataclass(frozen=True)
class Check:
    """A check: what it looks at, and whether every project must have some of it."""

    run: Callable[[Subject, Notes], None]
    things: str
    always: bool = True


LOOKED = "the rendered chart, the Dockerfiles and the sources of the images"

_COMMANDS = "commands of kubectl-ai or kagent"

#: By the name under which scenarios and reports call them.
CHECKS: dict[str, Check] = {
    "renders": Check(templates.renders, "installations"),
    "names": Check(names.check, "names of objects"),
    "labels": Check(names.labels, "objects"),
    "release names": Check(names.told_apart, "selectors of workloads"),
    "fields": Check(fields.check, "objects"),
    "references": Check(references.check, "references between objects"),
    "images": Check(images.check, "containers of the project's images"),
    "settings read": Check(environment.read, "settings of the project's programs"),
    "settings given": Check(environment.given, "settings that the programs need"),
    "addresses": Check(addresses.check, "addresses that the programs are given", always=False),
    "listening": Check(listening.check, "images of the project"),
    "probes": Check(probes.check, "probes"),
    "probe paths": Check(probes.paths, "paths that probes ask"),
    "probe times": Check(probes.times, "probes"),
    "liveness": Check(probes.database, "probes of programs that use the database"),
    "health": Check(health.check, "health routes in the code", always=False),
    "resources": Check(resources.check, "containers"),
    "writable": Check(writable.check, "containers that cannot write their own files"),
    "security": Check(security.check, "containers"),
    "selectors": Check(selectors.check, "workloads"),
    "rollout": Check(rollout.check, "workloads"),
    "before": Check(commands.check, "commands that have to run first", always=False),
    "services": Check(services.check, "Services"),
    "roles": Check(services.roles, "described roles"),
    "secrets kept": Check(secrets.kept, "secrets that the chart is given", always=False),
    "secrets encoded": Check(secrets.encoded, "keys of Secrets", always=False),
    "secrets used": Check(secrets.used, "keys of Secrets and ConfigMaps", always=False),
    "secrets wanted": Check(refusals.check, "values that hold a secret", always=False),
    "secrets honoured": Check(secrets.honoured, "reads of secrets in the code", always=False),
    "credentials": Check(credentials.check, "files"),
    "database fallback": Check(secrets.database, "files of the programs"),
    "changes arrive": Check(changes.check, "workloads that read configuration", always=False),
    "stable": Check(templates.stable, "templates"),
    "dockerfile copies": Check(buildcontext.copies, "Dockerfiles"),
    "dockerfile stages": Check(dockerfiles.stages, "Dockerfiles"),
    "dockerfile user": Check(dockerfiles.user, "Dockerfiles"),
    "dockerfile bases": Check(dockerfiles.bases, "base images"),
    "dockerfile dependencies": Check(packages.check, "installations of packages"),
    "dockerfile secrets": Check(dockerfiles.secrets, "Dockerfiles"),
    "dockerfile port": Check(dockerfiles.port, "Dockerfiles"),
    "dockerfile command": Check(production.check, "Dockerfiles"),
    "build context": Check(buildcontext.context, "build contexts"),
    "standalone": Check(
        bundles.standalone, "frontends that are packed by themselves", always=False
    ),
    "baked settings": Check(bundles.baked, "sources of frontends", always=False),
    "fixed routes": Check(bundles.rewrites, "configurations of frontends", always=False),
    "fixed addresses": Check(bundles.fixed_addresses, "sources of the programs"),
    "ingress": Check(ingress.check, "Ingresses", always=False),
    "leftovers": Check(leftovers.check, "objects"),
    "values used": Check(values.used, "values of the chart"),
    "values described": Check(values.described, "values of the chart"),
    "values checked": Check(values.checked, "parts of the values' schema"),
    "values given": Check(values.given, "values that the description gives"),
    "chart name": Check(values.chart_name, "charts"),
    "plain language": Check(plain_language.shown, _COMMANDS, always=False),
    "plain language commands": Check(plain_language.several, _COMMANDS, always=False),
}


@dataclass(frozen=True)
class Judgement:
    """What one check has looked at and found."""

    check: str
    examined: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def nothing(self) -> bool:
        """Whether there was nothing to look at."""
        return not self.examined and not self.findings

    def require(self) -> None:
        """Raise what is wrong, also when there was nothing to look at.

        Raises:
            ContractBrokenError, NothingExaminedError.

        """
        if self.findings:
            raise ContractBrokenError(self.findings)
        if not self.examined:
            raise NothingExaminedError(self.check, CHECKS[self.check].things, LOOKED)


class Contract:
    """A project that is read and rendered once; each check is carried out when it is asked for."""

    def __init__(self, project: Project, helm: Renderer) -> None:
        self.subject = Subject(project, helm)
        self._known: dict[str, Judgement] = {}

    def examine(self, check: str) -> Judgement:
        """Carry out one of CHECKS, once."""
        if check not in self._known:
            notes = Notes(check, self.subject.aliases)
            CHECKS[check].run(self.subject, notes)
            self._known[check] = Judgement(check, tuple(notes.examined), tuple(notes.findings))
        return self._known[check]


def judge(project: Project, helm: Renderer, checks: Collection[str] = ()) -> list[Finding]:
    """Return everything that is wrong; reads files and renders the chart, changes nothing.

    A check that has nothing to look at, though every project must have some, is a finding
    too. Renderings that fail are findings of the check `renders`.

    Args:
        project: its description; the folder may be a copy.
        helm: renders charts without a cluster.
        checks: names of CHECKS; by default all.

    """
    contract, found = Contract(project, helm), list[Finding]()
    for name in CHECKS:
        if checks and name not in checks:
            continue
        judgement = contract.examine(name)
        found += judgement.findings
        rendered = contract.subject.main is not None  # else that is a finding already
        if judgement.nothing and CHECKS[name].always and rendered:
            error = NothingExaminedError(name, CHECKS[name].things, LOOKED)
            place = contract.subject.described()
            found.append(Finding(name, error.needed, error.seen, place, error.fix))
    return found
