"""A second installation of the application, through the life of its chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from pytest_bdd import given, then, when

from harness.helm.manifest import differences
from harness.kube.inventory import take_inventory, wait_for_nothing_left
from harness.kube.restarts import Counts, restart_counts
from harness.traffic import Traffic
from steps.account import Account, sign_up, sign_up_with_todo

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.helm.earlier import EarlierChart
    from harness.installation import Installation
    from harness.kube.inventory import Inventory
    from harness.kube.pods import Pod
    from harness.release import Release

_PACE = 0.2  # seconds between two requests of the people who use it
_PATIENCE = 15.0  # seconds that one request may take
_FURTHER = 10  # requests that have to go well after a change
_COLLECTED = 20.0  # seconds until the cluster has removed what belonged to what is gone


@dataclass
class Before:
    """What the second installation was before a scenario changed it."""

    revision: int
    pods: dict[str, list[Pod]]
    inventory: Inventory = field(repr=False)

    @property
    def uids(self) -> dict[str, set[str]]:
        """The uids of the pods of each role."""
        return {role: {pod.uid for pod in pods} for role, pods in self.pods.items()}

    @property
    def restarts(self) -> Counts:
        """How often each container had been started again."""
        return restart_counts(pod for pods in self.pods.values() for pod in pods)


def pods_of(beside: Installation, tags: dict[str, str] | None = None) -> dict[str, list[Pod]]:
    """Return the pods of each role; `tags` where other ones than the usual run."""
    release = beside.release(tags)
    return {role: release.pods(role) for role in beside.project.services}


@given("a second installation of the application", target_fixture="before")
def second_installation(beside: Installation) -> Before:
    beside.restore()
    return _as_it_is(beside)


def _as_it_is(beside: Installation) -> Before:
    revision = beside.history()[-1]
    assert revision.status == "deployed", f"revision {revision.number} is {revision.status}"
    inventory = take_inventory(beside.kube, beside.namespace)
    return Before(revision.number, pods_of(beside), inventory)


@given("a second installation, by the version of the chart before this one")
def second_of_earlier_chart(beside: Installation, earlier_chart: EarlierChart) -> None:
    beside.empty()
    beside.change({}, earlier_chart.path)
    beside.wait_until_open()


@pytest.fixture
def client_beside(beside: Installation) -> Iterator[httpx.Client]:
    """A client of the second frontend at its public address.

    No connection is kept: the pod at its other end serves on for a while when it is replaced.
    """
    none_kept = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(
        base_url=beside.url, timeout=_PATIENCE, trust_env=False, limits=none_kept
    ) as client:
        yield client


@given("an account in it", target_fixture="account")
def account_in_it(client_beside: httpx.Client) -> Account:
    return sign_up(client_beside)


@given("an account with a todo in it", target_fixture="account")
def account_with_todo_in_it(client_beside: httpx.Client) -> Account:
    return sign_up_with_todo(client_beside)


@given("people who use it all the time", target_fixture="traffic")
def people(beside: Installation, client_beside: httpx.Client) -> Iterator[Traffic]:
    """Requests that need every part: the frontend, the backend and the database."""
    somebody = sign_up(client_beside)
    with Traffic(
        f"{beside.url}/api/{somebody.id}/tasks",
        pace=_PACE,
        timeout=_PATIENCE,
        headers={"Authorization": f"Bearer {somebody.token}"},
    ) as traffic:
        yield traffic


@given("somebody who asks all the time whether it is ready", target_fixture="traffic")
def asks_all_the_time(beside: Installation) -> Iterator[Traffic]:
    """Requests that need no more than the public part."""
    with Traffic(beside.public_health, pace=_PACE, timeout=_PATIENCE) as traffic:
        yield traffic


@then("not one request was lost")
def none_lost(traffic: Traffic) -> None:
    traffic.more(_FURTHER)
    assert not traffic.failures, traffic.describe()


@when("it is upgraded to the present chart")
def upgrade_chart(beside: Installation) -> None:
    beside.change({})


@then("it is what the present chart describes")
def is_the_present_chart(beside: Installation, deployment: Deployment) -> None:
    from harness.helm import check_chart, release_objects

    chart = beside.project.chart_path
    last, facts = beside.history()[-1], check_chart(chart)
    assert (last.chart, last.status) == (f"{facts.name}-{facts.version}", "deployed"), str(last)
    rendered = deployment.helm().template(chart, beside.name, beside.namespace, beside.values({}))
    wanted = [item for item in release_objects(rendered) if not item.hook]
    assert not (odd := differences(wanted, beside.described())), "\n".join(odd)
    serves(beside)


def serves(
    beside: Installation, tags: dict[str, str] | None = None, before: Counts | None = None
) -> None:
    """See that every role has its pods, all of them Ready and not started again since."""
    for role, pods in pods_of(beside, tags).items():
        assert pods, f"no pod runs the image of the {role}"
        known, now = before or {}, restart_counts(pods)
        again = {key[0] for key, count in now.items() if count > known.get(key, 0)}
        weak = [pod.describe() for pod in pods if not pod.ready or pod.uid in again]
        assert not weak, "\n".join(weak)


@when("the chart is installed again with the same values")
def install_again(beside: Installation) -> None:
    beside.change({})


@then("a new revision is deployed")
def new_revision(beside: Installation, before: Before) -> None:
    last = beside.history()[-1]
    assert (last.number, last.status) == (before.revision + 1, "deployed"), str(last)


@then("no object of it has changed")
def no_object_changed(beside: Installation, before: Before) -> None:
    now = take_inventory(beside.kube, beside.namespace)
    assert now.of(beside.namespace), f"namespace {beside.namespace} is empty"
    assert not (odd := now.changes_since(before.inventory, beside.namespace)), "\n".join(odd)


@then("no pod of it was replaced or started again")
def no_pod_touched(beside: Installation, before: Before) -> None:
    serves(beside, before=before.restarts)
    now = {role: {pod.uid for pod in pods} for role, pods in pods_of(beside).items()}
    assert now == before.uids, f"the pods were {before.uids}, and are {now}"


@dataclass
class Absence:
    """The cluster without a second installation, and the first one's pods."""

    inventory: Inventory = field(repr=False)
    first: dict[str, int]


@given("the cluster without a second installation", target_fixture="absence")
def without_second(beside: Installation, release: Release) -> Absence:
    beside.empty()
    before = take_inventory(beside.kube)
    # What an earlier scenario's end has left to be collected is not this one's.
    left = [item for item in before.of(beside.namespace).values() if item.kind == "Pod"]
    assert not left, "\n".join(map(str, left))
    return Absence(before, _restarts(release))


def _restarts(release: Release) -> dict[str, int]:
    return {pod.uid: pod.restarts for pod in release.pods()}


@when("a second one is installed, tested and uninstalled")
def install_and_uninstall(beside: Installation) -> None:
    beside.change({})
    made = {item.kind for item in take_inventory(beside.kube, beside.namespace).items.values()}
    wanted = {item.kind for item in beside.described() if not item.hook} | {"Pod"}
    assert len(wanted) > 1, "the chart describes nothing"
    assert wanted & made == wanted, f"only {sorted(made)}, of {sorted(wanted)}"
    beside.helm.test(beside.name, beside.namespace, timeout=60)
    assert beside.uninstall(), "Helm knew of no such release"


@then("nothing of it is left in the cluster, of whatever kind")
def nothing_left(beside: Installation, absence: Absence) -> None:
    left = wait_for_nothing_left(
        beside.kube, absence.inventory, beside.namespace, within=_COLLECTED
    )
    assert not left, "left behind:\n" + "\n".join(map(str, left))
    assert beside.helm.status(beside.name, beside.namespace) is None


@then("the first installation runs on untouched")
def first_untouched(absence: Absence, release: Release) -> None:
    assert _restarts(release) == absence.first
    weak = [pod.describe() for pod in release.pods() if not pod.ready]
    assert not weak, "\n".join(weak)
