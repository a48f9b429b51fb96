"""Pods that stay the same and only change between Ready and not Ready; and their number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import (
    FakeApi,
    FakeDetails,
    deployment,
    event,
    pod,
    replica_set,
    snapshot,
    until,
    waiting,
)

from harness.kube.client import Kube
from harness.kube.pods import pod_of
from harness.kube.readiness import Begun, PodLostError, RestartedError, SamePods, StartedAgain
from harness.kube.scale import Scaled, deployments_of, scaled
from harness.kube.waits import Hopeless, Pending, Ready, Verdict, Wait

Object = dict[str, Any]
UP, DOWN = pod(ready=True), pod()


def judge(wait: Wait, *objects: Object) -> Verdict:
    return wait.evaluate(snapshot(*objects), FakeDetails("said at the end"))  # type: ignore[arg-type]


def cause(verdict: Verdict) -> Exception:
    assert isinstance(verdict, Hopeless), verdict
    return verdict.cause


@pytest.mark.parametrize(("ready", "there", "other"), [(True, UP, DOWN), (False, DOWN, UP)])
def test_the_same_pods_change_over(ready: bool, there: Object, other: Object) -> None:  # noqa: FBT001
    wait = SamePods((pod_of(UP),), ready=ready)
    assert judge(wait, there) == Ready()
    assert isinstance(judge(wait, other), Pending)
    assert wait.describe() == f"web-1 to be {'Ready' if ready else 'not Ready'}"


def test_all_of_the_same_pods_count() -> None:
    second = pod("web-2", ready=True)
    wait = SamePods((pod_of(UP), pod_of(second)), ready=False)
    verdict = judge(wait, DOWN, second)
    assert isinstance(verdict, Pending)
    assert "web-2" in verdict.seen
    assert "web-1" not in verdict.seen


def test_what_the_probe_said_is_told() -> None:
    wait = SamePods((pod_of(UP),), ready=True)
    said = event(DOWN, "Unhealthy", "Readiness probe failed: statuscode: 503")
    verdict = judge(wait, DOWN, said)
    assert isinstance(verdict, Pending)
    assert "statuscode: 503" in verdict.seen


@pytest.mark.parametrize("ready", [True, False])
def test_a_restart_ends_the_wait_with_its_reason(ready: bool) -> None:  # noqa: FBT001
    end = {"exitCode": 137, "reason": "Error", "finishedAt": "2026-01-02T03:04:00Z"}
    restarted = pod(ready=ready, restarts=2, last=end)
    wait = SamePods((pod_of(pod(restarts=1)),), ready=ready)
    error = cause(judge(wait, restarted))
    assert isinstance(error, RestartedError)
    assert "exit code 137" in str(error)
    assert "said at the end" in str(error)
    assert "liveness" in error.fix


def test_a_restart_of_an_init_container_counts() -> None:
    init = {"restartCount": 1, "state": {"running": {}}}
    error = cause(judge(SamePods((pod_of(UP),), ready=False), pod(init=init)))
    assert isinstance(error, RestartedError)


def test_restarts_of_before_do_not_count() -> None:
    before = pod(restarts=3, ready=True)
    assert judge(SamePods((pod_of(before),), ready=True), before) == Ready()


@pytest.mark.parametrize("now", [(), (pod("web-2", ready=True),), (pod(deleted=True),)])
def test_a_pod_that_is_gone_ends_the_wait(now: tuple[Object, ...]) -> None:
    for wait in (SamePods((pod_of(UP),), ready=False), StartedAgain(pod_of(UP), "main")):
        assert isinstance(cause(judge(wait, *now)), PodLostError)


def test_started_again_is_more_often_than_before_and_ready() -> None:
    wait = StartedAgain(pod_of(pod(restarts=1)), "main")
    assert isinstance(judge(wait, pod(ready=True, restarts=1)), Pending)
    assert isinstance(judge(wait, pod(restarts=2)), Pending)
    assert judge(wait, pod(ready=True, restarts=2)) == Ready()


def test_new_pods_have_begun_when_a_container_runs() -> None:
    wait = Begun({"app": "web"}, frozenset({"uid-web-1"}), 1)
    assert isinstance(judge(wait, UP), Pending)
    assert isinstance(judge(wait, UP, pod("web-2", state=waiting("PodInitializing"))), Pending)
    assert isinstance(judge(wait, pod("web-2", deleted=True)), Pending)
    init = {"state": {"running": {}}}
    initialising = pod("web-2", state=waiting("PodInitializing"), init=init)
    assert judge(wait, initialising) == Ready()


def test_scaled_is_asked_for_and_ready() -> None:
    wait = Scaled({"web": 2})
    assert isinstance(judge(wait), Pending)
    assert isinstance(judge(wait, deployment(), replica_set(), UP), Pending)
    two = deployment(replicas=2, ready=2)
    assert isinstance(judge(wait, two, replica_set(), UP), Pending)
    assert judge(wait, two, replica_set(), UP, pod("web-2", ready=True)) == Ready()


def test_scaled_ends_at_a_pod_that_is_hopeless() -> None:
    lost = pod("web-2", state=waiting("ErrImageNeverPull", "it is not there"))
    verdict = judge(Scaled({"web": 2}), deployment(replicas=2), replica_set(), UP, lost)
    assert "it is not there" in str(cause(verdict))


DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
SETS = "/apis/apps/v1/namespaces/shop/replicasets"
PODS, EVENTS = "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/events"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {DEPLOYMENTS: {}, SETS: {}, PODS: {}, EVENTS: {}}
    api.put(DEPLOYMENTS, deployment())
    api.put(SETS, replica_set())
    api.put(PODS, UP)
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def test_scaled_for_a_while(api: FakeApi, client: Kube) -> None:
    def controller() -> None:
        for wanted in (2, 1):
            until(
                lambda wanted=wanted: api.objects[DEPLOYMENTS]["web"]["spec"]["replicas"] == wanted
            )
            if wanted == 2:
                api.put(PODS, pod("web-2", ready=True))
            else:
                api.remove(PODS, "web-2")
            api.put(DEPLOYMENTS, deployment(replicas=wanted, ready=wanted))

    thread = threading.Thread(target=controller, daemon=True)
    thread.start()
    with scaled(client, "shop", ["web"], 2, timeout=5):
        assert set(api.objects[PODS]) == {"web-1", "web-2"}
    thread.join(5)
    assert set(api.objects[PODS]) == {"web-1"}
    assert ("PATCH", f"{DEPLOYMENTS}/web/scale") in api.requests


def owned(obj: Object, kind: str, name: str) -> Object:
    owner = {"kind": kind, "uid": f"uid-{name}", "name": name}
    return obj | {"metadata": obj["metadata"] | {"ownerReferences": [owner]}}


def test_the_deployments_of_pods(api: FakeApi, client: Kube) -> None:
    api.put(SETS, owned(replica_set(), "Deployment", "web"))
    assert deployments_of(client, "shop", [owned(UP, "ReplicaSet", "web-rs")]) == ["web"]
