"""Faults of the running application: made on purpose, named, survived, and over again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from harness.kube.pods import Pod
from harness.kube.resources import EVENT, POD
from harness.kube.selection import OfRelease
from harness.plan.foresight import skips_when

if TYPE_CHECKING:
    from harness.databases.database import Database
    from harness.databases.external import PostgresExternal
    from harness.deployment import Deployment
    from harness.faults.container import KilledContainer
    from harness.faults.fault import Fault
    from harness.faults.pod import DeletedPod
    from harness.faults.room import TooLarge
    from harness.kube.waits import Wait
    from harness.probes.pod import ProbePod
    from harness.probes.unreachable import UnreachableError
    from harness.project import Service as Described
    from harness.release import Release
    from harness.settings import Settings
    from harness.traffic import Traffic
    from steps.account import Account

_CHANGES = 30.0  # seconds that readiness may take to follow
_FORWARDED = 10.0  # seconds until a node forwards as the Services say; nothing tells when
_PAUSE = 0.2


def _wait(release: Release, wait: Wait, timeout: float) -> float:
    from harness.kube.waits import wait_for
    from harness.kube.watch import Watcher

    with Watcher(release.kube, release.namespace, (POD, EVENT)) as watcher:
        return wait_for(wait, watcher, timeout).seconds


# Services (EC-2)


def _fails(
    release: Release, inside: ProbePod, host: str, port: int, path: str = "/"
) -> UnreachableError:
    """Call until the call fails, and return why it does."""
    from harness.probes.reach import Reach
    from harness.probes.unreachable import UnreachableError

    reach, deadline = Reach(inside, release.kube), time.monotonic() + _FORWARDED
    while True:
        try:
            answer = reach.call(host, port, path)
        except UnreachableError as error:
            return error
        assert time.monotonic() < deadline, f"{host}:{port} answers {answer.status}"
        time.sleep(_PAUSE)


@when(parsers.parse('"{name}" is called at port {port:d}'), target_fixture="unreachable")
def is_called(release: Release, inside: ProbePod, name: str, port: int) -> UnreachableError:
    return _fails(release, inside, name, port)


@then("the call fails at the name, because no Service has it")
def fails_at_the_name(unreachable: UnreachableError) -> None:
    from harness.probes.unreachable import NameUnknownError

    assert isinstance(unreachable, NameUnknownError), f"another cause is named:\n{unreachable}"
    assert unreachable.layer == "DNS"
    assert unreachable.service == unreachable.call.host


@then("the message names the Services that there are")
def names_the_others(unreachable: UnreachableError, release: Release) -> None:
    services = release.services()
    assert services, "the release has no Service"
    missing = [service.name for service in services if service.name not in unreachable.seen]
    assert not missing, f"{', '.join(missing)} not named:\n{unreachable}"


@dataclass(frozen=True)
class Misled:
    """A Service that leads wrong: the fault, its name, and its role's description."""

    fault: Fault
    name: str
    described: Described


@when(
    parsers.re("the Service of the (?P<role>\\S+) (?P<wrong>(selects|leads to) .+)"),
    target_fixture="misled",
)
def service_leads_wrong(release: Release, faults: ExitStack, role: str, wrong: str) -> Misled:
    from harness.faults.service import WrongSelector, WrongTargetPort

    kinds = {
        "selects pods that do not exist": WrongSelector,
        "leads to a port where nobody listens": WrongTargetPort,
    }
    name = release.service(role).name
    fault = faults.enter_context(kinds[wrong](release.kube, release.namespace, name))
    return Misled(fault, name, release.project.services[role])


@then(parsers.parse("a call of it fails at the connection, because {reason}"))
def call_fails(release: Release, inside: ProbePod, misled: Misled, reason: str) -> None:
    from harness.probes import unreachable

    causes = {
        "nobody is behind it": unreachable.NoEndpointsError,
        "nobody listens there": unreachable.NobodyListensError,
    }
    described = misled.described
    error = _fails(release, inside, misled.name, described.port, described.health)
    assert type(error) is causes[reason], f"another cause is named:\n{error}"
    assert error.layer == "TCP"
    assert misled.name in error.needed, f"the Service is not named:\n{error}"


@then("the frontend tells its callers which Service it cannot reach")
def frontend_tells(account: Account, misled: Misled) -> None:
    deadline = time.monotonic() + _FORWARDED
    while (answer := account.call("GET")).status_code == 200:
        assert time.monotonic() < deadline, "the frontend answers as ever"
        time.sleep(_PAUSE)
    assert answer.status_code in (502, 503), f"{answer.status_code}: {answer.text[:300]}"
    assert misled.name in answer.json()["detail"], f"it is not named: {answer.text[:300]}"


@when("that is put right")
def put_right(release: Release, inside: ProbePod, misled: Misled) -> None:
    from harness.probes.outside import NotAnsweringError
    from harness.probes.reach import Reach
    from harness.probes.unreachable import UnreachableError

    misled.fault.end()
    described = misled.described
    reach, deadline = Reach(inside, release.kube), time.monotonic() + _FORWARDED
    while True:
        try:
            reach.call(misled.name, described.port, described.health)
        except UnreachableError as error:
            if time.monotonic() > deadline:
                raise NotAnsweringError(misled.name, _FORWARDED, error.headline) from error
            time.sleep(_PAUSE)
        else:
            return


# Room (EC-3)


@pytest.fixture
def pods_before(release: Release) -> list[Pod]:
    """The pods of the release before something is done beside it."""
    return release.pods()


@when(
    "it is installed once more, asking for more memory than any node has",
    target_fixture="too_large",
)
def installed_too_large(
    deployment: Deployment, release: Release, faults: ExitStack, pods_before: list[Pod]
) -> TooLarge:
    assert pods_before
    from harness.faults.room import TooLarge
    from harness.rollout import Rollout

    def values(memory: str) -> dict[str, Any]:
        values = deployment.facts.values()
        asked = {"requests": {"memory": memory}, "limits": {"memory": memory}}
        for role, service in release.project.services.items():
            values[role]["resources"] = asked
            if service.public:
                values[role]["service"] = {"nodePort": None}
        return values

    rollout = Rollout(
        deployment.helm(), release.kube, deployment.progress, deployment.redact, _CHANGES
    )
    return faults.enter_context(
        TooLarge(
            rollout,
            release.kube,
            release.project.chart_path,
            release.name,
            f"{release.namespace}-too-large",
            values,
        )
    )


@then(parsers.parse("within {seconds:d} seconds it is reported that its pods find no place"))
def no_place(too_large: TooLarge, seconds: int) -> None:
    assert too_large.cause is not None
    assert too_large.seconds <= seconds, f"it took {too_large.seconds:.1f} s"


@then("the report says what was asked for and what is free")
def asked_and_free(too_large: TooLarge) -> None:
    cause = too_large.cause
    assert cause is not None
    assert cause.asked["memory"] == too_large.asked, f"{too_large.asked} is not named:\n{cause}"
    assert too_large.asked in cause.needed, f"{too_large.asked} is not named:\n{cause}"
    for node, later in zip(too_large.room, too_large.room_now(), strict=True):
        told = re.search(rf"{re.escape(node.node)}: free .*memory (\d+)Mi of (\d+)Mi", cause.seen)
        assert told, f"what node {node.node} has left is not named:\n{cause}"
        free = sorted(int(one.free("memory") / 2**20) for one in (node, later))
        # Pods that were ending may have gone meanwhile.
        assert free[0] - 1 <= int(told[1]) <= free[1] + 1, f"free are {free} Mi:\n{cause}"
        assert abs(int(told[2]) - int(node.allocatable["memory"] / 2**20)) <= 1


@then("the first installation has not been touched")
def not_touched(release: Release, pods_before: list[Pod], deployment: Deployment) -> None:
    before = {pod.name: pod.restarts for pod in pods_before}
    now = {pod.name: pod.restarts for pod in release.pods() if pod.ready}
    assert now == before, f"its pods were {before}, those that are Ready are {now}"
    deployment.entrance.wait_until_open()


# Pods and containers (EC-4)


def _nodes_are_off_limits(settings: Settings) -> None:
    from harness.clusters.existing.errors import NodesOffLimitsError

    if settings.existing and not settings.existing.disruptive:
        raise NodesOffLimitsError("kill a process", "the cluster is not ours")


@when(parsers.parse("the process of the {role} is killed"), target_fixture="killed")
@skips_when(_nodes_are_off_limits)
def process_killed(
    release: Release, deployment: Deployment, faults: ExitStack, role: str
) -> KilledContainer:
    from harness.clusters.existing.errors import NodesOffLimitsError
    from harness.faults.container import KilledContainer

    pod = release.pods(role)[0]
    on_its_node = partial(deployment.provider.on_node, node=pod.node)
    try:
        return faults.enter_context(KilledContainer(release.kube, on_its_node, pod))
    except NodesOffLimitsError as error:
        pytest.skip(f"{error.headline}; {error.fix}")


@then(parsers.parse("it is ready again within {seconds:d} seconds"), target_fixture="again")
def ready_again(killed: KilledContainer, seconds: int) -> Pod:
    return killed.wait_until_ready(seconds)


@then("the restart is reported with its reason and the last words before it")
def restart_reported(
    release: Release, deployment: Deployment, killed: KilledContainer, again: Pod
) -> None:
    from harness.kube.details import Details
    from harness.kube.restarts import restart_counts, restarts

    details = Details(release.kube, redact=deployment.redact)
    told = restarts([again], details, restart_counts([killed.pod]))
    assert [(one.pod, one.container) for one in told] == [(again.name, killed.container)]
    [restart] = told
    assert restart.exit_code == 137, f"another end is told: {restart.describe()}"
    assert restart.reason, f"no reason is told: {restart.describe()}"
    assert restart.log, f"no last words are told: {restart.describe()}"
    assert killed.last_words, "it has never said anything, so nothing can be told"
    assert killed.last_words[-1] in restart.log, (
        f"before its end it said {killed.last_words[-1]}; told is: {restart.describe()}"
    )


@when(parsers.parse("the pod of the {role} is deleted"), target_fixture="deleted")
def pod_deleted(release: Release, faults: ExitStack, role: str) -> DeletedPod:
    from harness.faults.pod import DeletedPod

    return faults.enter_context(DeletedPod(release.kube, release.pods(role)[0]))


@then(parsers.parse("another is ready within {seconds:d} seconds"))
def another_ready(deleted: DeletedPod, release: Release, seconds: int) -> None:
    new = deleted.wait_until_replaced(seconds)
    assert new.restarts == 0, f"it has been restarted: {new.describe()}"
    assert new.uid in {pod.uid for pod in release.pods()}


@given(parsers.parse("{number:d} pods of each role"))
def pods_of_each(release: Release, faults: ExitStack, number: int) -> None:
    from harness.kube.scale import deployments_of, scaled

    pods = [pod.obj for role in release.project.services for pod in release.pods(role)]
    names = deployments_of(release.kube, release.namespace, pods)
    assert len(names) == len(release.project.services), f"the Deployments are {names}"
    faults.enter_context(scaled(release.kube, release.namespace, names, number))
    counts = {role: len(release.pods(role)) for role in release.project.services}
    assert set(counts.values()) == {number}, f"the pods of each role are {counts}"


@when("requests for the todo go on", target_fixture="traffic")
def requests_go_on(faults: ExitStack, app_url: str, account: Account) -> Traffic:
    from harness.traffic import Traffic

    url = f"{app_url}/api/{account.id}/tasks/{account.todo['id']}"
    token = {"Authorization": f"Bearer {account.token}"}
    return faults.enter_context(Traffic(url, headers=token, timeout=15))


@when("requests from outside go on", target_fixture="traffic")
def requests_from_outside(faults: ExitStack, app_url: str, release: Release) -> Traffic:
    from harness.traffic import Traffic

    health = next(s.health for s in release.project.services.values() if s.public)
    return faults.enter_context(Traffic(app_url + health, timeout=15))


@then("each request has been answered")
@then("each request has been answered with the todo")
def each_answered(traffic: Traffic) -> None:
    traffic.more(3)
    assert not traffic.failures, traffic.describe()


@then(parsers.parse("there were never more than {seconds:d} seconds without an answer"))
def answered_again(traffic: Traffic, seconds: int) -> None:
    # A process that is gone is still asked until its node has noticed: that is not its fault.
    traffic.more(3)
    assert traffic.longest_gap <= seconds, traffic.describe()


# The database (EC-5)


@dataclass
class Outage:
    """A fault of the database, and the pods that have to live through it."""

    fault: Fault
    pods: tuple[Pod, ...]


@when(parsers.re("the database (?P<fails>is stopped|falls .+|refuses .+|has no .+)"),
      target_fixture="outage")  # fmt: skip
def database_fails(
    release: Release,
    postgres: PostgresExternal,
    database: Database,
    faults: ExitStack,
    fails: str,
) -> Outage:
    from harness.faults import database as kinds

    by_name: dict[str, Callable[[PostgresExternal, Database], Fault]] = {
        "is stopped": kinds.Stopped,
        "falls silent": kinds.Silent,
        "refuses encrypted connections": kinds.WithoutTls,
        "has no connection left": kinds.OutOfConnections,
    }
    pods = tuple(pod for role in _users(release) for pod in release.pods(role))
    return Outage(faults.enter_context(by_name[fails](postgres, database)), pods)


def _users(release: Release) -> list[str]:
    """Return the roles that use the database."""
    project = release.project
    assert project.database, "the project describes no database"
    variable, images = project.database.env, project.images
    roles = [r for r, s in project.services.items() if variable in images[s.image].env]
    assert roles, f"no role is given {variable}"
    return roles


@when("the database is restarted", target_fixture="outage")
def database_restarted(
    release: Release, postgres: PostgresExternal, database: Database, faults: ExitStack
) -> Outage:
    outage = database_fails(release, postgres, database, faults, "is stopped")
    outage.fault.end()
    return outage


@then(parsers.parse("whoever asks for todos is refused with a reason, within {seconds:d} seconds"))
def refused_in_time(release: Release, inside: ProbePod, account: Account, seconds: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    token = {"Authorization": f"Bearer {account.token}"}
    login = '{"email": "nobody@example.com", "password": "not-a-password"}'
    todos = f"/api/{account.id}/tasks"
    asked: list[tuple[str, str, str, dict[str, str], str]] = [
        ("backend", "GET", todos, token, ""),
        ("frontend", "GET", todos, token, ""),
        ("frontend", "POST", "/api/auth/login", {"Content-Type": "application/json"}, login),
    ]

    def ask(question: tuple[str, str, str, dict[str, str], str]) -> str:
        role, method, path, headers, body = question
        [pod] = release.pods(role)
        port = release.project.images[release.project.services[role].image].port
        url = f"http://{pod.ip}:{port}{path}"
        answer = inside.http(method, url, headers=headers, body=body, timeout=seconds)
        if answer.status not in (502, 503, 504):
            return f"{method} {url}: {answer}"
        if not answer.json().get("detail"):
            return f"{method} {url}: no reason is given: {answer.text}"
        return ""

    with ThreadPoolExecutor(len(asked)) as pool:
        wrong = [line for line in pool.map(ask, asked) if line]
    assert not wrong, "\n".join(wrong)


@then("backend and frontend are not ready, without being started again")
@then("whatever uses the database is not ready, without being started again")
def not_ready(release: Release, outage: Outage) -> None:
    from harness.kube.readiness import SamePods

    _wait(release, SamePods(outage.pods, ready=False), _CHANGES)


@then("they are alive, so that nobody starts them again later")
def are_alive(inside: ProbePod, outage: Outage) -> None:
    from harness.probes.alive import check_alive

    for pod in outage.pods:
        assert check_alive(inside, pod), f"{pod.name} has no liveness probe by HTTP"


@when("the database answers again")
def answers_again(outage: Outage) -> None:
    outage.fault.end()


@then(parsers.parse("backend and frontend are ready by themselves within {seconds:d} seconds"))
@then(parsers.parse("whatever uses the database is ready by itself within {seconds:d} seconds"))
def ready_by_themselves(
    release: Release, outage: Outage, deployment: Deployment, seconds: int
) -> None:
    from harness.kube.readiness import SamePods

    _wait(release, SamePods(outage.pods, ready=True), seconds)
    deployment.entrance.wait_until_open()


@when("backend and frontend are started anew", target_fixture="outage")
def started_anew(release: Release, outage: Outage) -> Outage:
    from harness.kube.readiness import Begun

    for pod in outage.pods:
        release.kube.delete(POD, pod.name, release.namespace, uid=pod.uid, grace=1)
    old = frozenset(pod.uid for pod in outage.pods)
    _wait(release, Begun(OfRelease(release.name), old, len(old)), _CHANGES)
    return Outage(outage.fault, tuple(release.pods()))


@then(parsers.parse("for {seconds:d} seconds they are not ready, without being started again"))
def stay_unready(release: Release, outage: Outage, seconds: int) -> None:
    from harness.kube.readiness import SamePods
    from harness.kube.waits import WaitTimeoutError

    with pytest.raises(WaitTimeoutError):
        _wait(release, SamePods(outage.pods, ready=True), seconds)
    ready = [pod.describe() for pod in release.pods() if pod.ready]
    assert not ready, f"ready without a database: {ready}"
