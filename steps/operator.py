"""An operator who says in plain language what is to be done; the cluster shows what came of it."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then, when

from harness.errors import DeployError
from harness.kube.resources import CONFIG_MAP, NAMESPACE, NODE, POD, SECRET, Object, status_of

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.plain_language.kubectl_ai import KubectlAi, Reply
    from harness.release import Release

_SOON, _AT_REST = 90.0, 60.0  # seconds
_NO_SUCH_IMAGE = "deploy.invalid/no-such-image:1"


@dataclass(frozen=True)
class Beside:
    """Something beside the application, and a fact of it that only the cluster can tell."""

    name: str
    fact: str


@given("an operator who may touch nothing but the application")
def an_operator(operator: KubectlAi, release: Release) -> None:
    from harness.kube.nodes import NothingEnding
    from harness.kube.waits import wait_for
    from harness.kube.watch import Watcher

    assert operator.access.namespace == release.namespace
    # What an earlier scenario has replaced is not what this one asks about.
    with Watcher(release.kube, release.namespace, (POD,)) as watcher:
        wait_for(NothingEnding(), watcher, _AT_REST)


@given("a pod beside the application that cannot start", target_fixture="beside")
def cannot_start(release: Release, deployment: Deployment, broken: ExitStack) -> Beside:
    return _worker(release, deployment, broken, "Failed", "/{word}")


@given("a pod beside the application that has written a line", target_fixture="beside")
def has_written(release: Release, deployment: Deployment, broken: ExitStack) -> Beside:
    return _worker(release, deployment, broken, "Succeeded", "/probe", "dns", "{word}.invalid")


def _worker(
    release: Release, deployment: Deployment, broken: ExitStack, phase: str, *program: str
) -> Beside:
    """Run a program to its end, of which one word is such that nobody can guess it."""
    from harness.probes.ended import ended_pod

    word = f"ledger-{secrets.token_hex(4)}"
    words = [part.format(word=word) for part in program]
    ended = ended_pod(release.kube, release.namespace, deployment.probe_image(), words, phase)
    return Beside(broken.enter_context(ended), word)


@given("a namespace beside the application's, with something in it", target_fixture="beside")
def a_namespace(release: Release, broken: ExitStack) -> Beside:
    from harness.kube.namespaces import temporary_namespace

    space = temporary_namespace(release.kube, f"{release.namespace}-neighbour")
    name = broken.enter_context(space)
    content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}
    release.kube.create(CONFIG_MAP, content, name)
    return Beside(name, "kept")


@pytest.fixture
def as_before(release: Release, faults: ExitStack) -> dict[str, Object]:
    """The Deployment of each role; whatever is made of them is put right in the end."""
    from harness.kube.kept import kept
    from harness.kube.scale import deployments_of

    found = {}
    for role in release.project.services:
        pods = [pod.obj for pod in release.pods(role)]
        names = deployments_of(release.kube, release.namespace, pods)
        (found[role],) = faults.enter_context(kept(release.kube, release.namespace, names))
    return found


@given(parsers.parse("the {role} has been changed to an image that does not exist"))
def changed(release: Release, as_before: dict[str, Object], role: str) -> None:
    from harness.kube.kept import change_spec

    spec = as_before[role]["spec"]
    template = copy.deepcopy(spec["template"])
    template["spec"]["containers"][0]["image"] = _NO_SUCH_IMAGE
    change_spec(release.kube, as_before[role], spec["replicas"], template)


@when(parsers.parse('the operator asks "{sentence}"'), target_fixture="reply")
def asks(
    operator: KubectlAi,
    as_before: dict[str, Object],  # noqa: ARG001 - whatever a model makes of it
    sentence: str,
    request: pytest.FixtureRequest,
) -> Reply:
    names = {}
    if "{" in sentence:
        name = request.getfixturevalue("beside").name
        names = {"pod": name, "namespace": name}
    return operator.ask(sentence.format(**names))


@then(parsers.parse("{count:d} pods of the {role} are ready"))
def are_ready(
    release: Release, as_before: dict[str, Object], reply: Reply, count: int, role: str
) -> None:
    from harness.kube.scale import Scaled
    from harness.kube.waits import wait_for
    from harness.kube.watch import Watcher

    name = as_before[role]["metadata"]["name"]
    with _told(reply), Watcher(release.kube, release.namespace) as watcher:
        wait_for(Scaled({name: count}), watcher, _SOON)
    ready = [pod.name for pod in release.pods(role) if pod.ready]
    assert len(ready) == count, f"ready are {ready}\n{reply.describe()}"


@then(parsers.parse("the {role} runs what it ran before"))
def runs_as_before(release: Release, as_before: dict[str, Object], reply: Reply, role: str) -> None:
    from harness.kube.release import ReleaseReady
    from harness.kube.waits import wait_for
    from harness.kube.watch import Watcher

    with _told(reply), Watcher(release.kube, release.namespace) as watcher:
        wait_for(ReleaseReady(release.namespace, release.name), watcher, _SOON)
    wanted = _images(as_before[role]["spec"]["template"])
    for pod in release.pods(role):
        assert _images(pod.obj) == wanted, f"{pod.describe()}\n{reply.describe()}"


@contextmanager
def _told(reply: Reply) -> Iterator[None]:
    """Have an error say what the operator has been answered."""
    try:
        yield
    except DeployError as error:
        error.add_note(reply.describe())
        raise


def _images(template: Object) -> list[str]:
    spec = template["spec"]
    return [c["image"] for c in (*spec.get("initContainers", ()), *spec["containers"])]


@then("the answer names that pod")
def names_the_pod(reply: Reply, beside: Beside) -> None:
    assert reply.says(beside.name), f"it does not name {beside.name}\n{reply.describe()}"


@then("the answer names the cause")
@then("the answer shows that line")
def names_the_fact(reply: Reply, beside: Beside) -> None:
    assert reply.says(beside.fact), f"it does not hold {beside.fact}\n{reply.describe()}"


@then("the cluster has told its name")
def told_name(reply: Reply, beside: Beside) -> None:
    assert reply.was_told(beside.name), f"no command showed {beside.name}\n{reply.describe()}"


@then("the cluster has told the cause")
@then("the cluster has told that line")
def told_fact(reply: Reply, beside: Beside) -> None:
    assert reply.was_told(beside.fact), f"no command showed {beside.fact}\n{reply.describe()}"


@then("that namespace is still there, with what is in it")
def still_there(release: Release, reply: Reply, beside: Beside) -> None:
    phase = status_of(release.kube.get(NAMESPACE, beside.name)).get("phase")
    assert phase == "Active", f"namespace {beside.name} is {phase}\n{reply.describe()}"
    assert release.kube.get(CONFIG_MAP, beside.fact, beside.name)


@then("the cluster refuses the operator whatever is outside the application")
def refuses(operator: KubectlAi, release: Release, beside: Beside) -> None:
    from harness.kube.errors import ApiRefusedError

    outside = [
        ("DELETE", NAMESPACE.path(None, beside.name)),
        ("DELETE", NAMESPACE.path(None, release.namespace)),
        ("DELETE", CONFIG_MAP.path(beside.name, beside.fact)),
        ("GET", POD.path(beside.name)),
        ("GET", NODE.path()),
        ("GET", SECRET.path(release.namespace)),
    ]
    with operator.access.client() as client:
        assert client.list(POD, release.namespace), "it may not even look at the application"
        for method, path in outside:
            query = {"dryRun": "All"} if method == "DELETE" else None
            with pytest.raises(ApiRefusedError) as refused:
                client.json(method, path, query=query)
            assert refused.value.status == 403, f"{method} {path}: {refused.value}"
