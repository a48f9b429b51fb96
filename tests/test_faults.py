"""Faults: they take hold or say so, they undo themselves, and they describe themselves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi, endpoints, pod, service

from harness.clusters.errors import ClusterMissingError
from harness.clusters.untouched import Untouched
from harness.command import Completed
from harness.errors import DeployError
from harness.faults import container as killing
from harness.faults import service as services
from harness.faults.container import KilledContainer, NotRunningError
from harness.faults.context import BrokenContext
from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.faults.pod import DeletedPod
from harness.faults.room import TooLarge
from harness.faults.service import WrongSelector, WrongTargetPort
from harness.kube.causes import UnschedulableError
from harness.kube.client import Kube
from harness.kube.pods import pod_of
from harness.kube.resources import NAMESPACE
from harness.labels import MANAGED

BASE = "/api/v1/namespaces/shop"
PODS, SERVICES, EVENTS = f"{BASE}/pods", f"{BASE}/services", f"{BASE}/events"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"


class Switch(Fault):
    """A fault that can fail anywhere."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.did = fails, list[str]()

    def describe(self) -> str:
        return "the switch is off"

    def _break(self) -> None:
        self._do("break")

    def _check(self) -> None:
        self._do("check")

    def _mend(self) -> None:
        self._do("mend")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what == self.fails:
            raise DeployError(needed=what, seen="it fails", looked="here", fix="-")


def test_a_fault_ends_with_its_block() -> None:
    switch = Switch()
    with switch:
        assert switch.did == ["break", "check"]
    assert switch.did == ["break", "check", "mend"]


def test_a_fault_ends_once() -> None:
    switch = Switch()
    with switch:
        switch.end()
        switch.end()
    assert switch.did == ["break", "check", "mend"]
    Switch().end()


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_a_fault_ends_when_the_scenario_fails(error: type[BaseException]) -> None:
    switch = Switch()
    with pytest.raises(error), switch:
        raise error
    assert switch.did[-1] == "mend"


@pytest.mark.parametrize("fails", ["break", "check"])
def test_a_fault_that_fails_on_its_way_in_is_undone(fails: str) -> None:
    switch = Switch(fails)
    with pytest.raises(DeployError, match=fails), switch:
        pytest.fail("the block was entered")
    assert switch.did[-1] == "mend"


def test_a_fault_that_stays_says_so() -> None:
    with pytest.raises(DeployError) as raised, Switch("mend"):
        pass
    assert "may still be there: the switch is off" in str(raised.value)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, SERVICES: {}, SLICES: {}, EVENTS: {}}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def leads_to(*ports: int) -> dict[str, Any]:
    slices = endpoints("web", *(["10.0.0.1"] if ports else []))
    return slices | {"ports": [{"port": port} for port in ports]}


@pytest.fixture
def web(api: FakeApi) -> FakeApi:
    """A Service that leads to one pod by the name of its port."""
    api.put(SERVICES, service("web", ports=[{"port": 80, "targetPort": "http"}]))
    api.put(SLICES, leads_to(8000))
    return api


@pytest.fixture
def endpoint_controller(web: FakeApi) -> Iterator[None]:
    """The endpoints follow the Service, as the cluster's controller has them."""
    stop = threading.Event()

    def follow() -> None:
        done: Any = None
        while not stop.wait(0.02):
            spec = web.objects[SERVICES]["web"]["spec"]
            if spec is done:
                continue
            done = spec
            target = spec["ports"][0]["targetPort"]
            found = spec["selector"] == {"app": "web"}
            web.put(SLICES, leads_to(*([8000 if target == "http" else target] if found else [])))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(5)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        (WrongSelector, {"selector": {"app": "nobody-has-this-label"}}),
        (WrongTargetPort, {"ports": [{"port": 80, "targetPort": 8001}]}),
    ],
)
@pytest.mark.usefixtures("endpoint_controller")
def test_a_service_is_broken_and_put_right(
    web: FakeApi, client: Kube, kind: type[Fault], spec: dict[str, Any]
) -> None:
    good = web.objects[SERVICES]["web"]["spec"]
    fault: Any = kind(client, "shop", "web")  # type: ignore[call-arg]
    with fault:
        assert web.objects[SERVICES]["web"]["spec"] == good | spec
    assert web.objects[SERVICES]["web"]["spec"] == good
    assert "service web" in fault.describe()


def test_a_service_whose_endpoints_do_not_follow(
    web: FakeApi, client: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_SHOWS", 0.2)
    good = web.objects[SERVICES]["web"]["spec"]
    with pytest.raises(FaultWithoutEffectError) as raised:
        WrongSelector(client, "shop", "web").__enter__()
    assert "to lead to nobody" in raised.value.needed
    assert "port 8000" in raised.value.seen
    assert web.objects[SERVICES]["web"]["spec"] == good


def running(**more: Any) -> dict[str, Any]:
    obj = pod(ready=True, **more)
    obj["status"]["containerStatuses"][0]["containerID"] = "containerd://c0ffee"
    return obj


def on_node(api: FakeApi, asked: list[tuple[str, ...]], *, dies: bool) -> killing.RunOnNode:
    def run(*argv: str, timeout: float = 60) -> Completed:
        asked.append(argv)
        if argv[0] == "kill" and dies:
            api.put(PODS, running(restarts=1))
        return Completed(argv, 0, json.dumps({"info": {"pid": 4711}}), "", timeout)

    return run


def test_a_container_is_killed_from_outside_and_its_pod_replaced(
    api: FakeApi, client: Kube
) -> None:
    api.put(PODS, running())
    asked: list[tuple[str, ...]] = []
    kill = KilledContainer(client, on_node(api, asked, dies=True), pod_of(running()))
    with kill:
        assert asked == [
            ("crictl", "inspect", "--output", "json", "c0ffee"),
            ("kill", "-KILL", "4711"),
        ]
        assert kill.wait_until_ready(5).restarts == 1
        assert kill.seconds > 0
        threading.Timer(0.3, lambda: api.put(PODS, pod("web-2", ready=True))).start()
    assert list(api.objects[PODS]) == ["web-2"]


def test_a_container_that_survives_the_signal(
    api: FakeApi, client: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing, "_SHOWS", 0.2)
    api.put(PODS, running())
    kill = KilledContainer(client, on_node(api, [], dies=False), pod_of(running()))
    with pytest.raises(FaultWithoutEffectError, match="web-1/main is killed"):
        kill.__enter__()
    assert list(api.objects[PODS]) == ["web-1"]


def test_a_container_that_does_not_run_is_not_killed(api: FakeApi, client: Kube) -> None:
    asked: list[tuple[str, ...]] = []
    waiting = api.put(PODS, pod(state={"waiting": {"reason": "CrashLoopBackOff"}}))
    kill = KilledContainer(client, on_node(api, asked, dies=True), pod_of(waiting))
    with pytest.raises(NotRunningError, match="CrashLoopBackOff"):
        kill.__enter__()
    assert asked == []
    assert list(api.objects[PODS]) == ["web-1"]


def test_a_deleted_pod_is_waited_for(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod(ready=True))
    with DeletedPod(client, pod_of(api.objects[PODS]["web-1"])) as deleted:
        assert "web-1" not in api.objects[PODS]
        threading.Timer(0.2, lambda: api.put(PODS, pod("web-2", ready=True))).start()
        assert deleted.wait_until_replaced(5).name == "web-2"
    assert deleted.seconds >= 0.2


def test_a_pod_that_is_not_deleted(api: FakeApi, client: Kube) -> None:
    stays = api.put(PODS, pod(ready=True))
    fault = DeletedPod(client, pod_of(stays))
    with pytest.raises(FaultWithoutEffectError, match="pod web-1 is deleted"):
        fault._check()


NODES, SPACES = "/api/v1/nodes", "/api/v1/namespaces"


class NoRoom:
    """A rollout that ends as the scheduler has it end, or well."""

    def __init__(self, client: Kube, error: DeployError | None) -> None:
        self.client, self.error = client, error
        self.asked: Any = None

    def run(self, chart: Path, release: str, namespace: str, values: Any) -> float:
        assert (chart, release) == (Path("chart"), "shop")
        self.asked = values
        ensure = {"kind": "Namespace", "metadata": {"name": namespace, "labels": {MANAGED: "true"}}}
        self.client.create(NAMESPACE, ensure)
        if self.error:
            raise self.error
        return 1.0


@pytest.fixture
def node(api: FakeApi) -> FakeApi:
    """A cluster of one node, with 4 GiB of memory."""
    api.objects |= {NODES: {}, SPACES: {}, "/api/v1/pods": {}}
    room = {"cpu": "2", "memory": "4Gi"}
    api.put(NODES, {"kind": "Node", "metadata": {"name": "one"}, "status": {"allocatable": room}})
    return api


def too_large(client: Kube, error: DeployError | None) -> tuple[TooLarge, NoRoom]:
    rollout = NoRoom(client, error)
    as_given: Any = rollout

    def values(memory: str) -> dict[str, str]:
        return {"memory": memory}

    return TooLarge(as_given, client, Path("chart"), "shop", "beside", values), rollout


def test_more_than_any_node_has_is_asked_for(node: FakeApi, client: Kube) -> None:
    fault, rollout = too_large(client, UnschedulableError(pod(), "0/1 nodes: too small", []))
    with fault:
        assert fault.cause is rollout.error
        assert rollout.asked == {"memory": "5120Mi"}
        assert "5120Mi" in fault.describe()
        assert "beside" in node.objects[SPACES]
    assert node.objects[SPACES] == {}


def test_more_than_any_node_has_and_yet_there_is_room(node: FakeApi, client: Kube) -> None:
    fault, _ = too_large(client, None)
    with pytest.raises(FaultWithoutEffectError, match="it was rolled out"):
        fault.__enter__()
    assert node.objects[SPACES] == {}


def test_a_rollout_that_fails_otherwise_is_not_taken_for_it(node: FakeApi, client: Kube) -> None:
    other = DeployError(needed="Helm", seen="gone", looked="-", fix="-")
    with pytest.raises(DeployError, match="gone"):
        too_large(client, other)[0].__enter__()
    assert node.objects[SPACES] == {}


def test_a_cluster_that_nobody_may_touch_tells_who_would_have() -> None:
    cluster = Untouched("nowhere")
    assert cluster.ensure().name == "nowhere"
    assert cluster.touched == []
    for use in (lambda: cluster.load(["app:1"]), lambda: cluster.endpoint(30080)):
        with pytest.raises(ClusterMissingError, match="nowhere"):
            use()
    assert cluster.touched == ["load app:1", "reach port 30080"]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "node_modules" / "big.js").write_text("big")
    (folder / "Dockerfile").write_text("FROM base\nRUN true\nRUN true\n")
    (folder / ".dockerignore").write_text("node_modules\n.dockerignore\n")
    (folder / "app.lock").write_text("a==1\nb==2\n")
    return folder


def test_a_context_without_a_file(context: Path) -> None:
    with BrokenContext(context, "Dockerfile", "app.lock") as broken:
        assert sorted(file.name for file in broken.folder.iterdir()) == [
            ".dockerignore",
            "Dockerfile",
        ]
        assert broken.describe() == "app.lock is missing"
    assert not broken.folder.exists()
    assert (context / "app.lock").is_file()


def test_a_context_with_another_line(context: Path) -> None:
    with BrokenContext(context, "Dockerfile", "Dockerfile", r"^RUN ", "RUNN ") as broken:
        assert (broken.folder / "Dockerfile").read_text() == "FROM base\nRUNN true\nRUN true\n"
    assert "RUNN" not in (context / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("file", "pattern", "seen"),
    [
        ("no-such-file", "", "do not have this file"),
        ("app.lock", "^c==", "as it was"),
    ],
)
def test_a_defect_that_is_none(context: Path, file: str, pattern: str, seen: str) -> None:
    fault = BrokenContext(context, "Dockerfile", file, pattern, "x")
    with pytest.raises(FaultWithoutEffectError, match=seen):
        fault.__enter__()
    assert not fault.folder.exists()
