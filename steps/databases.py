"""Other kinds of database: behind a pooler, asleep, in the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then, when

from harness.plan.foresight import skips_when
from harness.statuses import NOTHING_OF_THE_KIND
from steps.account import Account, sign_in, sign_up

if TYPE_CHECKING:
    import httpx

    from harness.databases.database import Database
    from harness.databases.external import PostgresExternal
    from harness.databases.pooler import Pooler
    from harness.deployment import Deployment
    from harness.faults.pod import DeletedPod
    from harness.installation import Installation
    from harness.kube.pods import Pod
    from harness.release import Release
    from harness.settings import Settings

_NONE_INSIDE = f"{NOTHING_OF_THE_KIND}the project describes no chart with a database of its own"
_POOLED = "pooled"  # the database's name
_ROUNDS = 3  # how often each person does the same
_AGAIN = 30.0  # seconds until all is ready again
_NOT_YET = {502, 503, 504}  # what is answered while something behind is away
_PAUSE = 0.2  # seconds: nothing can be watched from where people ask


def _all(people: list[Account], does: Callable[[Account], object]) -> None:
    """Let all people do something at once."""
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(does, people))


def _adds(account: Account) -> None:
    """Have one more todo, which is the one that is read from now on."""
    answer = account.call("POST", title="One of many")
    assert answer.status_code == 201, f"adding: {answer.status_code}: {answer.text[:300]}"
    account.todo = answer.json()


def _reads(account: Account) -> None:
    """See the todo as it was."""
    answer = account.call("GET", f"/{account.todo['id']}")
    assert answer.status_code == 200, f"reading: {answer.status_code}: {answer.text[:300]}"
    assert answer.json() == account.todo


def _again(account: Account, seconds: float) -> None:
    """Wait until the todo can be read and the account be signed in to, both in one round.

    Without a ready pod nobody answers at all; a frontend that is ready before the backend is
    says that there is no backend yet. Both are true, and neither may last.
    """
    import httpx

    until = time.monotonic() + seconds
    while True:
        try:
            read = account.call("GET", f"/{account.todo['id']}")
            login = account.client.post("/api/auth/login", json=account.signs_in_with)
        except httpx.TransportError as error:
            seen = repr(error)
        else:
            if not {read.status_code, login.status_code} & _NOT_YET:
                break
            seen = f"{read.status_code} and {login.status_code}: {read.text[:300]}"
        assert time.monotonic() < until, f"after {seconds:g} s still {seen}"
        time.sleep(_PAUSE)
    account.client.cookies.clear()
    assert read.status_code == 200, f"reading: {read.status_code}: {read.text[:300]}"
    assert read.json() == account.todo
    assert login.status_code == 200, f"signing in: {login.status_code}: {login.text[:300]}"


# A pooler


@dataclass
class Pooled:
    """A pooler, a database behind it, what it had done before, and who uses it now."""

    pooler: Pooler
    database: Database
    before: int
    pods: set[str]
    people: list[Account] = field(default_factory=list)


@given("a second installation, on a new database behind a pooler", target_fixture="pooled")
def behind_pooler(
    deployment: Deployment, postgres: PostgresExternal, beside: Installation, faults: ExitStack
) -> Pooled:
    postgres.drop_database(_POOLED)
    faults.callback(postgres.drop_database, _POOLED)
    pooler, database = deployment.outside.behind_pooler(_POOLED)
    before = pooler.console.transactions(database.name)
    assert not database.query.tables(), "the database is not a new one"
    beside.change({"secrets.databaseUrl": database.url_in_cluster})
    beside.wait_until_open()
    return Pooled(pooler, database, before, {pod.uid for pod in beside.release().pods()})


@then(
    parsers.parse(
        "{number:d} people at once sign up, keep todos and sign in there, without an error"
    )
)
def people_at_once(pooled: Pooled, beside: Installation, faults: ExitStack, number: int) -> None:
    import httpx

    clients = [  # one each: they keep cookies
        faults.enter_context(httpx.Client(base_url=beside.url, timeout=20, trust_env=False))
        for _ in range(number)
    ]
    with ThreadPoolExecutor(number) as pool:
        pooled.people = list(pool.map(sign_up, clients))
    for _ in range(_ROUNDS):
        _all(pooled.people, _adds)
        _all(pooled.people, _reads)
    _all(pooled.people, sign_in)
    wanted = number * _ROUNDS
    found = pooled.database.query.count("task")
    assert found == wanted, f"the database holds {found} todos, not {wanted}"


@then("all of it has gone through the pooler")
def gone_through(pooled: Pooled) -> None:
    done = pooled.pooler.console.transactions(pooled.database.name) - pooled.before
    least = len(pooled.people) * _ROUNDS * 2
    assert done >= least, f"the pooler has seen {done} transactions, fewer than {least}"
    clients = {address for address, _ in pooled.database.query.clients()}
    assert clients, "nobody is connected to the database"
    strangers = clients - pooled.pooler.addresses()
    assert not strangers, f"connected to the server beside the pooler: {strangers}"


@when("the pooler cuts every connection")
def pooler_cuts(pooled: Pooled) -> None:
    cut = pooled.pooler.console.drop_clients(pooled.database.name)
    assert cut >= 2, f"{cut} connections were cut, so nothing would be proven"


@then("the next request of each of them is answered")
def next_answered(pooled: Pooled) -> None:
    _all(pooled.people, _reads)
    _all(pooled.people, sign_in)


@when(
    parsers.parse("the server behind the pooler sleeps, and is started after {seconds:d} seconds")
)
def server_sleeps(postgres: PostgresExternal, faults: ExitStack, seconds: int) -> None:
    from harness.faults.sleep import Away

    faults.enter_context(Away(postgres, seconds))


@then(
    parsers.parse(
        "whoever asks meanwhile is answered or refused with a reason, within {seconds:d} seconds"
    )
)
def answered_or_refused(pooled: Pooled, seconds: int) -> None:
    def ask(account: Account) -> None:
        started = time.monotonic()
        answer = account.call("GET", f"/{account.todo['id']}")
        took = time.monotonic() - started
        assert took <= seconds, f"it took {took:.1f} s: {answer.text[:300]}"
        if answer.status_code == 200:
            assert answer.json() == account.todo
            return
        assert answer.status_code in _NOT_YET, f"{answer.status_code}: {answer.text[:300]}"
        assert answer.json().get("detail"), f"no reason is given: {answer.text[:300]}"

    _all(pooled.people, ask)


@then(parsers.parse("within {seconds:d} seconds everything is answered again, without a restart"))
def answered_again(pooled: Pooled, beside: Installation, seconds: int) -> None:
    _all(pooled.people, lambda account: _again(account, seconds))
    now = {pod.uid: pod.restarts for pod in beside.release().pods()}
    assert now == dict.fromkeys(pooled.pods, 0), f"the pods' restarts are {now}"


# Connections that are cut, and a server that wakes up


@when("the database cuts every connection")
def database_cuts(postgres: PostgresExternal) -> None:
    cut = postgres.disconnect()
    assert cut >= 2, f"{cut} connections were cut, so nothing would be proven"


@when(
    parsers.parse("the database sleeps, and holds who connects for {seconds:d} seconds"),
    target_fixture="slept",
)
def database_sleeps(
    release: Release, postgres: PostgresExternal, faults: ExitStack, seconds: int
) -> dict[str, int]:
    from harness.faults.sleep import Held

    restarts = {pod.uid: pod.restarts for pod in release.pods()}
    faults.enter_context(Held(postgres, seconds))
    return restarts


@then("the next request is answered with the todo")
def next_request(account: Account) -> None:
    answer = account.call("GET", f"/{account.todo['id']}")
    assert answer.status_code == 200, f"got {answer.status_code}: {answer.text[:300]}"
    assert answer.json() == account.todo


@then("the next person can sign up at once")
def next_person(frontend_client: httpx.Client) -> None:
    assert sign_up(frontend_client).id


@then("no pod has been started again for it")
def not_started_again(release: Release, slept: dict[str, int]) -> None:
    now = {pod.uid: pod.restarts for pod in release.pods()}
    assert now == slept, f"the pods' restarts were {slept}, they are {now}"


# In the cluster


def _database_pod(beside: Installation, deployment: Deployment) -> Pod:
    from harness.kube.pods import running_image

    [pod] = running_image(beside.release().pods(), deployment.outside.image_inside())
    return pod


@then("its database is a part of the installation, and ready")
def database_is_a_part(release: Release) -> None:
    pods = _of_the_database(release)
    assert pods, f"no pod of the release runs the image of its database: {release.pods()}"
    weak = [pod.describe() for pod in pods if not pod.ready]
    assert not weak, "\n".join(weak)


@then("no port of it is open to the outside")
def database_is_closed(release: Release) -> None:
    uids = {pod.uid for pod in _of_the_database(release)}
    leading = [s for s in release.services() if uids & {pod.uid for pod in s.pods}]
    assert leading, "no Service leads to it"
    odd = [f"{s.name} is of type {s.type}" for s in leading if s.type != "ClusterIP"]
    assert not odd, "; ".join(odd)


def _of_the_database(release: Release) -> list[Pod]:
    from harness.kube.pods import running_image

    assert release.project.database, "the project describes no database"
    return running_image(release.pods(), release.project.database.image)


def _none_inside(settings: Settings) -> str:
    database = settings.project.database
    return "" if database and database.inside else _NONE_INSIDE


@when("a second one is installed with its database in the cluster")
@skips_when(_none_inside)
def installed_inside(deployment: Deployment, beside: Installation) -> None:
    changes = deployment.facts.database_inside()
    if not changes:
        pytest.skip(_NONE_INSIDE)
    deployment.provider.load([deployment.outside.image_inside()])
    beside.change(changes)
    beside.wait_until_open()


@then("somebody can sign up there and keep a todo", target_fixture="account")
def keeps_a_todo(client_beside: httpx.Client) -> Account:
    account = sign_up(client_beside)
    _adds(account)
    return account


@when("the pod of the database there is killed", target_fixture="killed_database")
def database_pod_killed(
    beside: Installation, deployment: Deployment, faults: ExitStack
) -> DeletedPod:
    from harness.faults.pod import DeletedPod

    pod = _database_pod(beside, deployment)
    return faults.enter_context(DeletedPod(beside.kube, pod, grace=0))


@then(parsers.parse("another pod of the database is ready within {seconds:d} seconds"))
def another_database_pod(killed_database: DeletedPod, seconds: int) -> None:
    killed_database.wait_until_replaced(seconds)


@then("the todo there is still to be had")
def todo_still_there(account: Account) -> None:
    _again(account, _AGAIN)


@when("it is upgraded in a way that replaces the pod of the database")
def upgraded(deployment: Deployment, beside: Installation) -> None:
    before = _database_pod(beside, deployment)
    beside.change(
        {**deployment.facts.database_inside(), "postgresql.resources.limits.memory": "384Mi"}
    )
    after = _database_pod(beside, deployment)
    assert after.uid != before.uid, "the database's pod is the one of before"


@when("the second one is uninstalled")
def uninstalled(beside: Installation) -> None:
    assert beside.uninstall(), "there was nothing to uninstall"
