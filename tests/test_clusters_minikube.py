"""The life of a Minikube cluster: made, used again, woken, mended, and never somebody else's."""

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
from clusters_support import NAME
from kube_support import FakeApi
from minikube_support import MinikubeWorld

from harness.clusters import kind_config, minikube_events, minikube_start, minikube_tool
from harness.clusters.errors import ClusterMissingError, ClusterNameError, ClusterUnhealthyError
from harness.clusters.minikube_errors import (
    ForeignMinikubeError,
    MinikubeDriverError,
    MinikubeFailedError,
)
from harness.labels import CLUSTER, MANAGED
from harness.ports import PortInUseError
from harness.supply.nodes import NodeImage

FAILURE = {
    "name": "GUEST_PROVISION",
    "exitcode": "80",
    "message": "error provisioning guest: create kic node",
    "advice": "",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MinikubeWorld]:
    api = FakeApi()
    yield MinikubeWorld(tmp_path / "world", api)
    api.close()


def test_made_and_used_again(world: MinikubeWorld) -> None:
    access = world.provider().ensure()
    assert (access.name, access.context, access.created) == (NAME, NAME, True)
    assert access.kubernetes_version == "v1.34.4"
    assert stat.S_IMODE(access.kubeconfig.stat().st_mode) == 0o600
    assert access.kubeconfig.is_relative_to(world.cache.root)
    assert world.asked() == ["start"]
    again = world.provider().ensure()
    assert not again.created
    assert world.asked() == []


def test_nothing_ambient_reaches_minikube(
    world: MinikubeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/else")
    monkeypatch.setenv("MINIKUBE_HOME", "/somebody/else")
    monkeypatch.setenv("MINIKUBE_MEMORY", "1g")
    monkeypatch.setenv("DOCKER_HOST", "tcp://somewhere.else")
    provider = world.provider()
    provider.ensure()
    env = world.books.read()["env"]
    assert env["KUBECONFIG"] == str(provider.kubeconfig)
    assert Path(env["MINIKUBE_HOME"]).is_relative_to(provider.folder)
    assert Path(env["TMPDIR"]).is_relative_to(provider.folder)
    assert (env["MINIKUBE_MEMORY"], env["DOCKER_HOST"]) == ("", "")
    assert os.environ["KUBECONFIG"] == "/somebody/else"


def test_what_is_made_carries_our_labels_and_has_cgroups_of_its_own(world: MinikubeWorld) -> None:
    world.provider().ensure()
    books = world.books.read()
    wanted = {MANAGED: "true", CLUSTER: NAME}
    assert books["containers"][NAME]["Config"]["Labels"] == wanted
    assert books["things"]["volume"][NAME]["Labels"] == wanted
    assert books["things"]["network"][NAME]["Labels"] == wanted
    made = next(call for call in books["calls"] if call[:2] == ["docker", "run"])
    assert "--cgroupns=private" in made
    marks = books["containers"][NAME]["marks"]
    assert any("REJECT" in mark and kind_config.SERVICES in mark for mark in marks)


def test_image_of_ours_brings_its_storage(world: MinikubeWorld) -> None:
    world.provider().ensure()
    assert any("kubectl" in call for call in world.books.calls("docker"))
    world.provider().delete()
    world.provider(stand_in=False).ensure()
    assert not any("kubectl" in call for call in world.books.calls("docker"))


def test_stopped_is_started_again_with_the_same_words(world: MinikubeWorld) -> None:
    provider = world.provider()
    provider.ensure()
    [first] = [call for call in world.books.calls("minikube") if call[0] == "start"]
    provider.stop()
    assert not world.books.read()["containers"][NAME]["State"]["Running"]
    assert world.asked() == ["stop"]
    assert not provider.ensure().created
    assert world.books.read()["containers"][NAME]["State"]["Running"]
    [second] = [call for call in world.books.calls("minikube") if call[0] == "start"]
    ports = "--ports="
    assert [w for w in first if ports not in w] == [w for w in second if ports not in w]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Image": "sha256:older"}, "another node image"),
        ({"HostConfig": {"PortBindings": {}}}, "its port is None"),
    ],
)
def test_made_anew_with_the_reason_said(
    world: MinikubeWorld,
    change: dict[str, object],
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    world.make()
    books = world.books.read()
    books["containers"][NAME] |= change
    world.books.write(books)
    world.progress.quiet, world.progress.stream = False, sys.stdout
    assert world.provider().ensure().created
    assert world.asked() == ["delete", "start"]
    assert why in capsys.readouterr().out


def test_made_anew_when_it_does_not_start_again(world: MinikubeWorld) -> None:
    provider = world.make()
    provider.stop()
    world.books.change(start_fails=FAILURE)

    def mend() -> None:
        while "delete" not in [c[1] for c in world.books.read()["calls"] if c[0] == "minikube"]:
            threading.Event().wait(0.05)
        world.books.change(start_fails=None)

    thread = threading.Thread(target=mend)
    thread.start()
    assert provider.ensure().created
    thread.join()


@pytest.mark.parametrize("lost", ["complete", "home"])
def test_interrupted_or_forgotten_is_made_anew(world: MinikubeWorld, lost: str) -> None:
    provider = world.make()
    if lost == "complete":
        (provider.folder / "complete").unlink()
    else:
        (provider.tool.home / "profiles" / NAME / "config.json").unlink()
    assert provider.ensure().created
    assert world.asked()[-1] == "start"


def test_what_is_left_of_one_is_removed_first(world: MinikubeWorld) -> None:
    provider = world.make()
    world.books.change(containers={})
    assert provider.ensure().created
    assert world.asked() == ["delete", "start"]


@pytest.mark.parametrize("what", ["container", "volume", "network"])
def test_somebody_else_s_is_never_touched(world: MinikubeWorld, what: str) -> None:
    world.make()
    books = world.books.read()
    if what == "container":
        books["containers"][NAME]["Config"]["Labels"] = {}
    else:
        books["things"][what][NAME]["Labels"] = {}
    world.books.write(books)
    for act in ("check", "ensure", "delete"):
        with pytest.raises(ForeignMinikubeError, match=f"{what} {NAME} exists without our label"):
            getattr(world.provider(), act)()
    world.provider().stop()
    assert world.asked() == ([] if what == "container" else ["stop"])
    assert world.present == {"container", "volume", "network"}


def test_failed_start_tells_minikube_s_reason_and_leaves_nothing(world: MinikubeWorld) -> None:
    world.books.change(start_fails=FAILURE)
    provider = world.provider()
    with pytest.raises(MinikubeFailedError) as caught:
        provider.ensure()
    assert caught.value.reason == "GUEST_PROVISION"
    assert "GUEST_PROVISION, exit code 80: error provisioning guest" in caught.value.seen
    assert str(provider.tool.log) in caught.value.looked
    assert "Creating docker container" in provider.tool.log.read_text()
    assert world.present == set()
    assert not provider.tool.home.exists()


def test_driver_that_cannot_be_used_is_told(world: MinikubeWorld) -> None:
    told = {"name": "PROVIDER_DOCKER_NOT_RUNNING", "exitcode": "63", "message": "no docker"}
    world.books.change(start_fails=told)
    with pytest.raises(MinikubeDriverError) as caught:
        world.provider().ensure()
    assert "driver docker" in caught.value.needed
    assert "--deploy-minikube-driver" in caught.value.fix


def test_port_that_is_taken_is_told_before_anything_is_made(world: MinikubeWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for act in ("check", "ensure"):
            with pytest.raises(PortInUseError, match=str(port)):
                getattr(world.provider(host_port=port), act)()
    assert world.asked() == []


def test_orphan_of_a_killed_run_is_waited_for(world: MinikubeWorld) -> None:
    provider = world.make()
    held = (provider.folder / "minikube.lock").open("a")
    fcntl.flock(held, fcntl.LOCK_EX)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (provider.ensure(), done.set()))
    thread.start()
    assert not done.wait(0.5)
    held.close()
    assert done.wait(30)
    thread.join()


@pytest.mark.parametrize("delete_fails", [False, True])
def test_delete_leaves_nothing(world: MinikubeWorld, *, delete_fails: bool) -> None:
    provider = world.provider()
    provider.ensure()
    books = world.books.read()
    books["things"]["network"][NAME]["Containers"] = {"database": {}}
    world.books.write(books | {"delete_fails": delete_fails})
    provider.delete()
    assert world.present == set()
    assert not provider.tool.home.exists()
    assert not provider.kubeconfig.exists()
    assert sorted(path.name for path in provider.folder.iterdir()) == [
        "bin",
        "minikube.lock",
        "minikube.log",
    ]
    world.asked()
    provider.delete()
    assert world.asked() == []


def test_needs_a_running_node(world: MinikubeWorld) -> None:
    provider = world.provider()
    with pytest.raises(ClusterMissingError):
        provider.endpoint(30080)
    with pytest.raises(ClusterMissingError):
        provider.load(["app:1"])
    provider = world.make()
    assert provider.endpoint(30080) == "http://127.0.0.1:40080"
    with pytest.raises(ClusterUnhealthyError, match="not 30081"):
        provider.endpoint(30081)


def test_images_are_loaded_as_into_a_node_of_kind(world: MinikubeWorld) -> None:
    provider = world.make()
    books = world.books.read()
    world.books.write(books | {"images": books["images"] | {"app:1": "sha256:app"}})
    assert provider.load(["app:1"]).loaded == ("app:1",)
    assert provider.load(["app:1"]).already_there == ("app:1",)


def test_address_of_a_service_is_minikube_s(world: MinikubeWorld) -> None:
    provider = world.make()
    world.books.change(services={"web": "http://192.168.49.2:30080"})
    assert provider.tool.service_url("shop", "web") == "http://192.168.49.2:30080"
    with pytest.raises(MinikubeFailedError, match="SVC_NOT_FOUND, exit code 115: Service 'ghost'"):
        provider.tool.service_url("shop", "ghost")


@pytest.mark.parametrize("name", ["shop", "deploy-Shop", "deploy-", "deploy-a_b"])
def test_names_outside_ours_are_refused(world: MinikubeWorld, name: str) -> None:
    with pytest.raises(ClusterNameError):
        world.provider(name)


def test_says_what_it_is(world: MinikubeWorld) -> None:
    told = world.make().describe()
    assert (told["provider"], told["driver"], told["state"]) == ("minikube", "docker", "running")


def test_words_of_a_start() -> None:
    ours = NodeImage("deploy-supply/minikube-base:v1.34.4-1", "v1.34.4", stand_in=True, detail="")
    words = minikube_start.words("docker", ours, {30080: 40080}, root=False)
    assert "--ports=127.0.0.1:40080:30080" in words
    assert "--base-image=deploy-supply/minikube-base:v1.34.4-1" in words
    assert {"--force", "--cni=false", "--preload=false"} <= set(words)
    official = NodeImage("kicbase/stable:v1@sha256:ab", "v1.34.0", stand_in=False, detail="")
    words = minikube_start.words("docker", official, {}, root=False)
    assert "--base-image=kicbase/stable:v1" in words
    assert not {"--force", "--cni=false", "--preload=false"} & set(words)
    assert "--force" in minikube_start.words("docker", official, {}, root=True)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("", None),
        ("plain words", None),
        ('{"type": "another", "data": {}}', None),
        ('{"type": "io.k8s.sigs.minikube.step"}', None),
        (
            '{"type":"io.k8s.sigs.minikube.step","data":{"name":"Done","message":"Done! "}}',
            minikube_events.Event("step", "Done!", name="Done"),
        ),
        (
            '{"type":"io.k8s.sigs.minikube.error","data":{"name":"GUEST_START","exitcode":"80",'
            '"message":"no","advice":"try"}}',
            minikube_events.Event("error", "no", "GUEST_START", 80, "try"),
        ),
        (
            "X Exiting due to GUEST_STATUS: state: unknown",
            minikube_events.Event("error", "state: unknown", "GUEST_STATUS"),
        ),
    ],
)
def test_events_are_read(line: str, event: minikube_events.Event | None) -> None:
    assert minikube_events.parse(line) == event


def test_reason_is_the_last_error_that_has_a_name() -> None:
    def error(**data: str) -> str:
        told = ", ".join(f'"{key}": "{value}"' for key, value in data.items())
        return f'{{"type": "io.k8s.sigs.minikube.error", "data": {{{told}}}}}'

    lines = [error(message="first"), error(name="A", message="a"), error(message="last")]
    assert minikube_events.reason([]) is None
    assert getattr(minikube_events.reason(lines), "name", "") == "A"
    assert getattr(minikube_events.reason(lines[::2]), "message", "") == "last"


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        (["ps", "-a"], ["ps", "-a"]),
        (["run", "--rm", "x y"], ["run", "-L", "--rm", "x y"]),
        (["run", "--privileged", "x"], ["run", "-L", "--cgroupns=private", "--privileged", "x"]),
        (["volume", "create", "v"], ["volume", "create", "-L", "v"]),
        (["network", "create", "n"], ["network", "create", "-L", "n"]),
        (
            ["network", "create", "--subnet=10.9.8.0/24", "n"],
            ["network", "create", "-L", "--ip-range=10.9.8.128/25", "--subnet=10.9.8.0/24", "n"],
        ),
        (
            ["volume", "create", "--subnet=10.9.8.0/24"],
            ["volume", "create", "-L", "--subnet=10.9.8.0/24"],
        ),
        (["network", "rm", "n"], ["network", "rm", "n"]),
    ],
)
def test_docker_client_labels_what_is_made(
    tmp_path: Path, asked: list[str], passed: list[str]
) -> None:
    client = tmp_path / "docker"
    minikube_tool._write_client(client, NAME, ["printf", r"%s\n"])
    said = subprocess.run([client, *asked], capture_output=True, text=True, check=True).stdout
    labels = ["--label", f"{MANAGED}=true", "--label", f"{CLUSTER}={NAME}"]
    wanted = [new for word in passed for new in (labels if word == "-L" else [word])]
    assert said.splitlines() == wanted
