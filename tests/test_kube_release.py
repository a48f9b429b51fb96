"""The wait for a release: rolled out and reachable, pending, or a cause."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from kube_support import (
    NOW,
    FakeDetails,
    ago,
    deployment,
    endpoints,
    event,
    pod,
    replica_set,
    service,
    snapshot,
    waiting,
)

from harness.kube import causes
from harness.kube.jobs import failed_hook
from harness.kube.pods import pod_of, running_image, same_image
from harness.kube.release import ReleaseReady, ready_endpoints
from harness.kube.selection import INSTANCE
from harness.kube.state import Change
from harness.kube.waits import Hopeless, Pending, Ready, Verdict

Object = dict[str, Any]
GOOD = (deployment(), replica_set(), pod(ready=True), service(), endpoints("web", "10.0.0.1"))


def judge(*objects: Object, before: tuple[str, ...] = (), **options: Any) -> Verdict:
    wait = ReleaseReady("shop", "shop", **options)
    return wait.evaluate(snapshot(*objects, before=before), FakeDetails())  # type: ignore[arg-type]


def pending(verdict: Verdict) -> str:
    assert isinstance(verdict, Pending), verdict
    return verdict.seen


def job(*conditions: Object, **status: Any) -> Object:
    return {
        "kind": "Job",
        "metadata": {
            "name": "migrate",
            "namespace": "shop",
            "uid": "uid-migrate",
            "labels": {INSTANCE: "shop"},
        },
        "spec": {},
        "status": {"conditions": list(conditions), **status},
    }


def stateful_set(*, current: int = 1, ready: int = 1) -> Object:
    obj = deployment("db", ready=ready, updated=current)
    obj["kind"] = "StatefulSet"
    obj["status"]["updateRevision"] = "db-2"
    return obj


def without(*names: str) -> tuple[Object, ...]:
    return tuple(obj for obj in GOOD if obj["kind"] not in names)


def test_ready() -> None:
    assert isinstance(judge(*GOOD), Ready)


def test_not_before_helm_has_applied_all() -> None:
    applied = threading.Event()
    assert "Helm" in pending(judge(*GOOD, applied=applied))
    applied.set()
    assert isinstance(judge(*GOOD, applied=applied), Ready)


def test_not_while_the_watch_lags_behind_what_helm_has_done() -> None:
    details = FakeDetails()
    details.news = "deployment web"
    verdict = ReleaseReady("shop", "shop").evaluate(snapshot(*GOOD), details)  # type: ignore[arg-type]
    assert "deployment web" in pending(verdict)
    assert verdict.recheck < 1  # type: ignore[union-attr]


def test_nothing_is_not_ready() -> None:
    assert "no object of release shop" in pending(judge())
    other = deployment() | {"metadata": {"name": "x", "uid": "x", "labels": {INSTANCE: "other"}}}
    assert "no object" in pending(judge(other))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (deployment(generation=2), "generation has not been observed"),
        (deployment(ready=0), "0 of 1 pods ready"),
        (deployment(replicas=2, updated=1, ready=2), "1 of the present revision"),
        (deployment(total=2), "1 old pods are still there"),
    ],
    ids=["unobserved", "unready", "half-updated", "old-pods"],
)
def test_deployment_that_is_not_rolled_out(changed: Object, words: str) -> None:
    assert words in pending(judge(changed, *without("Deployment")))


def test_counts_alone_are_not_believed() -> None:
    assert "not seen ready" in pending(judge(*without("Pod"), pod(ready=False)))


def test_scaled_to_nothing_is_ready() -> None:
    nothing = deployment(replicas=0, ready=0, updated=0)
    assert isinstance(judge(nothing, replica_set(replicas=0)), Ready)


def test_pending_tells_what_the_probe_was_answered() -> None:
    waits = pod()
    told = event(waits, "Unhealthy", "Readiness probe failed: statuscode: 503")
    seen = pending(judge(deployment(ready=0), replica_set(), waits, told))
    assert "pod web-1: Running; not ready; main: running, not ready" in seen
    assert "statuscode: 503" in seen


def test_stateful_set_waits_for_its_present_revision() -> None:
    old = pod("db-0", owner="uid-db", ready=True, labels={"controller-revision-hash": "db-1"})
    assert "0 of the present revision" in pending(judge(stateful_set(current=0), old))
    new = pod("db-0", owner="uid-db", ready=True, labels={"controller-revision-hash": "db-2"})
    assert isinstance(judge(stateful_set(), new), Ready)


def test_job_has_to_complete() -> None:
    assert "1 active" in pending(judge(*GOOD, job(active=1)))
    assert isinstance(judge(*GOOD, job({"type": "Complete", "status": "True"})), Ready)


def test_failed_job_is_hopeless_with_the_log_of_its_last_pod() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}
    ended = {"terminated": {"exitCode": 4, "reason": "Error"}}
    of_job = pod("migrate-x", owner="uid-migrate", owner_kind="Job", state=ended, phase="Failed")
    wait = ReleaseReady("shop", "shop")
    objects = snapshot(*GOOD, job(failed), of_job)
    verdict = wait.evaluate(objects, FakeDetails("relation exists"))  # type: ignore[arg-type]
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.JobFailedError)
    assert "BackoffLimitExceeded" in verdict.cause.seen
    assert verdict.cause.log == ["relation exists"]


@pytest.mark.parametrize("addresses", [(), ("10.0.0.1",)], ids=["none", "not-ready"])
def test_service_without_a_ready_endpoint(addresses: tuple[str, ...]) -> None:
    empty = endpoints("web", *addresses, ready=False)
    seen = pending(judge(*without("EndpointSlice"), empty))
    assert "service web: no ready endpoint (selector app=web)" in seen


def test_service_that_leads_nowhere_is_hopeless_though_pods_are_still_to_come() -> None:
    lost = service("lost", selector={"app": "typo"})
    lost["metadata"]["creationTimestamp"] = ago(1)
    verdict = judge(*GOOD, lost)
    assert isinstance(verdict, Pending)
    assert verdict.recheck == pytest.approx(4)
    lost["metadata"]["creationTimestamp"] = ago(9)
    verdict = judge(*GOOD, lost)
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.NoEndpointsError)
    assert "app=typo" in verdict.cause.needed
    assert "web-1" in verdict.cause.seen
    assert isinstance(judge(deployment(ready=0), replica_set(), pod(), lost), Hopeless)
    assert isinstance(judge(*GOOD, lost, applied=threading.Event()), Pending)
    lost["metadata"]["managedFields"] = [{"time": ago(1)}]
    assert isinstance(judge(*GOOD, lost), Pending), "it has just been changed"


def test_service_waits_for_pods_that_a_workload_is_yet_to_make() -> None:
    lost = service("late", selector={"app": "late"})
    lost["metadata"]["creationTimestamp"] = ago(60)
    maker = deployment("late", ready=0)
    maker["spec"]["template"] = {"metadata": {"labels": {"app": "late"}}}
    assert isinstance(judge(*GOOD, lost, maker), Pending)


@pytest.mark.parametrize(
    ("port", "words"), [("http", ""), ("htpp", "port named htpp"), ("8000", ""), (8000, "")]
)
def test_service_port_by_a_name_that_nobody_has(port: str | int, words: str) -> None:
    named = pod(ready=True, container={"ports": [{"name": "http", "containerPort": 8000}]})
    leading = service(ports=[{"port": 80, "targetPort": port}])
    leading["metadata"]["creationTimestamp"] = ago(1)
    verdict = judge(*without("Pod", "Service"), named, leading)
    if not words:
        assert isinstance(verdict, Ready)
        return
    assert words in pending(verdict)
    leading["metadata"]["creationTimestamp"] = ago(9)
    verdict = judge(*without("Pod", "Service"), named, leading)
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.ServicePortError)
    assert "http" in verdict.cause.seen


def test_service_of_pods_that_are_never_ready_though_all_is_rolled_out() -> None:
    stray = pod("stray", owner="uid-nobody", labels={"app": "stray"})
    lost = service("stray", selector={"app": "stray"})
    lost["metadata"]["creationTimestamp"] = ago(60)
    verdict = judge(*GOOD, stray, lost)
    assert isinstance(verdict, Pending), "a pod without a time has changed just now"
    stray["status"]["conditions"][1]["lastTransitionTime"] = ago(9)
    verdict = judge(*GOOD, stray, lost)
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.ServiceUnreadyError)
    assert "pod stray: Running; not ready" in verdict.cause.seen
    assert isinstance(judge(*without("Deployment"), deployment(ready=0), stray, lost), Pending)
    stray["status"]["phase"] = "Pending"
    stray["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ContainerCreating"}}
    assert isinstance(judge(*GOOD, stray, lost), Pending), "it may be Ready yet"


def hook(obj: Object) -> Object:
    obj["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}
    obj["metadata"]["labels"] = {}
    return obj


def test_failed_hook_is_hopeless_before_helm_says_so() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}
    begun = threading.Event()
    verdict = judge(hook(job(failed)), applied=begun)
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.HookFailedError)
    assert verdict.cause.hook == "pre-install"
    old = judge(hook(job(failed)), applied=begun, before=("uid-migrate",))
    assert isinstance(old, Pending), "a hook of an earlier run is the past"
    strange = hook(job(failed))
    strange["metadata"]["labels"] = {INSTANCE: "another"}
    assert isinstance(judge(strange, applied=begun), Pending), "a hook of another release"


def test_failed_hook_is_found_though_helm_has_removed_it() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}
    gone, details = hook(job(failed)), FakeDetails("relation exists")
    ended = {"terminated": {"exitCode": 4, "reason": "Error"}}
    of_job = pod("migrate-x", owner="uid-migrate", owner_kind="Job", state=ended, phase="Failed")
    told = (("ADDED", hook(job())), ("MODIFIED", gone), ("ADDED", of_job), ("DELETED", gone))
    history = [Change(NOW, kind, obj["kind"], obj["metadata"]["name"], obj) for kind, obj in told]
    cause = failed_hook("shop", history, details)  # type: ignore[arg-type]
    assert isinstance(cause, causes.HookFailedError)
    assert cause.log == ["relation exists"]
    assert failed_hook("shop", history[:1], details) is None  # type: ignore[arg-type]
    assert failed_hook("another", history, details) is not None, "it carries no label"  # type: ignore[arg-type]


def test_failed_hook_pod_tells_how_it_ended() -> None:
    ended = {"terminated": {"exitCode": 4, "reason": "Error"}}
    verdict = judge(hook(pod("check", state=ended, phase="Failed")), applied=threading.Event())
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.HookFailedError)
    assert "exit code 4" in verdict.cause.seen


def test_services_that_need_no_endpoint() -> None:
    outside = service("db", type="ExternalName", selector=None)
    assert isinstance(judge(*GOOD, outside), Ready)


def test_endpoint_without_a_word_counts_as_ready() -> None:
    assert ready_endpoints(service(), [endpoints("web", "10.0.0.1", ready=None)]) == ["10.0.0.1"]


def test_hopeless_pod_ends_it_before_helm_has_ended() -> None:
    broken = pod(state=waiting("ErrImageNeverPull"))
    verdict = judge(deployment(ready=0), replica_set(), broken, applied=threading.Event())
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.ImagePullError)


def test_what_was_broken_before_is_not_judged_until_helm_has_applied() -> None:
    applied = threading.Event()
    broken = pod(state=waiting("ErrImageNeverPull"))
    objects = (deployment(ready=0), replica_set(), broken)
    assert isinstance(judge(*objects, applied=applied, before=("uid-web-1",)), Pending)
    applied.set()
    assert isinstance(judge(*objects, applied=applied, before=("uid-web-1",)), Hopeless)


def test_what_was_just_replaced_is_not_judged() -> None:
    """After a rollback the broken pods stay current until their controller has acted."""
    applied = threading.Event()
    applied.set()
    broken = pod(state=waiting("ErrImageNeverPull"))
    changed = deployment(ready=0, generation=2, observed=1)
    verdict = judge(changed, replica_set(), broken, applied=applied, before=("uid-web-1",))
    assert "not been observed" in pending(verdict)
    # Observed, and its ReplicaSet's watch has not told yet that an old one is the newest.
    back = deployment(ready=0, generation=2, observed=2, revision="3")
    old = replica_set("web-old", revision="1")
    verdict = judge(
        back, old, replica_set(revision="2"), broken, applied=applied, before=("uid-web-1",)
    )
    assert "0 of 1 pods ready" in pending(verdict)


def test_nothing_is_given_up_while_a_watch_lags_behind() -> None:
    applied, details = threading.Event(), FakeDetails()
    applied.set()
    broken = pod(state=waiting("ErrImageNeverPull"))
    wait = ReleaseReady("shop", "shop", applied=applied)
    seen = snapshot(deployment(ready=0), replica_set(), broken, before=("uid-web-1",))
    details.news = "deployment web"
    assert "deployment web" in pending(wait.evaluate(seen, details))  # type: ignore[arg-type]
    details.news = ""
    assert isinstance(wait.evaluate(seen, details), Hopeless)  # type: ignore[arg-type]


def test_deadline_of_the_past_is_not_judged_until_helm_has_applied() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    objects = (deployment(ready=0, conditions=[late]), replica_set(), pod())
    waits = judge(*objects, applied=threading.Event(), before=("uid-web", "uid-web-1"))
    assert isinstance(waits, Pending)
    assert isinstance(judge(*objects, before=("uid-web", "uid-web-1")), Hopeless)


def test_pods_of_an_old_revision_are_not_judged() -> None:
    broken = pod("old", owner="uid-old-rs", state=waiting("ErrImageNeverPull"))
    old = replica_set("old-rs", revision="1")
    new = replica_set(revision="2")
    objects = (deployment(revision="2"), old, new, broken, pod(ready=True))
    assert isinstance(judge(*objects, *without("Deployment", "ReplicaSet", "Pod")), Ready)


def test_two_replicas_say_it_once_and_other_causes_go_along() -> None:
    never = waiting("ErrImageNeverPull")
    config = waiting("CreateContainerConfigError", "runs as root")
    objects = [pod(f"web-{i}", state=never) for i in range(2)] + [pod("web-3", state=config)]
    verdict = judge(deployment(ready=0, replicas=3), replica_set(), *objects)
    assert isinstance(verdict, Hopeless)
    assert len(verdict.others) == 1


def test_pending_says_when_to_look_again() -> None:
    soon = pod(state=waiting("CreateContainerConfigError", 'secret "db" not found'), scheduled=1)
    verdict = judge(deployment(ready=0), replica_set(), soon)
    assert isinstance(verdict, Pending)
    assert verdict.recheck == pytest.approx(3)


def test_progress_deadline() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    verdict = judge(deployment(ready=0, conditions=[late]), replica_set(), pod())
    assert isinstance(verdict, Hopeless)
    assert isinstance(verdict.cause, causes.ProgressDeadlineError)
    assert "pod web-1" in verdict.cause.seen
    unobserved = deployment(ready=0, conditions=[late], generation=2)
    assert isinstance(judge(unobserved, replica_set(), pod()), Pending)


@pytest.mark.parametrize(
    ("message", "seconds", "hopeless"),
    [
        ('pods "x" is forbidden: violates PodSecurity "restricted"', 0, True),
        ('pods "x" is forbidden: exceeded quota: q', 1, False),
        ('pods "x" is forbidden: exceeded quota: q', 6, True),
        ("failed calling webhook: connection refused", 10, False),
    ],
)
def test_refused_pods(message: str, seconds: float, *, hopeless: bool) -> None:
    maker = replica_set(replicas=0)
    told = event(maker, "FailedCreate", message, seconds=seconds)
    verdict = judge(deployment(ready=0, total=0), maker, told)
    assert isinstance(verdict, Hopeless) is hopeless
    if isinstance(verdict, Hopeless):
        assert isinstance(verdict.cause, causes.PodRefusedError)
        assert message in verdict.cause.seen


def test_refusal_of_the_past_is_forgotten() -> None:
    told = event(replica_set(), "FailedCreate", "exceeded quota", seconds=60)
    assert isinstance(judge(*GOOD, told), Ready)


UNPROBED: Object = {"readinessProbe": None}


@pytest.mark.parametrize(
    ("probes", "age", "restarts", "seconds"),
    [
        (UNPROBED, 1, 0, 4),
        (UNPROBED, 6, 0, 0),
        (UNPROBED, 4, 1, 8),
        (UNPROBED | {"livenessProbe": {"periodSeconds": 5, "failureThreshold": 2}}, 4, 0, 11),
        ({}, 0, 0, 0),
        ({}, 2, 1, 10),
    ],
    ids=["young", "old-enough", "restarted", "liveness-only", "probed", "probed-restarted"],
)
def test_ready_has_to_last_where_nobody_asks(
    probes: Object, age: float, restarts: int, seconds: float
) -> None:
    running = {"running": {"startedAt": ago(age)}}
    young = pod(ready=True, state=running, container=probes, restarts=restarts)
    verdict = judge(*without("Pod"), young)
    if seconds == 0:
        assert isinstance(verdict, Ready)
    else:
        assert "main has to run" in pending(verdict)
        assert verdict.recheck == pytest.approx(seconds)  # type: ignore[union-attr]


def test_ready_with_a_failing_liveness_probe_is_not_believed() -> None:
    alive = pod(ready=True, container=UNPROBED)
    told = event(alive, "Unhealthy", "Liveness probe failed: refused", seconds=2)
    assert "and yet: Liveness probe failed" in pending(judge(*without("Pod"), alive, told))
    long_ago = event(alive, "Unhealthy", "Liveness probe failed: refused", seconds=30)
    assert isinstance(judge(*without("Pod"), alive, long_ago), Ready)


def test_ready_has_left_its_startup_probe_behind() -> None:
    alive = pod(ready=True)
    told = event(alive, "Unhealthy", "Startup probe failed: refused", seconds=2)
    assert isinstance(judge(*without("Pod"), alive, told), Ready)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("app:1", "reg.example/library/app:1", True),
        ("me/app:1", "reg.example/me/app:1", True),
        ("app", "app:latest", True),
        ("app:1", "app:2", False),
        ("app:1", "my-app:1", False),
        ("app:1", "me/app:1", False),
        ("app:1", "reg.example/me/app:1", False),
        ("a.example/app:1", "b.example/app:1", False),
        ("localhost:5000/app", "localhost:5000/app:latest", True),
    ],
)
def test_same_image(one: str, other: str, *, same: bool) -> None:
    assert same_image(one, other) is same
    assert same_image(other, one) is same


def test_pods_by_the_image_they_run() -> None:
    found = running_image([pod_of(pod()), pod_of(pod("b", container={"image": "x:1"}))], "x:1")
    assert [p.name for p in found] == ["b"]
