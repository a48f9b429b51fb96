"""Each cause: when it is hopeless at once, when it may recover, and what it says."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from kube_support import FakeDetails, ago, event, pod, snapshot, waiting

from harness.kube import causes
from harness.kube.finding import Finding, Patience
from harness.kube.health import pod_findings
from harness.kube.quantity import Capacity, capacity, parse, requests_of, show
from harness.kube.sockets import Listener, listeners

Object = dict[str, Any]
ENDED = {"exitCode": 1, "reason": "Error", "finishedAt": ago(1)}


def judge(obj: Object, *others: Object, log: tuple[str, ...] = ()) -> list[Finding]:
    return pod_findings(obj, snapshot(obj, *others), Patience(), FakeDetails(*log))  # type: ignore[arg-type]


def unscheduled(message: str, seconds: float) -> list[Object]:
    return [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": ago(seconds),
        }
    ]


@pytest.mark.parametrize(
    ("reason", "message", "scheduled", "hopeless"),
    [
        ("ErrImageNeverPull", "is not present", 0, True),
        ("InvalidImageName", "couldn't parse", 0, True),
        ("ErrImagePull", "repository does not exist or may require: denied", 0, True),
        ("ImagePullBackOff", "ErrImagePull: not found", 0, True),
        ("ErrImagePull", "dial tcp: i/o timeout", 1, False),
        ("ImagePullBackOff", "dial tcp: i/o timeout", 30, True),
    ],
)
def test_image_pull(reason: str, message: str, scheduled: float, *, hopeless: bool) -> None:
    found = judge(pod(state=waiting(reason, message), scheduled=scheduled))[0]
    assert (found.seconds <= 0) is hopeless
    cause = found.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.ImagePullError)
    assert cause.about == "pod/web-1/main"
    assert "shop-api:1" in cause.needed
    assert message in cause.seen


@pytest.mark.parametrize(
    ("log", "restarts", "hopeless"),
    [
        (("cannot go on",), 0, False),
        (("cannot go on",), 1, True),
        (("ModuleNotFoundError: No module named 'x'",), 0, True),
        (("Error: Cannot find module '/app/server.js'",), 0, True),
        (("psycopg.OperationalError: connection refused",), 2, False),
        (("connect ECONNREFUSED 10.0.0.1:5432",), 4, True),
        ((), 0, False),
    ],
    ids=["first", "second", "module", "node-module", "database", "database-long", "silent"],
)
def test_crash_loop_is_judged_by_its_last_words(
    log: tuple[str, ...], restarts: int, *, hopeless: bool
) -> None:
    obj = pod(state=waiting("CrashLoopBackOff"), last=ENDED, restarts=restarts)
    found = judge(obj, log=log)[0]
    assert (found.seconds <= 0) is hopeless
    cause = found.cause(FakeDetails(*log))  # type: ignore[arg-type]
    assert isinstance(cause, causes.CrashLoopError)
    assert (cause.exit_code, cause.reason, cause.log) == (1, "Error", list(log))
    assert "exit code 1, Error" in cause.seen
    assert (f"after {restarts} restart" in cause.seen) is (restarts > 0)
    assert all(line in cause.seen for line in log)


@pytest.mark.parametrize(
    ("code", "log", "hopeless"),
    [
        (78, "DATABASE_URL is not set", True),
        (64, "which file?", True),
        (78, "the host name of DATABASE_URL: Name or service not known", True),
        (127, "sh: migrate: not found", True),
        (2, "serve: error: argument command: invalid choice: 'migrations'", True),
        (2, "Error: No such command 'migrations'.", True),
        (1, "Error: unknown flag: --prot", True),
        (2, "cannot go on", False),
    ],
)
def test_what_was_called_or_set_up_wrongly_is_not_tried_again(
    code: int, log: str, *, hopeless: bool
) -> None:
    obj = pod(state=waiting("CrashLoopBackOff"), last=ENDED | {"exitCode": code})
    assert (judge(obj, log=(log,))[0].seconds <= 0) is hopeless


def test_a_crash_is_told_before_the_kubelet_calls_it_a_loop() -> None:
    state = {"terminated": ENDED}
    assert judge(pod(state=state), log=("cannot go on",))[0].seconds > 0, "it may be chance"
    assert judge(pod(state=state, restarts=1), log=("cannot go on",))[0].seconds <= 0
    assert judge(pod(state=state), log=("ModuleNotFoundError: x",))[0].seconds <= 0
    well = {"terminated": ENDED | {"startedAt": ago(300)}}
    assert judge(pod(state=well, restarts=3), log=("cannot go on",)) == [], "it had run well"
    evicted = pod(state=state, restarts=1, phase="Failed")
    assert judge(evicted, log=("cannot go on",)) == [], "another pod takes its place"
    finite = pod(state=state, restarts=1)
    finite["spec"]["restartPolicy"] = "Never"
    assert judge(finite, log=("cannot go on",)) == []


def test_a_service_that_ends_well_is_told_so() -> None:
    obj = pod(state=waiting("CrashLoopBackOff"), last=ENDED | {"exitCode": 0}, restarts=1)
    assert "foreground" in judge(obj)[0].cause(FakeDetails()).fix  # type: ignore[arg-type]


def test_log_is_only_read_for_what_crashes() -> None:
    details = FakeDetails()
    for obj in (pod(), pod(ready=True), pod(state=waiting("ContainerCreating"))):
        pod_findings(obj, snapshot(obj), Patience(), details)  # type: ignore[arg-type]
    assert details.asked == 0


def test_init_container_may_wait_for_a_database() -> None:
    running = {"state": {"running": {"startedAt": ago(300)}}}
    assert judge(pod(state=waiting("PodInitializing"), init=running)) == []
    again = {
        "state": waiting("CrashLoopBackOff"),
        "lastState": {"terminated": ENDED},
        "restartCount": 2,
    }
    found = judge(pod(state=waiting("PodInitializing"), init=again))
    assert found[0].seconds > 0
    found = judge(pod(state=waiting("PodInitializing"), init=again | {"restartCount": 3}))
    assert found[0].seconds <= 0


def test_out_of_memory_names_the_limit() -> None:
    last = {"exitCode": 137, "reason": "OOMKilled"}
    limits = {"resources": {"limits": {"memory": "256Mi"}}}
    obj = pod(state=waiting("CrashLoopBackOff"), last=last, container=limits)
    found = judge(obj)[0]
    assert found.seconds <= 0
    cause = found.cause(FakeDetails("allocating"))  # type: ignore[arg-type]
    assert isinstance(cause, causes.OutOfMemoryError)
    assert "limit of 256Mi" in cause.seen


def test_killed_again_and_again_with_a_limit_is_most_likely_out_of_memory() -> None:
    last, limits = ENDED | {"exitCode": 137}, {"resources": {"limits": {"memory": "40Mi"}}}
    state = waiting("CrashLoopBackOff")
    found = judge(pod(state=state, last=last, restarts=1, container=limits))[0]
    cause = found.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.OutOfMemoryError)
    assert "most likely" in cause.headline
    unlimited = judge(pod(state=state, last=last, restarts=1))[0]
    assert isinstance(unlimited.cause(FakeDetails()), causes.CrashLoopError)  # type: ignore[arg-type]
    assert judge(pod(state=state, last=last, container=limits))[0].seconds > 0, "it may be chance"


def test_out_of_memory_is_seen_between_two_kills() -> None:
    last = {"exitCode": 137, "reason": "OOMKilled"}
    again = pod(ready=True, restarts=1, last=last, state={"running": {"startedAt": ago(1)}})
    assert judge(again)[0].seconds <= 0
    long_ago = pod(ready=True, restarts=1, last=last, state={"running": {"startedAt": ago(60)}})
    assert judge(long_ago) == []


@pytest.mark.parametrize(
    "state",
    [
        waiting("RunContainerError", 'exec: "/nowhere": no such file or directory'),
        {"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec: /nowhere"}},
    ],
    ids=["waiting", "ended"],
)
def test_command_that_is_not_there(state: Object) -> None:
    found = judge(pod(state=state))[0]
    assert found.seconds <= 0
    cause = found.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.ContainerStartError)
    assert "/nowhere" in cause.seen


@pytest.mark.parametrize(
    ("message", "missing", "patient"),
    [
        ("couldn't find key url in Secret shop/db", "key url in Secret db", True),
        ('secret "db" not found', "secret db", True),
        ('configmap "conf" not found', "configmap conf", True),
        ("container has runAsNonRoot and image will run as root", "", False),
    ],
)
def test_configuration_names_what_is_missing(message: str, missing: str, *, patient: bool) -> None:
    state = waiting("CreateContainerConfigError", message)
    early = judge(pod(state=state, scheduled=1))[0]
    assert (early.seconds > 0) is patient, "a Secret may come a moment later"
    late = judge(pod(state=state, scheduled=10))[0]
    assert late.seconds <= 0
    cause = late.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.ContainerConfigError)
    assert cause.missing == missing
    assert cause.needed.startswith(missing or "all that container main")
    beside = late.cause(FakeDetails("uri", "user"))  # type: ignore[arg-type]
    assert isinstance(beside, causes.ContainerConfigError)
    assert "it has uri, user" in beside.seen


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_what_the_kubelet_has_not_read_yet_is_waited_for(kind: str) -> None:
    message = f"failed to sync {kind} cache: timed out waiting for the condition"
    state = waiting("CreateContainerConfigError", message)
    assert judge(pod(state=state, scheduled=10))[0].seconds > 0
    late = judge(pod(state=state, scheduled=600))[0]
    assert late.seconds <= 0
    assert isinstance(late.cause(FakeDetails()), causes.ContainerConfigError)  # type: ignore[arg-type]


def test_image_pull_tells_the_reason_first_and_what_is_there() -> None:
    words = (
        'failed to pull "x:1": failed to do request: Head "https://x/v2": dial tcp: no such host'
    )
    found = judge(pod(state=waiting("ErrImagePull", words)))[0]
    cause = found.cause(FakeDetails("shop-api:2"))  # type: ignore[arg-type]
    assert cause.headline.endswith("on the node: ErrImagePull: dial tcp: no such host")
    assert words in cause.seen
    assert "a node has shop-api:2" in cause.seen


def test_unschedulable_tells_what_is_asked_and_what_is_free() -> None:
    resources = {"resources": {"requests": {"cpu": "64", "memory": "1Gi"}}}
    obj = pod(
        phase="Pending",
        conditions=unscheduled("0/1 nodes are available: 1 Insufficient cpu.", 5),
        container=resources,
    )
    obj["status"]["containerStatuses"] = []
    found = judge(obj)[0]
    assert found.seconds <= 0
    room = Capacity("node", {"cpu": parse("2"), "memory": parse("4Gi")}, {"cpu": parse("750m")})
    cause = found.cause(FakeDetails(nodes=(room,)))  # type: ignore[arg-type]
    assert isinstance(cause, causes.UnschedulableError)
    assert cause.asked == {"cpu": "64000m", "memory": "1024Mi"}
    assert "node: free cpu 1250m of 2000m, memory 4096Mi of 4096Mi" in cause.seen
    assert "requests" in cause.fix


@pytest.mark.parametrize(
    ("message", "seconds", "others"),
    [
        ("Insufficient cpu", 1, ()),
        ("untolerated taint {node.kubernetes.io/not-ready: }", 20, ()),
        ("pod has unbound immediate PersistentVolumeClaims", 10, ()),
        ("Insufficient cpu", 20, (pod("old", ready=True, deleted=True),)),
    ],
    ids=["just-now", "node-not-ready", "volume", "room-is-being-freed"],
)
def test_unschedulable_may_recover(message: str, seconds: float, others: tuple[Object]) -> None:
    obj = pod(phase="Pending", conditions=unscheduled(message, seconds))
    assert judge(obj, *others)[0].seconds > 0


def test_volume_that_cannot_be_mounted() -> None:
    obj = pod(phase="Pending", state=waiting("ContainerCreating"))
    words = 'MountVolume.SetUp failed for volume "v" : secret "db" not found'
    assert judge(obj, event(obj, "FailedMount", words, seconds=1))[0].seconds > 0
    found = judge(obj, event(obj, "FailedMount", words, seconds=6))[0]
    assert found.seconds <= 0
    cause = found.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.VolumeMountError)
    assert "secret db" in cause.needed


def test_sandbox_that_cannot_be_made() -> None:
    obj = pod(phase="Pending", state=waiting("ContainerCreating"))
    told = event(obj, "FailedCreatePodSandBox", "cni plugin not initialized", seconds=40)
    cause = judge(obj, told)[0].cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.SandboxError)
    assert "cni" in cause.seen
    words = 'no runtime for "gvisor" is configured'
    found = judge(obj, event(obj, "FailedCreatePodSandBox", words, seconds=1))[0]
    assert found.seconds <= 0, "no time installs a runtime"
    assert "runtimeClassName" in found.cause(FakeDetails()).fix  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "hopeless"),
    [
        ("HTTP probe failed with statuscode: 404", True),
        ('malformed HTTP response "\\x15\\x03\\x01"', True),
        ('exec: "pg_isready": executable file not found in $PATH', True),
        ("HTTP probe failed with statuscode: 503", False),
        ("dial tcp 10.244.0.9:8000: connect: connection refused", False),
    ],
)
def test_readiness_is_hopeless_only_when_no_dependency_can_mend_it(
    answer: str, *, hopeless: bool
) -> None:
    obj = pod()
    found = judge(obj, event(obj, "Unhealthy", f"Readiness probe failed: {answer}"))
    assert bool(found and found[0].seconds <= 0) is hopeless
    if hopeless:
        cause = found[0].cause(FakeDetails("GET /nope 404"))  # type: ignore[arg-type]
        assert isinstance(cause, causes.ProbeFailingError)
        assert (cause.probe, cause.log) == ("Readiness", ["GET /nope 404"])
        assert answer in cause.seen


def test_readiness_404_is_tolerated_while_routes_may_come() -> None:
    obj = pod(state={"running": {"startedAt": ago(3)}})
    found = judge(obj, event(obj, "Unhealthy", "Readiness probe failed: statuscode: 404"))
    assert found[0].seconds == pytest.approx(4)


REFUSED = "Readiness probe failed: dial tcp 10.0.0.9:8000: connect: connection refused"
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 91
   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 92
   2: 0200000A:9C40 0900000A:1538 01 00000000:00000000 02:000005DC 00000000  1000        0 93
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0000:0000
"""


def test_listeners_are_read_from_the_pods_own_table() -> None:
    assert [str(one) for one in listeners(TABLE)] == ["0.0.0.0:3000", "127.0.0.1:8000", "[::]:8080"]
    assert [one.port for one in listeners(TABLE) if one.local] == [8000]


@pytest.mark.parametrize(
    ("sockets", "log", "ports", "age", "hopeless", "again"),
    [
        (None, (), (), 20, False, None),
        ((), (), (), 20, False, 2),
        ((Listener(3000, "0.0.0.0"),), (), (), 5, False, 2),
        ((Listener(3000, "0.0.0.0"),), (), (), 20, False, 10),
        ((Listener(3000, "0.0.0.0"),), (), (), 31, True, None),
        ((Listener(3000, "0.0.0.0"),), ("serving on http://[::]:3000",), (), 9, True, None),
        ((Listener(3000, "0.0.0.0"),), ("took 3000 ms",), (), 9, False, 21),
        ((Listener(3000, "0.0.0.0"),), ("running on port 30001",), (), 9, False, 21),
        ((Listener(3000, "0.0.0.0"),), (), (3000,), 9, True, None),
        ((Listener(8000, "127.0.0.1"),), (), (), 2, False, 1),
        ((Listener(8000, "127.0.0.1"),), (), (), 4, True, None),
        ((Listener(8000, "0.0.0.0"),), (), (), 9, False, 2),
    ],
    ids=["no-cat", "slow", "young", "unspoken", "unspoken-long", "logged", "other-number",
         "longer-number", "declared", "localhost-young", "localhost", "just-now"],
)  # fmt: skip
def test_wrong_port_is_told_from_a_slow_start(
    sockets: tuple[Listener, ...] | None,
    log: tuple[str, ...],
    ports: tuple[int, ...],
    age: float,
    again: float | None,
    *,
    hopeless: bool,
) -> None:
    declared = {"ports": [{"containerPort": port} for port in ports]}
    obj = pod(state={"running": {"startedAt": ago(age)}}, container=declared)
    details = FakeDetails(*log)
    details.sockets = sockets
    objects = snapshot(obj, event(obj, "Unhealthy", REFUSED))
    found = pod_findings(obj, objects, Patience(), details)  # type: ignore[arg-type]
    assert bool(found and found[0].seconds <= 0) is hopeless
    if again is not None:
        assert found[0].seconds == pytest.approx(again)
    if hopeless:
        cause = found[0].cause(details)  # type: ignore[arg-type]
        assert isinstance(cause, causes.ProbePortError)
        assert (cause.port, cause.listening) == (8000, sockets)
        assert "8000" in cause.headline
        assert str((sockets or ())[0]) in cause.headline


def test_another_containers_listener_says_nothing_of_a_wrong_port() -> None:
    obj = pod(state={"running": {"startedAt": ago(60)}})
    obj["spec"]["containers"].append({"name": "side"})
    obj["status"]["containerStatuses"].append({"name": "side", "state": {"running": {}}})
    details = FakeDetails()
    details.sockets = (Listener(15001, "0.0.0.0"),)
    objects = snapshot(obj, event(obj, "Unhealthy", REFUSED))
    assert pod_findings(obj, objects, Patience(), details)[0].seconds > 0  # type: ignore[arg-type]


def test_memory_that_does_not_suffice_for_the_start() -> None:
    words = "runc create failed: container init was OOM-killed (memory limit too low?)"
    limits = {"resources": {"limits": {"memory": "8Mi"}}}
    found = judge(pod(state=waiting("RunContainerError", words), container=limits))[0]
    assert found.seconds <= 0
    cause = found.cause(FakeDetails())  # type: ignore[arg-type]
    assert isinstance(cause, causes.OutOfMemoryError)
    assert "8Mi, before its command began" in cause.seen


def test_killed_twice_by_its_liveness_probe_though_it_is_called_ready() -> None:
    obj = pod(ready=True, restarts=1, state={"running": {"startedAt": ago(10)}})
    killed = "Container main failed liveness probe, will be restarted"
    answer = event(obj, "Unhealthy", "Liveness probe failed: connection refused", seconds=2)
    assert judge(obj, answer, event(obj, "Killing", killed)) == []
    found = judge(obj, answer, event(obj, "Killing", killed, count=2))[0]
    assert found.seconds <= 0
    assert isinstance(found.cause(FakeDetails()), causes.ProbeFailingError)  # type: ignore[arg-type]


def test_killed_twice_and_well_since_then() -> None:
    obj = pod(ready=True, restarts=2, state={"running": {"startedAt": ago(10)}})
    killed = "Container main failed startup probe, will be restarted"
    answer = event(obj, "Unhealthy", "Startup probe failed: connection refused", seconds=15)
    assert judge(obj, answer, event(obj, "Killing", killed, count=2)) == []


def test_pods_of_jobs_are_the_jobs_matter() -> None:
    obj = pod(owner_kind="Job", state=waiting("CrashLoopBackOff"), last=ENDED, restarts=9)
    assert judge(obj) == []


def test_what_is_going_away_or_done_is_not_judged() -> None:
    state = waiting("ErrImageNeverPull")
    assert judge(pod(state=state, deleted=True)) == []
    assert judge(pod(state=state, phase="Succeeded")) == []


def test_causes_survive_pickling() -> None:
    obj = pod(state=waiting("CrashLoopBackOff"), last=ENDED, restarts=1)
    cause = judge(obj)[0].cause(FakeDetails("boom"))  # type: ignore[arg-type]
    again = pickle.loads(pickle.dumps(cause))
    assert isinstance(again, causes.CrashLoopError)
    assert (again.log, str(again)) == (["boom"], str(cause))


@pytest.mark.parametrize(
    ("text", "amount", "shown"),
    [("100m", "0.1", "100m"), ("2", "2", "2000m"), ("1e1", "10", "10000m"), ("0.5", "0.5", "500m")],
)
def test_quantities_of_cpu(text: str, amount: str, shown: str) -> None:
    assert parse(text) == parse(amount)
    assert show("cpu", parse(text)) == shown


def test_quantities_of_memory() -> None:
    assert show("memory", parse("256Mi")) == "256Mi"
    assert show("memory", parse("1G")) == "954Mi"
    with pytest.raises(ValueError, match="lots"):
        parse("lots")


def test_free_room_counts_what_runs() -> None:
    node = {"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}
    used = pod(container={"resources": {"requests": {"cpu": "300m"}}})
    used["spec"]["nodeName"] = "n"
    done = pod("done", phase="Succeeded", container={"resources": {"requests": {"cpu": "1"}}})
    done["spec"]["nodeName"] = "n"
    assert capacity([node], [used, done])[0].free("cpu") == parse("1700m")


def test_a_pod_asks_for_its_largest_init_container() -> None:
    obj = pod(container={"resources": {"requests": {"cpu": "100m"}}})
    obj["spec"]["initContainers"] = [{"name": "i", "resources": {"requests": {"cpu": "1"}}}]
    assert requests_of(obj)["cpu"] == parse("1")
