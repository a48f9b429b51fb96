"""The release as a whole: its rollout, its pods, and what else is around."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from harness.errors import DeployError
from harness.kube.resources import CONFIG_MAP, POD, WORKLOADS, labels_of, name_of
from harness.kube.selection import OfRelease, is_meant
from harness.labels import MANAGED

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.kube.pods import Pod
    from harness.release import Release

MINUTE = 60


@given("the application is installed by its chart")
@when("the application is installed by its chart")
def installed(release: Release) -> None:
    assert release.pods(), f"release {release.name} has no pod in namespace {release.namespace}"


@then(parsers.parse("everything was ready within {minutes:d} minutes of the start"))
def ready_in_time(release: Release, minutes: int) -> None:
    assert release.total_seconds <= minutes * MINUTE, f"it took {release.total_seconds:.0f} s"


@then("every pod is Running and Ready")
def all_ready(release: Release) -> None:
    for role in release.project.services:
        assert release.pods(role), f"no pod runs the image of the {role}"
    _none([pod for pod in release.pods() if pod.phase != "Running" or not pod.ready])


@when("every container has been asked often enough whether it lives")
def asked_often_enough(release: Release) -> None:
    from harness.kube.liveness import liveness_judged_in

    left = [liveness_judged_in(pod.obj, datetime.now(UTC)) for pod in release.pods()]
    time.sleep(max(0.0, *left))


@then("none of them was found dead")
def none_found_dead(release: Release) -> None:
    from harness.kube.liveness import condemned

    told = condemned(release.kube, release.namespace, release.pods())
    assert not told, "\n".join(told)


@then("no container has been restarted")
def no_restarts(release: Release) -> None:
    told = [restart.describe() for restart in release.restarts()]
    assert not told, "\n".join(told)


def _none(pods: list[Pod]) -> None:
    assert not pods, "\n".join(pod.describe() for pod in pods)


@then("every container runs the image that was built from the sources")
def runs_what_was_built(release: Release, deployment: Deployment) -> None:
    built = {image.ref for image in release.images.values()}
    elsewhere = deployment.chart.images_from_elsewhere(deployment.facts.values(), built)
    for pod in release.pods():
        for container in pod.containers:
            assert container.image in {*built, *elsewhere}, (
                f"{pod.name}: {container.name} runs {container.image}, which was not built here"
            )
    on_node = deployment.provider.load(sorted(built))
    assert not on_node.loaded, f"the node held other content as {', '.join(on_node.loaded)}"


@then("all that runs beside it belongs to the one release")
def one_release(release: Release) -> None:
    strangers = [
        name_of(pod)
        for pod in release.kube.list(POD, release.namespace)
        if not is_meant(pod, OfRelease(release.name)) and labels_of(pod).get(MANAGED) != "true"
    ]
    assert not strangers, f"pods that belong to no release: {strangers}"


@then("no secret can be read in what the cluster knows of the application, Secrets apart")
def no_secret_in_the_open(release: Release, deployment: Deployment) -> None:
    objects: list[Any] = release.kube.list(POD, release.namespace)
    objects += release.kube.list(CONFIG_MAP, release.namespace)
    for kind in WORKLOADS:
        objects += release.kube.list(kind, release.namespace)
    secrets = deployment.facts.all_secrets()
    leaks = [
        f"{obj['kind']} {name_of(obj)}: the value of {name}"
        for obj in objects
        for name, value in secrets.items()
        if value in json.dumps(obj)
    ]
    assert secrets, "this deployment has no secret, so nothing was proven"
    assert not leaks, "\n".join(leaks)


@then("no pod has written a secret to its log")
def no_secret_in_logs(release: Release, deployment: Deployment) -> None:
    from harness.kube.logs import logs

    secrets = deployment.facts.all_secrets()
    for pod in release.pods():
        for container in pod.containers:
            said = logs(release.kube, release.namespace, pod.name, container.name)
            leaks = [name for name, value in secrets.items() if value in said]
            assert not leaks, f"{pod.name} ({container.name}) has logged {', '.join(leaks)}"


@then("the database's address reaches only the parts that use the database")
def database_reaches(release: Release) -> None:
    project = release.project
    assert project.database, "the project describes no database"
    variable = project.database.env
    users = {
        release.image(role).ref
        for role, service in project.services.items()
        if variable in project.images[service.image].env
    }
    for pod in release.pods():
        spec = pod.obj["spec"]
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            given = any(entry["name"] == variable for entry in container.get("env") or ())
            assert given == (container["image"] in users), (
                f"{pod.name} ({container['name']}) is {'' if given else 'not '}given {variable}"
            )


@when("every pod of the application is replaced", target_fixture="replaced_seconds")
def replace_all(release: Release) -> float:
    from harness.kube.replace import replace_pods

    return replace_pods(release.kube, release.namespace, OfRelease(release.name)).seconds


@then("the application is ready again")
def ready_again(release: Release, deployment: Deployment) -> None:
    all_ready(release)
    deployment.entrance.wait_until_open()


@when(
    parsers.parse("the chart is to be installed without {value}"), target_fixture="refusal_of_chart"
)
def install_without(deployment: Deployment, value: str) -> DeployError:
    project = deployment.settings.project
    values = deployment.facts.values()
    *folders, last = value.split(".")
    table: Any = values
    for folder in folders:
        table = table[folder]
    assert table.pop(last, None), f"{value} is not among the values of this deployment"
    with pytest.raises(DeployError) as caught:
        deployment.helm().template(
            project.chart_path, project.chart.release, deployment.settings.namespace, values
        )
    return caught.value


@then(parsers.parse("it is refused in a sentence that names {value}"))
def refused_naming(refusal_of_chart: DeployError, value: str) -> None:
    sentences = [line for line in refusal_of_chart.seen.splitlines() if value in line]
    assert sentences, f"no line names {value}:\n{refusal_of_chart}"
    assert not re.search(r"nil pointer|panic|goroutine", refusal_of_chart.seen)
