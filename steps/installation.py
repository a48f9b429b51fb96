"""A second installation of the application, through the life of its chart."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from harness.errors import DeployError
from harness.kube.causes import CrashLoopError, ImagePullError
from harness.kube.inventory import take_inventory, wait_for_nothing_left
from harness.kube.resources import CONFIG_MAP
from harness.traffic import Traffic
from steps.account import Account, sign_in, sign_up, sign_up_with_todo

if TYPE_CHECKING:
    import httpx

    from harness.deployment import Deployment
    from harness.helm.earlier import EarlierChart
    from harness.installation import Installation
    from harness.kube.inventory import Inventory
    from harness.kube.pods import Pod
    from harness.release import Release

_PACE = 0.2  # seconds between two requests of the people who use it
_PATIENCE = 15.0  # seconds that one request may take
_FURTHER = 10  # requests that have to go well after a change
_ANSWERS = 60  # requests among which every pod of a role has answered
_COLLECTED = 20.0  # seconds until the cluster has removed what belonged to what is gone
_NO_SUCH_TAG = "there-is-no-such-tag"
#: Each sentence's cause, and the words that it has to name.
_CAUSES: dict[str, tuple[type[DeployError], str]] = {
    "the image cannot be had": (ImagePullError, _NO_SUCH_TAG),
    "the backend ends at once": (CrashLoopError, "No module named 'encodings'"),
}


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


def _pods(beside: Installation, tags: dict[str, str] | None = None) -> dict[str, list[Pod]]:
    release = beside.release(tags)
    return {role: release.pods(role) for role in beside.project.services}


@given("a second installation of the application", target_fixture="before")
def second_installation(beside: Installation) -> Before:
    beside.restore()
    return _as_it_is(beside)


def _as_it_is(beside: Installation) -> Before:
    revision = beside.history()[-1]
    assert revision.status == "deployed", f"revision {revision.number} is {revision.status}"
    return Before(revision.number, _pods(beside), take_inventory(beside.kube))


@given("a second installation, by the version of the chart before this one")
def second_of_earlier_chart(beside: Installation, earlier_chart: EarlierChart) -> None:
    beside.empty()
    beside.change({}, earlier_chart.path)
    beside.wait_until_open()


@pytest.fixture
def client_beside(beside: Installation) -> Iterator[httpx.Client]:
    """A client of the second frontend at its public address."""
    import httpx

    with httpx.Client(base_url=beside.url, timeout=_PATIENCE, trust_env=False) as client:
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
    from harness.installation import differences

    chart = beside.project.chart_path
    last, facts = beside.history()[-1], check_chart(chart)
    assert (last.chart, last.status) == (f"{facts.name}-{facts.version}", "deployed"), str(last)
    rendered = deployment.helm().template(chart, beside.name, beside.namespace, beside.values({}))
    wanted = [item for item in release_objects(rendered) if not item.hook]
    assert not (odd := differences(wanted, beside.described())), "\n".join(odd)
    _serves(beside)


def _serves(beside: Installation, tags: dict[str, str] | None = None) -> None:
    """See that every role has its pods, all of them Ready and never started again."""
    for role, pods in _pods(beside, tags).items():
        assert pods, f"no pod runs the image of the {role}"
        weak = [pod.describe() for pod in pods if not pod.ready or pod.restarts]
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
    now = take_inventory(beside.kube)
    assert now.of(beside.namespace), f"namespace {beside.namespace} is empty"
    assert not (odd := now.changes_since(before.inventory, beside.namespace)), "\n".join(odd)


@then("no pod of it was replaced or started again")
def no_pod_touched(beside: Installation, before: Before) -> None:
    _serves(beside)
    now = {role: {pod.uid for pod in pods} for role, pods in _pods(beside).items()}
    assert now == before.uids, f"the pods were {before.uids}, and are {now}"


@when("it is upgraded to images with another tag", target_fixture="tags")
def upgrade_tags(deployment: Deployment, beside: Installation) -> dict[str, str]:
    tags = {name: f"{image.tag}-again" for name, image in beside.images.items()}
    for name, image in beside.images.items():
        deployment.engine.run("tag", image.ref, f"{image.repository}:{tags[name]}", timeout=30)
    deployment.provider.load([f"{i.repository}:{tags[name]}" for name, i in beside.images.items()])
    beside.change({f"{name}.image.tag": tag for name, tag in tags.items()})
    return tags


@then("every pod of it is new and runs the images with that tag")
def runs_the_tags(beside: Installation, before: Before, tags: dict[str, str]) -> None:
    _serves(beside, tags)
    roles = _pods(beside, tags)
    all_now = beside.release().pods()
    assert len(all_now) == sum(map(len, roles.values())), "\n".join(p.describe() for p in all_now)
    for role, pods in roles.items():
        kept = before.uids[role] & {pod.uid for pod in pods}
        assert not kept, f"pods of the {role} from before: {kept}"


@when("it is rolled back to the revision before")
def roll_back(beside: Installation, before: Before) -> None:
    beside.back(before.revision)


@then("it is as it was before the upgrade")
def as_before(beside: Installation, before: Before) -> None:
    from harness.installation import differences

    last = beside.history()[-1]
    assert last.status == "deployed", str(last)
    odd = differences(beside.described(before.revision), beside.described())
    assert not odd, "Helm has other objects than before:\n" + "\n".join(odd)
    was, now = (
        inventory.specifications(beside.namespace)
        for inventory in (before.inventory, take_inventory(beside.kube))
    )
    assert was, f"namespace {beside.namespace} was empty"
    other = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    assert not other, f"in the cluster there are other objects than before: {', '.join(other)}"
    _serves(beside)


@when(parsers.parse("an upgrade brings {defect}"), target_fixture="given_up")
def upgrade_brings(beside: Installation, defect: str) -> GivenUp:
    changes: dict[str, dict[str, Any]] = {
        "an image that does not exist": {"backend.image.tag": _NO_SUCH_TAG},
        # Python looks for its own library there.
        "a setting with which the backend cannot start": {"backend.env.PYTHONHOME": "/nowhere"},
    }
    started = time.monotonic()
    with pytest.raises(DeployError) as caught:
        beside.change(changes[defect])
    return GivenUp(caught.value, time.monotonic() - started)


@dataclass
class GivenUp:
    """Why an upgrade was given up, and after how many seconds."""

    error: DeployError
    seconds: float


@then(parsers.parse("that is given up within {seconds:d} seconds, because {cause}"))
def given_up_because(given_up: GivenUp, seconds: int, cause: str) -> None:
    kind, words = _CAUSES[cause]
    assert isinstance(given_up.error, kind), str(given_up.error)
    assert words in str(given_up.error), f"it does not name {words}:\n{given_up.error}"
    assert given_up.seconds <= seconds, f"after {given_up.seconds:.1f} s"


@then("the pods of before still serve")
def pods_still_serve(beside: Installation, before: Before) -> None:
    ready = {pod.uid for pod in beside.release().pods() if pod.ready}
    lost = {role: uids - ready for role, uids in before.uids.items() if uids - ready}
    assert not lost, f"no longer ready: {lost}"


@when(parsers.parse("the {role} of it is scaled to {count:d}"))
def scale(beside: Installation, role: str, count: int) -> None:
    beside.change({f"{role}.replicaCount": count})


@then(parsers.re(r"requests are answered by (?P<count>\d+) pods? of the (?P<role>\w+)"))
def answered_by_pods(
    beside: Installation, client_beside: httpx.Client, role: str, count: str
) -> None:
    wanted = {pod.name for pod in beside.release().pods(role)}
    assert len(wanted) == int(count), f"the pods of the {role} are {sorted(wanted)}"
    somebody = sign_up(client_beside)
    for _ in range(_ANSWERS):
        answer = somebody.call("GET")
        assert answer.status_code == 200, answer.text[:300]
        if set(somebody.answers) == wanted:
            break
    assert set(somebody.answers) == wanted, (
        f"{len(somebody.answers)} requests were answered by {sorted(set(somebody.answers))}; "
        f"the pods of the {role} are {sorted(wanted)}"
    )


@then("no pod of before was replaced")
def none_replaced(beside: Installation, before: Before) -> None:
    now = {pod.uid for pods in _pods(beside).values() for pod in pods}
    gone = {role: uids - now for role, uids in before.uids.items() if uids - now}
    assert not gone, f"pods that are gone: {gone}"


@when(parsers.parse('the {role} of it may use "{amount}" of memory'), target_fixture="limit")
def limit_memory(beside: Installation, role: str, amount: str) -> str:
    beside.change({f"{role}.resources.limits.memory": amount})
    return amount


@then(parsers.parse("the containers of the {role} run with that limit"))
def run_with_limit(beside: Installation, role: str, limit: str) -> None:
    pods = beside.release().pods(role)
    assert pods, f"no pod runs the image of the {role}"
    for pod in pods:
        # What the kubelet has set, as against what the pod asks for.
        for status in pod.obj["status"]["containerStatuses"]:
            set_to = status["resources"]["limits"]["memory"]
            assert set_to == limit, f"{pod.name}: {status['name']} may use {set_to}"


@then(parsers.parse("only the pods of the {role} were replaced"))
def only_replaced(beside: Installation, before: Before, role: str) -> None:
    _serves(beside)
    for name, pods in _pods(beside).items():
        kept = {pod.uid for pod in pods} & before.uids[name]
        if name == role:
            assert not kept, f"pods of the {name} that were kept: {kept}"
        else:
            assert kept == before.uids[name], f"pods of the {name} were replaced as well"


@when("the ConfigMap of the second names the backend of the first")
def name_other_backend(beside: Installation, release: Release) -> None:
    service = release.service("backend")
    address = f"http://{service.fqdn}.cluster.local:{service.ports[0].port}"
    beside.change({"config.apiUrl": address})
    maps = beside.kube.list(CONFIG_MAP, beside.namespace)
    holding = [item for item in maps if address in (item.get("data") or {}).values()]
    assert holding, f"no ConfigMap in {beside.namespace} holds {address}"


@then("the second frontend is answered by the backend of the first")
def answered_by_first(account: Account, release: Release) -> None:
    answer = account.call("GET")
    first = {pod.name for pod in release.pods("backend")}
    assert account.answers[-1] in first, (
        f"answered by {account.answers[-1] or 'nobody named'}, with status {answer.status_code}; "
        f"the first backend's pods are {sorted(first)}"
    )


@then("the images are those of before")
def same_images(beside: Installation, before: Before) -> None:
    def ids(roles: dict[str, list[Pod]]) -> dict[str, set[str]]:
        return {
            role: {container.image_id for pod in pods for container in pod.containers}
            for role, pods in roles.items()
        }

    assert all(ids(before.pods).values()), "no pod of before told its images"
    assert ids(_pods(beside)) == ids(before.pods)


@when("the secret that signs its tokens is changed")
def change_secret(beside: Installation, deployment: Deployment, account: Account) -> None:
    answer = account.call("GET")
    assert answer.status_code == 200, f"before the change: {answer.status_code}"
    new = secrets.token_urlsafe(48)
    deployment.redact.add(new)
    beside.change({"secrets.betterAuthSecret": new})


@then("the account's token of before is refused")
def old_token_refused(account: Account) -> None:
    answer = account.call("GET")
    assert answer.status_code == 401, f"{answer.status_code}: {answer.text[:300]}"


@then("whoever signs in again finds the todo")
def new_token_works(account: Account) -> None:
    account.token = sign_in(account)
    answer = account.call("GET", f"/{account.todo['id']}")
    assert (answer.status_code, answer.json()) == (200, account.todo), answer.text[:300]


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
    made = {item.kind for item in take_inventory(beside.kube).of(beside.namespace).values()}
    assert {"Deployment", "Pod", "Service", "Secret", "ConfigMap"} <= made, f"only {sorted(made)}"
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
