"""Other kinds of database: behind a pooler, asleep, in the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from steps.account import sign_up

if TYPE_CHECKING:
    import httpx

    from harness.apart import Apart, Guest
    from harness.databases.database import Database
    from harness.databases.external import PostgresExternal
    from harness.databases.pooler import Pooler
    from harness.deployment import Deployment
    from harness.kube.inventory import Inventory
    from harness.kube.pods import Pod
    from harness.probes.pod import ProbePod
    from harness.probes.results import Http
    from harness.release import Release
    from steps.account import Account

_POOLED = "pooled"  # the name of the database, and of the namespace
_ROUNDS = 3  # how often each person does the same
_FORWARDED = 10.0  # seconds until a node forwards as the Services say; nothing tells when
_LEFT = 30.0  # seconds for what goes by itself after an uninstallation
_PASSWORD = "only-for-this-scenario"


@dataclass
class Person:
    """Somebody with an account in an installation that only the cluster reaches."""

    guest: Guest
    email: str
    id: str = ""
    todo: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def signs_up(cls, pod: ProbePod, url: str) -> Person:
        """Make an account that nobody had before."""
        from harness.apart import Guest, new_name

        person = cls(Guest(pod, url), f"guest-{new_name()}@example.com")
        body = {"name": "A Guest", "email": person.email, "password": _PASSWORD}
        answer = person.want(201, "POST", "/api/auth/signup", body).json()
        person.id = answer["user"]["id"]
        person.guest.headers = {"Authorization": f"Bearer {answer['token']}"}
        return person

    def want(self, status: int, method: str, path: str, body: dict[str, Any] | None = None) -> Http:
        """Send a request whose answer has to have this status."""
        answer = self.guest.ask(method, path, body)
        assert answer.status == status, f"{method} {path}: wanted {status}, got {answer}"
        return answer

    def adds(self, title: str) -> None:
        """Have one more todo, which is the one that is asked for from now on."""
        self.todo = self.want(201, "POST", f"/api/{self.id}/tasks", {"title": title}).json()

    def reads(self) -> None:
        """See the todo as it was."""
        found = self.want(200, "GET", f"/api/{self.id}/tasks/{self.todo['id']}").json()
        assert found == self.todo, f"it was {self.todo}, it is {found}"

    def signs_in(self) -> None:
        """Be let in by the password, which is in the database alone."""
        self.want(200, "POST", "/api/auth/login", {"email": self.email, "password": _PASSWORD})


def _all(people: list[Person], does: Callable[[Person], None]) -> None:
    """Let all people do something at once."""
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(does, people))


def _reachable(pod: ProbePod, url: str) -> None:
    """Wait until an application answers in the cluster."""
    from harness.apart import Guest

    deadline = time.monotonic() + _FORWARDED
    while (answer := Guest(pod, url).ask("GET", "/api/ready")).status != 200:
        assert time.monotonic() < deadline, f"{url} is not ready: {answer}"
        time.sleep(0.2)


# A pooler


@dataclass
class Pooled:
    """An installation whose database is behind a pooler, and who uses it."""

    apart: Apart
    pooler: Pooler
    database: Database
    url: str
    pods: list[Pod]
    before: int
    people: list[Person] = field(default_factory=list)


@given("a second installation, on a new database behind a pooler", target_fixture="pooled")
def behind_pooler(
    deployment: Deployment,
    postgres: PostgresExternal,
    apart: Callable[[str], Apart],
    inside: ProbePod,
    faults: ExitStack,
) -> Pooled:
    postgres.drop_database(_POOLED)
    faults.callback(postgres.drop_database, _POOLED)
    pooler, database = deployment.outside.behind_pooler(_POOLED)
    assert not database.query.tables(), "the database is not a new one"
    before = pooler.transactions(database)
    installed = apart(_POOLED)
    changes = {
        "secrets.databaseUrl": database.url_in_cluster,
        "frontend.service.type": "ClusterIP",
        "frontend.service.nodePort": None,
    }
    installed.prepare()
    installed.install(deployment.values_with(inside=False, changes=changes))
    url = installed.url()
    _reachable(inside, url)
    pods = installed.release().pods()
    return Pooled(installed, pooler, database, url, pods, before)


@then(
    parsers.parse(
        "{number:d} people at once sign up, keep todos and sign in there, without an error"
    )
)
def people_at_once(pooled: Pooled, inside: ProbePod, number: int) -> None:
    with ThreadPoolExecutor(number) as pool:
        signs_up = [pool.submit(Person.signs_up, inside, pooled.url) for _ in range(number)]
        pooled.people = [one.result() for one in signs_up]
    for count in range(_ROUNDS):
        _all(pooled.people, lambda person, count=count: person.adds(f"Todo {count}"))  # type: ignore[misc]
        _all(pooled.people, Person.reads)
    _all(pooled.people, Person.signs_in)
    wanted = number * _ROUNDS
    found = pooled.database.query.value("SELECT count(*) FROM task")
    assert found == wanted, f"the database holds {found} todos, not {wanted}"


@then("all of it has gone through the pooler")
def gone_through(pooled: Pooled) -> None:
    done = pooled.pooler.transactions(pooled.database) - pooled.before
    least = len(pooled.people) * _ROUNDS * 2
    assert done >= least, f"the pooler has seen {done} transactions, fewer than {least}"
    rows = pooled.database.query.rows(
        "SELECT DISTINCT host(client_addr) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert len(rows) == 1, f"the server's clients are {rows}, not the pooler alone"


@when("the pooler cuts every connection")
def pooler_cuts(pooled: Pooled) -> None:
    cut = pooled.pooler.drop_clients(pooled.database)
    assert cut >= 2, f"{cut} connections were cut, so nothing would be proven"


@then("the next request of each of them is answered")
def next_answered(pooled: Pooled) -> None:
    _all(pooled.people, Person.reads)
    _all(pooled.people, Person.signs_in)


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
    def ask(person: Person) -> None:
        started = time.monotonic()
        path = f"/api/{person.id}/tasks/{person.todo['id']}"
        answer = person.guest.ask("GET", path)
        took = time.monotonic() - started
        assert took <= seconds + 2, f"it took {took:.1f} s: {answer}"
        if answer.status == 200:
            assert answer.json() == person.todo
            return
        assert answer.status in (502, 503, 504), f"{answer}"
        assert answer.json().get("detail"), f"no reason is given: {answer}"

    _all(pooled.people, ask)


@then(parsers.parse("within {seconds:d} seconds everything is answered again, without a restart"))
def answered_again(pooled: Pooled, inside: ProbePod, seconds: int) -> None:
    from harness.apart import Guest

    deadline = time.monotonic() + seconds
    while (answer := Guest(inside, pooled.url).ask("GET", "/api/ready")).status != 200:
        assert time.monotonic() < deadline, f"it is not ready after {seconds} s: {answer}"
        time.sleep(0.3)
    _all(pooled.people, Person.reads)
    _all(pooled.people, Person.signs_in)
    now = {pod.uid: pod.restarts for pod in pooled.apart.release().pods()}
    assert now == {pod.uid: 0 for pod in pooled.pods}, f"the pods' restarts are {now}"


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


@dataclass
class Inside:
    """An installation with its database in the cluster, and who uses it."""

    apart: Apart
    image: str
    before: Inventory
    person: Person | None = None
    pod: Pod | None = None

    def database_pod(self) -> Pod:
        """Return the pod of the database."""
        from harness.kube.pods import running_image

        [pod] = running_image(self.apart.release().pods(), self.image)
        return pod


@given(
    "nothing of an installation with its database in the cluster", target_fixture="with_database"
)
def nothing_inside(
    deployment: Deployment, release: Release, apart: Callable[[str], Apart]
) -> Inside:
    from harness.kube.inventory import take_inventory

    project = release.project
    if not (project.database and project.database.inside):
        pytest.skip("the project's chart has no database of its own")
    installed, image = apart("inside"), deployment.outside.image_inside()
    deployment.provider.load([image])
    installed.prepare()
    return Inside(installed, image, take_inventory(release.kube))


def _values(deployment: Deployment, **more: Any) -> dict[str, Any]:
    changes = {"frontend.service.type": "ClusterIP", "frontend.service.nodePort": None}
    return deployment.values_with(inside=True, changes={**changes, **more})


@when("it is installed with its database in the cluster")
def installed_inside(deployment: Deployment, with_database: Inside) -> None:
    with_database.apart.install(_values(deployment))


@then("somebody can sign up there and keep a todo")
def keeps_a_todo(with_database: Inside, inside: ProbePod) -> None:
    url = with_database.apart.url()
    _reachable(inside, url)
    with_database.person = Person.signs_up(inside, url)
    with_database.person.adds("Outlive the database")
    with_database.pod = with_database.database_pod()


@when("the pod of the database there is killed", target_fixture="killed_database")
def database_pod_killed(with_database: Inside, faults: ExitStack) -> Any:
    from harness.faults.pod import DeletedPod

    kube, pod = with_database.apart.rollout.kube, with_database.database_pod()
    return faults.enter_context(DeletedPod(kube, pod, grace=0))


@then(parsers.parse("another pod of the database is ready within {seconds:d} seconds"))
def another_database_pod(killed_database: Any, with_database: Inside, seconds: int) -> None:
    with_database.pod = killed_database.wait_until_replaced(seconds)


@then("the todo there is still to be had")
def todo_still_there(with_database: Inside) -> None:
    assert with_database.person
    deadline = time.monotonic() + 30
    while (answer := with_database.person.guest.ask("GET", "/api/ready")).status != 200:
        assert time.monotonic() < deadline, f"it is not ready again: {answer}"
        time.sleep(0.3)
    with_database.person.reads()
    with_database.person.signs_in()


@when("it is upgraded in a way that replaces the pod of the database")
def upgraded(deployment: Deployment, with_database: Inside) -> None:
    before = with_database.database_pod()
    with_database.apart.install(
        _values(deployment, **{"postgresql.resources.limits.memory": "384Mi"})
    )
    after = with_database.database_pod()
    assert after.uid != before.uid, "the database's pod is the one of before"


@when("it is uninstalled")
def uninstalled(with_database: Inside) -> None:
    assert with_database.apart.uninstall(), "there was nothing to uninstall"


@then("nothing of it is left in the cluster, its volume included")
def nothing_left(with_database: Inside) -> None:
    from harness.kube.inventory import wait_for_nothing_left

    kube, namespace = with_database.apart.rollout.kube, with_database.apart.namespace
    left = wait_for_nothing_left(kube, with_database.before, namespace, within=_LEFT)
    assert not left, "\n".join(map(str, left))
