"""The node that we build boots, holds its images and follows its engine's network."""

from __future__ import annotations

import io
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.command import Completed
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply import nodeassembly, nodebuild
from harness.supply.engine import Engine, find_engine

pytestmark = pytest.mark.engine
_BOOTED = "Multi-User System"


class Node:
    """A container of the node image, run the way kind runs it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self.name = engine, name

    def run(self, *words: str, check: bool = True) -> Completed:
        return self._engine.run("exec", self.name, *words, timeout=60, check=check)

    def read(self, *words: str) -> str:
        return self.run(*words).stdout

    def write(self, path: str, text: str) -> None:
        words = ("exec", "--interactive", self.name, "cp", "/dev/stdin", path)
        self._engine.run("exec", self.name, "mkdir", "-p", str(Path(path).parent), timeout=60)
        self._engine.run(*words, timeout=60, stdin=text)

    def restart(self) -> None:
        self._engine.run("restart", "--time", "20", self.name, timeout=60)
        self.wait(since="1s")

    def wait(self, since: str = "1h") -> None:
        """Return when systemd has started all, which ends what follows the log."""
        argv = self._engine.argv("logs", "--follow", "--since", since, self.name)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as follow:
            assert follow.stdout is not None
            said = []
            for line in follow.stdout:
                said.append(line.decode(errors="replace"))
                if _BOOTED in said[-1]:
                    follow.kill()
                    return
        pytest.fail("the node ended before it had booted:\n" + "".join(said))


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        found = find_engine(os.environ, Progress(stream=io.StringIO()))
    except DeployError as error:
        pytest.skip(error.headline)
    if not found.has_image(nodebuild.reference()):
        pytest.skip("the node image was not built here")
    return found


@pytest.fixture(scope="module")
def node(engine: Engine) -> Iterator[Node]:
    name = f"nodetest-{uuid.uuid4().hex[:8]}"
    engine.run("network", "create", *engine.labels(), name, timeout=60)
    kind = ("--privileged", "--cgroupns=private", "--tmpfs=/tmp", "--tmpfs=/run", "--volume=/var")
    place = (f"--name={name}", f"--hostname={name}", f"--network={name}", "--tty", "--detach")
    try:
        engine.run("run", *kind, *place, *engine.labels(), nodebuild.reference(), timeout=60)
        found = Node(engine, name)
        found.wait()
        yield found
    finally:
        engine.run("rm", "--force", "--volumes", name, timeout=60, check=False)
        engine.run("network", "rm", name, timeout=60, check=False)


def test_images_of_the_control_plane_are_known_to_the_runtime(node):
    listed = json.loads(node.read("crictl", "images", "--output=json"))["images"]
    tags = {tag for image in listed for tag in image["repoTags"]}
    version = node.read("cat", "/kind/version").strip()
    wanted = node.read("kubeadm", "config", "images", "list", "--kubernetes-version", version)
    assert set(wanted.split()) <= tags
    assert len(wanted.split()) == len(nodeassembly.COMPONENTS)


@pytest.mark.parametrize(
    ("image", "words"), [("etcd:", "--version"), ("kube-scheduler:", "--version")]
)
def test_container_runs_from_unpacked_files_outside_var(node, image, words):
    ref = next(r for r in node.read("cat", "/kind/images.txt").split() if f"/{image}" in r)
    program = image.rstrip(":")
    said = node.read("ctr", "--namespace=k8s.io", "run", "--rm", ref, program, program, words)
    assert ref.rpartition(":v")[2] in said or "etcd Version" in said
    snapshots = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"
    links = node.read("find", snapshots, "-name", "fs", "-type", "l", "-printf", "%l\\n").split()
    assert links
    assert all(link.startswith("/kind/images/") for link in links)


def test_programs_tell_the_version_that_kind_reads(node):
    version = node.read("cat", "/kind/version").strip()
    assert node.read("kubelet", "--version").strip() == f"Kubernetes {version}"
    assert node.read("kubeadm", "version", "-o", "short").strip() == version
    assert f"gitVersion: {version}" in node.read("kubectl", "version", "--client", "-o", "yaml")


def test_kubelet_has_its_roots_below_every_controller(node):
    for _ in range(2):  # the kubelet may be started again
        node.run("/kind/bin/kubelet-cgroups")
    mounts = [line.split() for line in node.read("cat", "/proc/mounts").splitlines()]
    controllers = [words[1] for words in mounts if words[2] == "cgroup"] or ["/sys/fs/cgroup"]
    for controller in controllers:
        node.run("test", "-d", f"{controller}/kubelet", "-a", "-d", f"{controller}/kubelet.slice")


def test_resolver_is_at_an_address_that_pods_reach(node):
    servers = [
        line.split()[1]
        for line in node.read("cat", "/etc/resolv.conf").splitlines()
        if line.startswith("nameserver")
    ]
    assert servers
    assert not any(server.startswith("127.") for server in servers)
    assert node.name in node.read("getent", "ahostsv4", f"{node.name}.{node.name}")
    missing = node.run("getent", "hosts", "no-such-container", check=False)
    assert missing.returncode != 0


def test_identity_is_made_for_each_node(node, engine):
    baked = engine.run(
        *("run", "--rm", *engine.labels(), "--entrypoint=/bin/cat"),
        *(nodebuild.reference(), "/etc/machine-id"),
        timeout=60,
    )
    assert baked.stdout == ""
    assert len(node.read("cat", "/etc/machine-id").strip()) == 32


def test_changed_address_is_followed(node):
    address = node.read("cat", "/kind/address").strip()
    node.write("/kind/address", "10.9.8.7\n")
    node.write("/etc/kubernetes/kubelet.conf", "    server: https://10.9.8.7:6443\n")
    node.write("/var/lib/kubelet/kubeadm-flags.env", 'ARGS="--node-ip=10.9.8.7 --x=10.9.8.71"\n')
    node.restart()
    now = node.read("cat", "/kind/address").strip()
    assert now != "10.9.8.7"
    assert address.rpartition(".")[0] == now.rpartition(".")[0]
    assert "https://localhost:6443" in node.read("cat", "/etc/kubernetes/kubelet.conf")
    flags = node.read("cat", "/var/lib/kubelet/kubeadm-flags.env")
    assert flags == f'ARGS="--node-ip={now} --x=10.9.8.71"\n'
    # The rules of the first start are still there, and each of them once.
    rules = node.read("iptables", "-t", "nat", "-S", "POSTROUTING").splitlines()
    assert len([rule for rule in rules if rule.endswith("MASQUERADE")]) == 1
