"""Several nodes: where pods run, and what becomes of them when a node is emptied or lost."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import given, parsers, then, when

from harness.kube.pods import pods_of_release
from harness.kube.selection import OfRelease
from harness.plan.foresight import skips_when
from harness.statuses import NOTHING_OF_THE_KIND
from steps.installation import pods_of, serves

if TYPE_CHECKING:
    from harness.command import CommandFailedError
    from harness.deployment import Deployment
    from harness.faults.node import DrainedNode, LostNode
    from harness.installation import Installation
    from harness.kube.client import Kube
    from harness.kube.nodes import Node
    from harness.kube.pods import Pod
    from harness.kube.waits import Wait
    from harness.probes.pod import ProbePod
    from harness.settings import Settings
    from harness.traffic import Traffic

_MOVED = 60.0  # seconds until pods are Ready elsewhere
_FURTHER = 10  # requests that have to go well afterwards
_NOT_OURS = "the nodes of this cluster are not ours to take away"
_LEAVE = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")


def _one_takes_pods(settings: Settings) -> str:
    """Of a cluster that is made, workers take pods, or its one node; others are not known yet."""
    if settings.existing or settings.nodes > 2:
        return ""
    return _too_few(1)


def _too_few(number: int) -> str:
    few = f"nodes that take pods: {number}; --deploy-nodes=3 makes a cluster with two"
    return NOTHING_OF_THE_KIND + few


@given("a cluster with several nodes for pods", target_fixture="workers")
@skips_when(_one_takes_pods)
def several_nodes(kube: Kube) -> list[Node]:
    from harness.kube.nodes import nodes

    found = [node for node in nodes(kube) if node.takes_pods]
    if len(found) < 2:
        pytest.skip(_too_few(len(found)))
    return found


@given("nodes that may be taken away")
@skips_when(lambda settings: _NOT_OURS if settings.existing else "")
def may_be_taken_away(deployment: Deployment, workers: list[Node]) -> None:
    if not all(deployment.provider.machine(node.name) for node in workers):
        pytest.skip(_NOT_OURS)


def _spread(beside: Installation, number: int, **more: Any) -> None:
    changes: dict[str, Any] = {}
    for role in beside.project.services:
        changes[f"{role}.replicaCount"] = number
        changes[f"{role}.podDisruptionBudget.enabled"] = True
        changes |= {f"{role}.{path}": value for path, value in more.items()}
    beside.change(changes)
    beside.wait_until_open()


@given(parsers.parse("a second installation of the application, with {number:d} pods of each part"))
def second_with(beside: Installation, number: int) -> None:
    _spread(beside, number)


@given(
    parsers.parse(
        "a second installation of the application, with {number:d} pods of each part, "
        "of which none may be taken away"
    ),
    target_fixture="protected",
)
def second_protected(beside: Installation, number: int) -> dict[str, list[Pod]]:
    _spread(beside, number, **{"podDisruptionBudget.maxUnavailable": 0})
    return pods_of(beside)


@given(
    parsers.parse(
        "a second installation of the application, with {number:d} pods of each part, "
        "which leave a lost node after {seconds:d} seconds"
    )
)
def second_that_leaves(beside: Installation, number: int, seconds: int) -> None:
    tolerations = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
        for key in _LEAVE
    ]
    _spread(beside, number, tolerations=tolerations)


@then("the pods of each part run on different nodes")
def on_different_nodes(beside: Installation, workers: list[Node]) -> None:
    for role, pods in pods_of(beside).items():
        used = [pod.node for pod in pods]
        most = -(-len(used) // len(workers))
        assert all(used.count(node) <= most for node in used), f"the {role}: {', '.join(used)}"
        assert len(set(used)) > 1, f"all pods of the {role} run on {used[0]}"


@then("they answer from node to node")
def answer_from_node_to_node(beside: Installation, inside: ProbePod, kube: Kube) -> None:
    from harness.kube.resources import POD

    here = kube.get(POD, inside.name, inside.namespace)["spec"]["nodeName"]
    for role, pods in pods_of(beside).items():
        described = beside.project.services[role]
        port = beside.project.images[described.image].port
        assert [pod for pod in pods if pod.node != here], f"the {role} runs on {here} alone"
        for pod in pods:
            answer = inside.http("GET", f"http://{pod.ip}:{port}{described.health}")
            assert answer.status == 200, f"from {here} to {pod.name} on {pod.node}: {answer}"


@then("people reach it through every node")
def reached_through_every_node(beside: Installation, inside: ProbePod, kube: Kube) -> None:
    from harness.kube.nodes import nodes

    for role, described in beside.project.services.items():
        if not described.public:
            continue
        [port] = [p.node_port for p in beside.release().service(role).ports if p.node_port]
        for node in nodes(kube):
            answer = inside.http("GET", f"http://{node.address}:{port}{described.health}")
            assert answer.status == 200, f"through {node.name}: {answer}"


def _with_a_pod(beside: Installation, role: str) -> str:
    return beside.release().pods(role)[0].node


def _drain(deployment: Deployment, kube: Kube, node: str, timeout: float) -> DrainedNode:
    from harness.faults.node import DrainedNode

    return DrainedNode(kube, deployment.tools.kubectl, node, timeout)


@when(parsers.parse("a node with a pod of the {role} is drained"), target_fixture="drained")
def is_drained(
    deployment: Deployment, beside: Installation, kube: Kube, faults: ExitStack, role: str
) -> DrainedNode:
    fault = _drain(deployment, kube, _with_a_pod(beside, role), 120)
    return faults.enter_context(fault)


@when(
    parsers.parse("a node with a pod of the {role} is to be drained within {seconds:d} seconds"),
    target_fixture="refused",
)
def is_to_be_drained(
    deployment: Deployment,
    beside: Installation,
    kube: Kube,
    faults: ExitStack,
    role: str,
    seconds: int,
) -> CommandFailedError:
    from harness.command import CommandFailedError

    fault = _drain(deployment, kube, _with_a_pod(beside, role), seconds)
    with pytest.raises(CommandFailedError) as caught:
        faults.enter_context(fault)
    return caught.value


@then("that fails, because too few would be left")
def fails_by_the_budget(refused: CommandFailedError, beside: Installation) -> None:
    said = refused.completed.stderr
    assert "violate the pod's disruption budget" in said, said
    assert beside.namespace in said, said


@then("no pod of it was taken away")
def none_taken_away(beside: Installation, protected: dict[str, list[Pod]]) -> None:
    was = {role: {pod.uid for pod in pods} for role, pods in protected.items()}
    now = {role: {pod.uid for pod in pods} for role, pods in pods_of(beside).items()}
    assert now == was, f"the pods were {was}, and are {now}"
    serves(beside)


def _wait(beside: Installation, wait: Wait, timeout: float) -> None:
    from harness.kube.resources import EVENT, POD
    from harness.kube.waits import wait_for
    from harness.kube.watch import Watcher

    with Watcher(beside.kube, beside.namespace, (POD, EVENT)) as watcher:
        wait_for(wait, watcher, timeout)


@then(parsers.parse("{number:d} pods of each part run on the other nodes"))
def run_on_the_others(beside: Installation, drained: DrainedNode, number: int) -> None:
    _elsewhere(beside, drained.node, number, _MOVED)
    for role, pods in pods_of(beside).items():
        assert len(pods) == number, f"the {role} has {len(pods)} pods"


def _elsewhere(beside: Installation, node: str, number: int, within: float) -> None:
    from harness.kube.nodes import RunElsewhere

    wanted = number * len(beside.project.services)
    _wait(beside, RunElsewhere(OfRelease(beside.name), node, wanted), within)


@when("the node is given back")
def node_given_back(drained: DrainedNode, kube: Kube) -> None:
    from harness.kube.nodes import nodes

    drained.end()
    [node] = [one for one in nodes(kube) if one.name == drained.node]
    assert node.takes_pods, f"{node} takes no pods"


@when(parsers.parse("a node with a pod of the {role} is lost"), target_fixture="lost")
def is_lost(
    deployment: Deployment, beside: Installation, kube: Kube, faults: ExitStack, role: str
) -> LostNode:
    from harness.faults.node import LostNode

    machine = deployment.provider.machine(_with_a_pod(beside, role))
    assert machine is not None
    return faults.enter_context(LostNode(kube, machine))


@then(
    parsers.parse(
        "within {seconds:d} seconds {number:d} pods of each part are ready on the other nodes"
    )
)
def ready_in_time(beside: Installation, lost: LostNode, seconds: int, number: int) -> None:
    left = seconds - (time.monotonic() - lost.lost_at)
    _elsewhere(beside, lost.machine.name, number, max(left, 0.0))


@then(parsers.parse("people were without an answer for at most {seconds:d} seconds"))
def without_an_answer(traffic: Traffic, seconds: int) -> None:
    traffic.more(_FURTHER + 1)  # one may have been on its way since before
    failed = [request for request in traffic.requests[-_FURTHER:] if request.failure]
    assert not failed, traffic.describe()
    assert traffic.longest_gap <= seconds, traffic.describe()


@when("the node comes back")
def comes_back(lost: LostNode) -> None:
    lost.end()


@then("it is healthy, and has ended what was moved away meanwhile")
def is_healthy(beside: Installation, lost: LostNode, kube: Kube) -> None:
    from harness.kube.nodes import nodes

    [node] = [one for one in nodes(kube) if one.name == lost.machine.name]
    assert node.takes_pods, f"{node} takes no pods"
    there = pods_of_release(kube, beside.namespace, beside.name)
    ending = [pod for pod in there if pod.deleted]
    assert not ending, "\n".join(pod.describe() for pod in ending)
    serves(beside)
