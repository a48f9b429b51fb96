"""A kind cluster of several nodes: made, joined, woken and looked at as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clusters_support import IMAGE_ID, NAME, NODE, World
from kube_support import FakeApi

from harness.clusters import kind_config
from harness.clusters.errors import (
    ClusterMissingError,
    ForeignClusterError,
    PodNetworkError,
    PodNetworkUnreadError,
)
from harness.clusters.kind_fault import of_number
from harness.clusters.pod_network import CONFIGURATION
from harness.labels import MANAGED
from harness.supply import nodeassembly

WORKER, WORKER2 = f"{NAME}-worker", f"{NAME}-worker2"
#: As our own node image has it.
CONFLIST = (nodeassembly.RECIPE / f"rootfs{CONFIGURATION}").read_text()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    api = FakeApi()
    world = World(tmp_path / "world", api, nodes=3)
    world.books.change(conflist=CONFLIST)
    yield world
    api.close()


def created(world: World) -> list[str]:
    words = [call[0] for call in world.books.calls("kind")]
    return [word for word in words if word not in ("get", "export")]


def test_all_are_made_and_used_again(world: World) -> None:
    assert world.provider().ensure().created
    nodes = world.books.read()["containers"]
    assert list(nodes) == [NODE, WORKER, WORKER2]
    for node in nodes.values():
        assert node["Config"]["Labels"][MANAGED] == "true"
        assert any("REJECT" in mark for mark in node["marks"]), "it lets unknown ports pass"
    created(world)
    assert not world.provider().ensure().created
    assert created(world) == []


def test_each_node_has_its_part_of_the_network_and_routes_to_the_others(world: World) -> None:
    world.provider().ensure()
    nodes = world.books.read()["containers"]
    for number, name in enumerate((NODE, WORKER, WORKER2)):
        conflist = json.loads(nodes[name]["files"][CONFIGURATION])
        ranges = conflist["plugins"][0]["ipam"].pop("ranges")
        assert ranges == [[{"subnet": f"10.244.{number}.0/24"}]]
        before = json.loads(CONFLIST)
        del before["plugins"][0]["ipam"]["ranges"]
        assert conflist == before, "more than the subnet was changed"
    assert nodes[NODE]["routes"] == [
        "route replace 10.244.1.0/24 via 172.18.0.3",
        "route replace 10.244.2.0/24 via 172.18.0.4",
    ]
    assert len(nodes[WORKER]["routes"]) == 2


def test_routes_follow_addresses_that_changed(world: World) -> None:
    world.provider().ensure()
    networks = {"Networks": {"kind": {"IPAddress": "172.18.0.77"}}}
    books = world.books.read()
    books["containers"][WORKER]["NetworkSettings"] = networks
    world.books.write(books)
    assert not world.provider().ensure().created
    routes = world.books.read()["containers"][NODE]["routes"]
    assert "route replace 10.244.1.0/24 via 172.18.0.77" in routes


def test_node_image_with_a_network_of_its_own_is_left_alone(world: World) -> None:
    world.books.change(conflist="")
    world.provider().ensure()
    assert "routes" not in world.books.read()["containers"][WORKER]


def test_node_without_a_part_of_the_network_is_named(world: World) -> None:
    world.api.objects["/api/v1/nodes"][WORKER2]["spec"] = {}
    with pytest.raises(PodNetworkError, match=WORKER2):
        world.provider().ensure()


def test_runtime_that_does_not_read_its_part_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.clusters.pod_network._READ", 0.3)
    world.books.change(deaf=True)
    with pytest.raises(PodNetworkUnreadError, match=r"10\.244\."):
        world.provider().ensure()


@pytest.mark.parametrize(("had", "wanted"), [(1, 3), (3, 1), (3, 2)])
def test_another_number_of_nodes_is_another_cluster(world: World, had: int, wanted: int) -> None:
    world.provider(nodes=had).ensure()
    created(world)
    assert world.provider(nodes=wanted).ensure().created
    assert created(world) == ["delete", "create"]
    assert len(world.books.read()["containers"]) == wanted


def test_number_is_said() -> None:
    names = [NODE, WORKER, WORKER2]
    assert of_number(names, names) is None
    assert "wanted: 3, and it has 1" in of_number(names, names[:1]).why  # type: ignore[union-attr]
    assert f"only {WORKER}" in of_number(names, [WORKER]).why  # type: ignore[union-attr]
    assert of_number(names, []).why == ""  # type: ignore[union-attr]


def test_stopped_and_woken_together(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    provider.stop()
    states = [node["State"] for node in world.books.read()["containers"].values()]
    assert [state["Running"] for state in states] == [False] * 3
    with pytest.raises(ClusterMissingError):
        provider.load(["app:1"])
    assert not provider.ensure().created
    nodes = world.books.read()["containers"]
    assert [node["State"]["Running"] for node in nodes.values()] == [True] * 3
    for node in nodes.values():
        assert "systemctl restart kubelet" in node["marks"], "it pauses before it asks again"
    assert any("REDIRECT" in mark for mark in nodes[NODE]["marks"])
    assert not any("REDIRECT" in mark for mark in nodes[WORKER]["marks"])


@pytest.mark.parametrize("state", [{"Running": False}, {"Running": True, "Paused": True}])
def test_one_that_was_lost_is_brought_back(world: World, state: dict[str, bool]) -> None:
    provider = world.provider()
    provider.ensure()
    books = world.books.read()
    books["containers"][WORKER]["State"] = state
    # What runs on has had nothing new to say for a while, and need not.
    for name in (NODE, WORKER2):
        conditions = world.api.objects["/api/v1/nodes"][name]["status"]["conditions"]
        conditions[0]["lastHeartbeatTime"] = "2020-01-01T00:00:00Z"
    world.books.write(books)
    created(world)
    assert not provider.ensure().created
    assert created(world) == []
    state = world.books.read()["containers"][WORKER]["State"]
    assert state["Running"]
    assert not state.get("Paused")


def test_worker_is_a_machine_that_can_be_lost_and_the_control_plane_is_none(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    assert provider.machine(NODE) is None
    assert provider.machine("somebody-elses") is None
    machine = provider.machine(WORKER)
    assert machine is not None
    machine.pause()
    assert world.books.read()["containers"][WORKER]["State"]["Paused"]
    machine.resume()
    machine.resume()
    assert not world.books.read()["containers"][WORKER]["State"]["Paused"]


def test_program_is_run_on_the_node_that_is_named(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    world.books.calls("docker")
    provider.on_node("touch", "/here", node=WORKER2)
    provider.on_node("touch", "/there")
    runs = [call[1:] for call in world.books.calls("docker") if call[0] == "exec"]
    assert runs == [[WORKER2, "touch", "/here"], [NODE, "touch", "/there"]]


def test_worker_of_somebody_else_is_left_alone(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    books = world.books.read()
    books["containers"][WORKER]["Config"] = {"Labels": {}}
    world.books.write(books)
    created(world)
    for act in (provider.ensure, provider.delete):
        with pytest.raises(ForeignClusterError, match=WORKER):
            act()
    provider.stop()
    assert world.books.read()["containers"][NODE]["State"]["Running"]
    assert created(world) == []


def test_all_are_deleted(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    (provider.folder / "volumes" / "pvc-1").mkdir()
    provider.delete()
    assert world.books.read()["containers"] == {}
    assert not (provider.folder / "volumes").exists()


def test_images_reach_every_node_in_one_stream(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    world.books.change(images={"app:1": "sha256:app1"} | world.books.read()["images"])
    world.books.calls("docker")
    assert provider.load(["app:1"]).loaded == ("app:1",)
    calls = world.books.calls("docker")
    assert [call for call in calls if call[0] == "save"] == [["save", "app:1"]]
    imports = {call[2] for call in calls if "import" in call}
    assert imports == {NODE, WORKER, WORKER2}
    assert provider.load(["app:1"]).already_there == ("app:1",)


def test_node_that_lacks_an_image_gets_it_alone(world: World) -> None:
    provider = world.provider()
    provider.ensure()
    world.books.change(images={"app:1": "sha256:app1"} | world.books.read()["images"])
    provider.load(["app:1"])
    books = world.books.read()
    books["containers"][WORKER] |= {"held": {}, "content": {}}
    world.books.write(books)
    world.books.calls("docker")
    assert provider.load(["app:1"]).loaded == ("app:1",)
    assert [call[2] for call in world.books.calls("docker") if "import" in call] == [WORKER]


def test_configuration_of_kind_has_workers_and_keeps_the_dns_off_them(tmp_path: Path) -> None:
    file = kind_config.write(tmp_path, NAME, image="n:v1.34.4", published={30080: 8080}, workers=2)
    first, *others = yaml.safe_load(file.read_text())["nodes"]
    assert first["role"] == "control-plane"
    shared = {"hostPath": str(tmp_path / "volumes"), "containerPath": "/var/local-volumes"}
    worker = {"role": "worker", "image": "n:v1.34.4", "extraMounts": [shared]}
    assert others == [worker] * 2
    assert shared in first["extraMounts"]
    assert (tmp_path / "volumes").is_dir()
    patch = yaml.safe_load((tmp_path / "patches/corednsdeployment+strategic.yaml").read_text())
    selector = patch["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"node-role.kubernetes.io/control-plane": ""}
    kind_config.write(tmp_path, NAME, image="n:v1.34.4", published={30080: 8080})
    assert "nodeSelector" not in (tmp_path / "patches/corednsdeployment+strategic.yaml").read_text()


def test_image_of_every_node_counts(world: World) -> None:
    world.provider().ensure()
    books = world.books.read()
    assert books["containers"][WORKER2]["Image"] == IMAGE_ID
    books["containers"][WORKER2]["Image"] = "sha256:older"
    world.books.write(books)
    created(world)
    assert world.provider().ensure().created
