"""Values of the second installation that are changed, and what then runs differently."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_bdd import parsers, then, when

from harness.kube.resources import CONFIG_MAP
from steps.account import Account, sign_in, sign_up
from steps.installation import Before, pods_of, serves

if TYPE_CHECKING:
    import httpx

    from harness.deployment import Deployment
    from harness.installation import Installation
    from harness.kube.pods import Pod
    from harness.release import Release

_ANSWERS = 60  # requests among which every pod of a role has answered
_LAST = 12  # of them, those that only the present pods may have answered
_FORWARDED = 10.0  # seconds until a node forwards to new pods only; nothing tells when
_PAUSE = 0.2


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
        last = somebody.answers[-_LAST:]
        if len(last) == _LAST and set(last) == wanted:
            break
    assert set(last) == wanted, (
        f"after {len(somebody.answers)} requests the last were answered by {sorted(set(last))}; "
        f"the pods of the {role} are {sorted(wanted)}"
    )


@then("no pod of before was replaced")
def none_replaced(beside: Installation, before: Before) -> None:
    now = {pod.uid for pods in pods_of(beside).values() for pod in pods}
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
            set_to = ((status.get("resources") or {}).get("limits") or {}).get("memory")
            assert set_to == limit, f"{pod.name}: {status['name']} may use {set_to}"


@then(parsers.parse("only the pods of the {role} were replaced"))
def only_replaced(beside: Installation, before: Before, role: str) -> None:
    serves(beside)
    for name, pods in pods_of(beside).items():
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
    first = {pod.name for pod in release.pods("backend")}
    answer = _until(account, lambda _: account.answers[-1] in first)
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
    assert ids(pods_of(beside)) == ids(before.pods)


@when("the secret that signs its tokens is changed")
def change_secret(beside: Installation, deployment: Deployment, account: Account) -> None:
    answer = account.call("GET")
    assert answer.status_code == 200, f"before the change: {answer.status_code}"
    new = secrets.token_urlsafe(48)
    deployment.redact.add(new)
    beside.change({"secrets.betterAuthSecret": new})
    # A frontend of now and a backend of before, still connected, do not know the same secret.
    beside.wait_until_replaced()


@then("the account's token of before is refused")
def old_token_refused(account: Account) -> None:
    answer = _until(account, lambda answer: answer.status_code == 401)
    assert answer.status_code == 401, f"{answer.status_code}: {answer.text[:300]}"


def _until(account: Account, seen: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Ask for the todos until an answer is as it should be, and return the last one."""
    deadline = time.monotonic() + _FORWARDED
    while True:
        answer = account.call("GET")
        if seen(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(_PAUSE)


@then("whoever signs in again finds the todo")
def new_token_works(account: Account) -> None:
    account.token = sign_in(account)
    answer = account.call("GET", f"/{account.todo['id']}")
    assert (answer.status_code, answer.json()) == (200, account.todo), answer.text[:300]
