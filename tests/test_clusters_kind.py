"""The life of a kind cluster: made, used again, woken, mended, and never somebody else's."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clusters_support import NAME, NODE, World
from kube_support import FakeApi, until

from harness.clusters import _launch, kind_config
from harness.clusters.errors import (
    ClusterCreateError,
    ClusterMissingError,
    ClusterNameError,
    ClusterUnhealthyError,
    ForeignClusterError,
)
from harness.labels import MANAGED
from harness.ports import PortInUseError


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    api = FakeApi()
    yield World(tmp_path / "world", api)
    api.close()


def kinds(world: World) -> list[str]:
    """Return what kind was asked for, its looking around apart."""
    words = [call[0] for call in world.books.calls("kind")]
    return [word for word in words if word not in ("get", "export")]


def test_made_and_used_again(world: World) -> None:
    access = world.provider().ensure()
    assert (access.name, access.context, access.created) == (NAME, f"kind-{NAME}", True)
    assert access.kubernetes_version == "v1.34.4"
    assert stat.S_IMODE(access.kubeconfig.stat().st_mode) == 0o600
    assert access.kubeconfig.is_relative_to(world.cache.root)
    assert kinds(world) == ["create"]
    again = world.provider().ensure()
    assert not again.created
    assert kinds(world) == []


def test_nothing_ambient_reaches_kind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/else")
    monkeypatch.setenv("DOCKER_HOST", "tcp://somewhere.else")
    world.provider().ensure()
    assert world.books.read()["env"] == {"KUBECONFIG": None, "DOCKER_HOST": None}
    assert os.environ["KUBECONFIG"] == "/somebody/else"
    assert not Path(".pytest-kind").exists()


def test_node_carries_our_label_and_refuses_unknown_ports(world: World) -> None:
    world.provider().ensure()
    node = world.books.read()["containers"][NODE]
    assert node["Config"]["Labels"][MANAGED] == "true"
    assert any("REJECT" in mark and kind_config.SERVICES in mark for mark in node["marks"])


def test_stopped_is_woken(world: World) -> None:
    provider = world.make()
    provider.stop()
    assert not world.books.read()["containers"][NODE]["State"]["Running"]
    kinds(world)
    assert not provider.ensure().created
    assert world.books.read()["containers"][NODE]["State"]["Running"]
    assert kinds(world) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Image": "sha256:older"}, "another node image"),
        ({"HostConfig": {"PortBindings": {}}}, "its port is None"),
    ],
)
def test_made_anew_with_the_reason_said(
    world: World, change: dict[str, object], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.make()
    world.books.change_node(**change)
    kinds(world)
    world.progress.quiet, world.progress.stream = False, sys.stdout
    assert world.provider().ensure().created
    assert kinds(world) == ["delete", "create"]
    assert why in capsys.readouterr().out


def test_made_anew_when_it_does_not_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.clusters.kind_health._ANSWERS", 0.3)
    world.make()
    world.api.refusals["/readyz"] = 500

    def mend() -> None:
        until(lambda: not world.books.read()["containers"], 60)
        world.api.refusals.clear()

    thread = threading.Thread(target=mend)
    thread.start()
    assert world.provider().ensure().created
    thread.join()


def test_interrupted_before_its_end_is_made_anew(world: World) -> None:
    provider = world.make()
    world.books.change_node(marks=[])
    (provider.folder / "kind.log").write_text("Starting control-plane")
    kinds(world)
    assert provider.ensure().created
    assert kinds(world) == ["delete", "create"]


def test_interrupted_after_kind_had_ended_is_kept(world: World) -> None:
    provider = world.make()
    world.books.change_node(marks=[])
    kinds(world)
    assert not provider.ensure().created
    assert kinds(world) == []


def test_orphan_of_a_killed_run_is_waited_for(world: World) -> None:
    provider = world.make()
    held = (provider.folder / "kind.lock").open("a")
    fcntl.flock(held, fcntl.LOCK_EX)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (provider.ensure(), done.set()))
    thread.start()
    assert not done.wait(0.5), "it went on while another kind worked on the cluster"
    held.close()
    assert done.wait(20)
    thread.join()


def test_leftovers_are_removed_first(world: World) -> None:
    books = world.books.read()
    world.make()
    node = world.books.read()["containers"][NODE]
    world.books.change(containers={f"{NAME}-worker": node}, calls=books["calls"])
    assert world.provider().ensure().created
    assert kinds(world) == ["delete", "create"]


def test_cluster_of_somebody_else_is_left_alone(world: World) -> None:
    provider = world.make()
    world.books.change_node(Config={"Labels": {}})
    kinds(world)
    for act in (provider.ensure, provider.delete):
        with pytest.raises(ForeignClusterError, match=NODE):
            act()
    provider.stop()
    assert world.books.read()["containers"][NODE]["State"]["Running"]
    assert kinds(world) == []


def test_port_in_use_is_said_before_anything_is_made(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(port)):
            world.provider(host_port=port).check()
        with pytest.raises(PortInUseError, match=str(port)):
            world.provider(host_port=port).ensure()
    assert kinds(world) == []


def test_port_that_is_the_clusters_own_is_not_in_the_way(world: World) -> None:
    world.make()
    with socket.socket() as node:
        node.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        node.bind(("127.0.0.1", 40080))
        node.listen()
        world.provider(host_port=40080).check()


def test_another_port_is_another_cluster(world: World) -> None:
    world.make()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kinds(world)
    assert world.provider(host_port=40080).ensure().created is False
    assert world.provider(host_port=port).ensure().created is True


def test_failed_create_tells_kinds_words_and_cleans_up(world: World) -> None:
    world.books.change(create_fails=True)
    with pytest.raises(ClusterCreateError, match="kubeadm says no") as caught:
        world.provider().ensure()
    assert "kind.log" in caught.value.looked
    assert kinds(world) == ["create", "delete"]
    world.books.change(create_fails=False)
    assert world.provider().ensure().created


def test_unhealthy_after_create_tells_the_nodes_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.clusters.kind_health._HEALTHY", 0.5)
    world.api.refusals["/readyz"] = 500
    with pytest.raises(ClusterUnhealthyError, match="the node's words"):
        world.provider().ensure()


def test_deleted_with_all_it_left(world: World) -> None:
    provider = world.make()
    provider.delete()
    provider.delete()
    assert world.books.read()["containers"] == {}
    assert not provider.kubeconfig.exists()
    with pytest.raises(ClusterMissingError):
        provider.endpoint(30080)


def test_machine_of_a_silent_api_tells_how_it_is(world: World) -> None:
    provider = world.make()
    witness = provider.ensure().witness
    assert witness is not None
    assert witness().startswith(f"node {NODE} runs")
    provider.stop()
    assert witness() == f"node {NODE} is stopped"
    provider.delete()
    assert witness() == f"node {NODE} is gone"


def test_endpoint_is_what_the_node_publishes(world: World) -> None:
    provider = world.make()
    assert provider.endpoint(30080) == "http://127.0.0.1:40080"
    with pytest.raises(ClusterUnhealthyError, match="30081"):
        provider.endpoint(30081)
    assert provider.describe()["state"] == "running"


@pytest.mark.parametrize("name", ["mine", "deploy-", "deploy-Upper", "deploy-a/b", "deploy-a\nb"])
def test_names_that_cannot_be(world: World, name: str) -> None:
    with pytest.raises(ClusterNameError, match="deploy-"):
        world.provider(name)


def test_several_runs_make_it_once(world: World) -> None:
    made: list[bool] = []
    threads = [
        threading.Thread(target=lambda: made.append(world.provider().ensure().created))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, True]
    assert kinds(world) == ["create"]


def test_our_kind_has_all_that_pytest_kinds_own_has(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_kind import KindCluster

    from harness.clusters.kind_tool import Kind

    monkeypatch.chdir(tmp_path)
    ours = Kind(
        NAME,
        tmp_path,
        image="i",
        kind=world.kind,
        kubectl=world.kind,
        engine=world.engine,
        timeout=5,
    )
    assert vars(KindCluster(NAME)).keys() <= vars(ours).keys()


def test_as_a_cluster_of_pytest_helm_charts(world: World) -> None:
    provider = world.provider()
    from harness.clusters.adapter import ProvidedCluster

    cluster = ProvidedCluster(provider)
    client = cluster.create()
    assert cluster.kube_client is client
    assert client.url == f"http://127.0.0.1:{world.api.port}"
    assert cluster.kube_config_path == str(provider.kubeconfig)
    cluster.destroy()
    assert cluster.kube_client is None
    assert NODE in world.books.read()["containers"], "the cluster outlives a module"


def test_launcher_ends_what_takes_too_long(tmp_path: Path) -> None:
    log, lock = tmp_path / "log", tmp_path / "lock"
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    words = [sys.executable, "-I", _launch.__file__, "0.3", str(log), str(lock), *sleep]
    assert subprocess.run(words, timeout=20).returncode == _launch.TIMED_OUT
    assert "ended after 0.3 s" in log.read_text()


def test_launcher_gives_the_answer_and_keeps_the_rest(tmp_path: Path) -> None:
    log, lock = tmp_path / "log", tmp_path / "lock"
    code = "import sys; print('answer'); print('words', file=sys.stderr); sys.exit(3)"
    words = [sys.executable, "-I", _launch.__file__, "9", str(log), str(lock)]
    words += [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (3, "answer\n")
    assert log.read_text() == "words\n"


@pytest.mark.parametrize(
    ("image", "patched"), [("n:v1.34.4-x", True), ("n:v1.31.0", False), ("n:mine", False)]
)
def test_dns_is_patched_where_kubeadm_can(tmp_path: Path, image: str, *, patched: bool) -> None:
    file = kind_config.write(tmp_path, NAME, image=image, published={30080: 8080, 30081: 8081})
    told = yaml.safe_load(file.read_text())
    node = told["nodes"][0]
    mapping = node["extraPortMappings"][0]
    assert (mapping["listenAddress"], mapping["hostPort"]) == ("127.0.0.1", 8080)
    assert mapping["containerPort"] == 30080
    assert node["extraPortMappings"][1]["containerPort"] == 30081
    assert ("kubeadmConfigPatches" in node) is patched
    if patched:
        patch = yaml.safe_load((tmp_path / "patches/corednsdeployment+strategic.yaml").read_text())
        assert patch["spec"]["replicas"] == 1
        patches = [yaml.safe_load(patch) for patch in node["kubeadmConfigPatches"]]
        lonely = next(p for p in patches if "controllerManager" in p)
        assert lonely["apiVersion"].endswith("v1beta3"), "extraArgs are a mapping there only"
        assert lonely["scheduler"]["extraArgs"]["leader-elect"] == "false"
