"""Chart, images and code, judged without a cluster: what they have to agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then

from harness.statuses import NOTHING_OF_THE_KIND

if TYPE_CHECKING:
    from harness.contract import Contract


def _hold(contract: Contract, *checks: str) -> None:
    """Require each check; what a project need not have, such as an Ingress, is skipped."""
    from harness.contract import CHECKS
    from harness.verdict.judging import may_lack

    project = contract.subject.project
    judgements = [contract.examine(check) for check in checks]
    for judgement in judgements:
        if not judgement.nothing or not may_lack(judgement.check, project):
            judgement.require()
    if all(judgement.nothing for judgement in judgements):
        things = " and no ".join(CHECKS[check].things for check in checks)
        pytest.skip(f"{NOTHING_OF_THE_KIND}there are no {things}")


@given("the project as it lies in its folder")
def project_in_its_folder(contract: Contract) -> None:
    assert contract.subject.programs, "the project describes no image"


@then("the chart bears the name of the project")
def chart_bears_name(contract: Contract) -> None:
    _hold(contract, "chart name")


@then("it can be installed under any name, anywhere, and in every described variant")
def installable_under_any_name(contract: Contract) -> None:
    _hold(contract, "renders")


@then("each of its objects has a name that is allowed")
def names_allowed(contract: Contract) -> None:
    _hold(contract, "names")


@then("two installations side by side keep apart")
def installations_keep_apart(contract: Contract) -> None:
    _hold(contract, "release names")


@then("the same values always give the same installation")
def same_values_same_installation(contract: Contract) -> None:
    _hold(contract, "stable")


@then("each of its objects says to which installation it belongs")
def objects_owned(contract: Contract) -> None:
    _hold(contract, "labels")


@then("every object is one that Kubernetes understands")
def objects_understood(contract: Contract) -> None:
    _hold(contract, "fields")


@then("everything that an object refers to is there")
def references_resolve(contract: Contract) -> None:
    _hold(contract, "references")


@then("every container runs an image of the project, in the version that was asked for")
def images_as_asked(contract: Contract) -> None:
    _hold(contract, "images")


@then("every setting that the chart gives is read by the program that gets it")
def settings_read(contract: Contract) -> None:
    _hold(contract, "settings read")


@then("every setting that a program needs is given to it")
def settings_given(contract: Contract) -> None:
    _hold(contract, "settings given")


@then("every address inside the cluster leads to a Service of the same installation")
def addresses_lead(contract: Contract) -> None:
    _hold(contract, "addresses")


@then("every program can be reached from outside its container")
def reachable_from_outside(contract: Contract) -> None:
    _hold(contract, "listening")


@then("no program calls an address that is written down in its code")
def no_fixed_address(contract: Contract) -> None:
    _hold(contract, "fixed addresses")


@then("every program is asked whether it lives and whether it is ready")
def probes_there(contract: Contract) -> None:
    _hold(contract, "probes")


@then("it is asked at an address that it answers")
def probe_paths(contract: Contract) -> None:
    _hold(contract, "probe paths")


@then("nothing is killed while it starts or because of one slow answer")
def probe_times(contract: Contract) -> None:
    _hold(contract, "probe times")


@then("a database that is away restarts nothing")
def liveness_without_database(contract: Contract) -> None:
    _hold(contract, "liveness")


@then("no program claims that its database is well without asking it")
def health_is_found_out(contract: Contract) -> None:
    _hold(contract, "health")


@then("every container is limited in what it takes")
def containers_limited(contract: Contract) -> None:
    _hold(contract, "resources")


@then("no container has privileges")
def no_privileges(contract: Contract) -> None:
    _hold(contract, "security")


@then("every container can write where it has to")
def containers_can_write(contract: Contract) -> None:
    _hold(contract, "writable")


@then("every workload finds its own pods, and no others")
def own_pods(contract: Contract) -> None:
    _hold(contract, "selectors")


@then("it is replaced without losing a request")
def replaced_without_loss(contract: Contract) -> None:
    _hold(contract, "rollout")


@then("pods are replaced when a setting of theirs has changed")
def changes_arrive(contract: Contract) -> None:
    _hold(contract, "changes arrive")


@then("every Service leads to the pods of one workload, at a port that they have")
def services_lead(contract: Contract) -> None:
    _hold(contract, "services")


@then("each role has one Service of its type, and nothing else is open to the outside")
def roles_served(contract: Contract) -> None:
    _hold(contract, "roles")


@then("whatever stands before the Services hands on each path as it came")
def paths_kept(contract: Contract) -> None:
    _hold(contract, "ingress")


@then("no secret is in anything that the chart makes, Secrets apart")
def secrets_kept(contract: Contract) -> None:
    _hold(contract, "secrets kept")
    _hold(contract, "secrets encoded")


@then("each part of a Secret is used by somebody")
def secrets_used(contract: Contract) -> None:
    _hold(contract, "secrets used")


@then("no password or key is written down in chart or code")
def no_credentials(contract: Contract) -> None:
    _hold(contract, "credentials")


@then("no program has a secret of its own to fall back on")
def secrets_honoured(contract: Contract) -> None:
    _hold(contract, "secrets honoured")


@then("without any one of its secrets the chart is refused, in words that name it")
def secrets_wanted(contract: Contract) -> None:
    _hold(contract, "secrets wanted")


@then("no program falls back to another database")
def no_other_database(contract: Contract) -> None:
    _hold(contract, "database fallback")


@then("whatever has to run before a program does run before it")
def runs_before(contract: Contract) -> None:
    _hold(contract, "before")


@then("everything that a Dockerfile copies is there")
def copies_there(contract: Contract) -> None:
    _hold(contract, "dockerfile copies")


@then("packages are installed as a lock file says")
def packages_locked(contract: Contract) -> None:
    _hold(contract, "dockerfile dependencies")


@then("every base image has a version")
def bases_pinned(contract: Contract) -> None:
    _hold(contract, "dockerfile bases")


@then("what builds an image stays out of it")
def build_stays_out(contract: Contract) -> None:
    _hold(contract, "dockerfile stages")


@then("no image runs as root")
def no_root(contract: Contract) -> None:
    _hold(contract, "dockerfile user")


@then("each image starts its program itself, and as described")
def starts_itself(contract: Contract) -> None:
    _hold(contract, "dockerfile command")
    _hold(contract, "dockerfile port")


@then("nothing private can get into an image")
def nothing_private(contract: Contract) -> None:
    _hold(contract, "build context")
    _hold(contract, "dockerfile secrets")


@then("the frontend is built to run by itself")
def built_by_itself(contract: Contract) -> None:
    _hold(contract, "standalone")


@then("none of its settings is fixed by the build")
def settings_not_fixed(contract: Contract) -> None:
    _hold(contract, "baked settings")


@then("none of its routes is fixed by the build")
def routes_not_fixed(contract: Contract) -> None:
    _hold(contract, "fixed routes")


@then("no object of the chart outlives its release")
def nothing_outlives(contract: Contract) -> None:
    _hold(contract, "leftovers")


@then("each value is used by a template")
def values_used(contract: Contract) -> None:
    _hold(contract, "values used")


@then("each value is explained in the README")
def values_explained(contract: Contract) -> None:
    _hold(contract, "values described")


@then("a value that does not exist is refused")
def unknown_values_refused(contract: Contract) -> None:
    _hold(contract, "values checked")


@then("each value of this deployment shows in what is installed")
def values_show(contract: Contract) -> None:
    _hold(contract, "values given")


@then("commands in plain language are shown")
def plain_language_shown(contract: Contract) -> None:
    _hold(contract, "plain language")


@then("at least 3 of them ask for different things")
def plain_language_several(contract: Contract) -> None:
    _hold(contract, "plain language commands")
