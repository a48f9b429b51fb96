"""Nodes that are drained or lost: the cluster notices, and afterwards they are what they were."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kube_support import CONTEXT, FakeApi, FakeDetails, pod, snapshot

from harness.command import CommandFailedError
from harness.faults import node as faults
from harness.faults.fault import FaultWithoutEffectError
from harness.faults.node import DrainedNode, LostNode
from harness.kube.client import Kube
from harness.kube.nodes import NodeReady, NothingEnding, RunElsewhere, node_of, nodes
from harness.kube.selection import INSTANCE
from harness.kube.waits import Pending, Ready
from harness.labels import MANAGED

NODES, PODS = "/api/v1/nodes", "/api/v1/pods"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects[PODS] = {}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Kube:
    return api.client(tmp_path)


def node(name: str = "worker", ready: str = "True", **spec: Any) -> dict[str, Any]:
    return {
        "kind": "Node",
        "metadata": {"name": name},
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": ready, "message": "as told"}],
            "addresses": [
                {"type": "Hostname", "address": name},
                {"type": "InternalIP", "address": "172.18.0.3"},
            ],
        },
    }


def on(where: str, name: str, **more: Any) -> dict[str, Any]:
    obj = pod(name, **more)
    obj["spec"]["nodeName"] = where
    return obj


class TestNodes:
    @pytest.mark.parametrize(
        ("obj", "takes"),
        [
            (node(), True),
            (node(ready="Unknown"), False),
            (node(unschedulable=True), False),
            (node(taints=[{"key": "k", "effect": "NoSchedule"}]), False),
            (node(taints=[{"key": "k", "effect": "NoExecute"}]), False),
            (node(taints=[{"key": "k", "effect": "PreferNoSchedule"}]), True),
        ],
    )
    def test_which_takes_pods(self, obj: dict[str, Any], *, takes: bool) -> None:
        assert node_of(obj).takes_pods is takes
        assert node_of(obj).address == "172.18.0.3"

    def test_all_by_name(self, api: FakeApi, client: Kube) -> None:
        for name in ("b", "a"):
            api.put(NODES, node(name))
        assert [one.name for one in nodes(client)] == ["a", "b"]

    def test_readiness_and_its_loss_are_waited_for(self) -> None:
        there, lost = NodeReady("worker", ready=True), NodeReady("worker", ready=False)
        details: Any = FakeDetails()
        for status, known in (("True", there), ("Unknown", lost), ("False", lost)):
            seen = snapshot(node(ready=status))
            other = lost if known is there else there
            assert isinstance(known.evaluate(seen, details), Ready)
            pending = other.evaluate(seen, details)
            assert isinstance(pending, Pending)
            assert status in pending.seen
            assert "as told" in pending.seen
        assert isinstance(lost.evaluate(snapshot(), details), Ready)

    def test_node_that_is_ready_and_still_tainted_is_waited_for(self) -> None:
        details: Any = FakeDetails()
        taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        pending = NodeReady("worker", ready=True).evaluate(snapshot(node(taints=[taint])), details)
        assert isinstance(pending, Pending)
        assert "node.kubernetes.io/unreachable:NoExecute" in pending.seen

    def test_pods_elsewhere(self) -> None:
        details: Any = FakeDetails()
        wait = RunElsewhere({INSTANCE: "shop"}, "worker", 2)
        here, ending = on("worker", "a", ready=True), on("worker2", "b", ready=True, deleted=True)
        one, two = on("worker2", "c", ready=True), on("worker3", "d", ready=True)
        other = on("worker2", "e", ready=True, labels={INSTANCE: "else"})
        weak = on("worker2", "f")
        assert isinstance(wait.evaluate(snapshot(one, two), details), Ready)
        pending = wait.evaluate(snapshot(here, ending, one, other, weak), details)
        assert isinstance(pending, Pending)
        assert "pod f" in pending.seen

    def test_pods_that_are_ending(self) -> None:
        details: Any = FakeDetails()
        wait = NothingEnding("worker")
        ending, elsewhere = on("worker", "a", deleted=True), on("worker2", "b", deleted=True)
        assert isinstance(wait.evaluate(snapshot(ending), details), Pending)
        assert isinstance(wait.evaluate(snapshot(elsewhere, on("worker", "c")), details), Ready)
        assert isinstance(NothingEnding().evaluate(snapshot(elsewhere), details), Pending)
        assert isinstance(NothingEnding().evaluate(snapshot(on("worker", "c")), details), Ready)


def kubectl(folder: Path, said: str = "", code: int = 0) -> Path:
    """Make a kubectl that notes how it was called, and drains nothing."""
    file = folder / "kubectl"
    file.write_text(
        f"#!{sys.executable} -SE\nimport sys\n"
        f"open({str(folder / 'called')!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"sys.stderr.write({said!r})\nsys.exit({code})\n"
    )
    file.chmod(0o755)
    return file


class TestDrained:
    def test_by_kubectl_on_the_cluster_that_is_meant(
        self, api: FakeApi, client: Kube, tmp_path: Path
    ) -> None:
        api.put(NODES, node(unschedulable=True))
        system = on("worker", "proxy")
        system["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "controller": True}]
        api.put(PODS, system)
        with DrainedNode(client, kubectl(tmp_path), "worker", 30) as fault:
            assert "worker is drained" in fault.describe()
            called = (tmp_path / "called").read_text().splitlines()
            assert called[:4] == [
                f"--kubeconfig={client.kubeconfig}",
                f"--context={CONTEXT}",
                "drain",
                "worker",
            ]
            assert f"--pod-selector=!{MANAGED}" in called
            assert "--timeout=30s" in called
            assert "--force" not in called
        assert "unschedulable" not in api.objects[NODES]["worker"]["spec"]

    @pytest.mark.parametrize("left", ["pods", "taken"])
    def test_one_that_is_not_empty_proves_nothing(
        self, api: FakeApi, client: Kube, tmp_path: Path, left: str
    ) -> None:
        api.put(NODES, node(unschedulable=left != "taken"))
        if left == "pods":
            api.put(PODS, on("worker", "web-1"))
        fault = DrainedNode(client, kubectl(tmp_path), "worker", 30)
        with pytest.raises(FaultWithoutEffectError, match="web-1" if left == "pods" else "True"):
            fault.__enter__()
        assert not api.objects[NODES]["worker"]["spec"].get("unschedulable")

    def test_refusal_is_told_and_the_node_given_back(
        self, api: FakeApi, client: Kube, tmp_path: Path
    ) -> None:
        api.put(NODES, node(unschedulable=True))
        said = "Cannot evict pod as it would violate the pod's disruption budget."
        fault = DrainedNode(client, kubectl(tmp_path, said, 1), "worker", 5)
        with pytest.raises(CommandFailedError, match="disruption budget"):
            fault.__enter__()
        assert "unschedulable" not in api.objects[NODES]["worker"]["spec"]


@dataclass
class FakeMachine:
    """A node whose loss the cluster notices, or does not."""

    api: FakeApi
    name: str = "worker"
    noticed: bool = True
    did: list[str] = field(default_factory=list)

    def pause(self) -> None:
        self.did.append("pause")
        if self.noticed:
            threading.Timer(0.1, self.api.put, (NODES, node(self.name, "Unknown"))).start()

    def resume(self) -> None:
        self.did.append("resume")
        threading.Timer(0.1, self.api.put, (NODES, node(self.name))).start()
        for name in list(self.api.objects[PODS]):
            threading.Timer(0.2, self.api.remove, (PODS, name)).start()


class TestLost:
    def test_noticed_and_back_without_what_was_moved(self, api: FakeApi, client: Kube) -> None:
        api.put(NODES, node())
        machine = FakeMachine(api)
        with LostNode(client, machine) as fault:
            assert machine.did == ["pause"]
            assert api.objects[NODES]["worker"]["status"]["conditions"][0]["status"] == "Unknown"
            assert fault.lost_at
            api.put(PODS, on("worker", "web-1", deleted=True))
        assert machine.did == ["pause", "resume"]
        assert api.objects[NODES]["worker"]["status"]["conditions"][0]["status"] == "True"
        assert api.objects[PODS] == {}

    def test_unnoticed_loss_proves_nothing_and_is_undone(
        self, api: FakeApi, client: Kube, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(faults, "_SEEN", 0.3)
        api.put(NODES, node())
        machine = FakeMachine(api, noticed=False)
        with pytest.raises(FaultWithoutEffectError, match="worker is lost"):
            LostNode(client, machine).__enter__()
        assert machine.did == ["pause", "resume"]
