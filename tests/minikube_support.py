"""A minikube that only keeps books, beside the engine of `clusters_support`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from clusters_support import BOOKS, DOCKER, IMAGE, IMAGE_ID, NAME, Books, FakeEngine
from kube_support import FakeApi

from harness.cache import Cache
from harness.clusters.minikube import MinikubeProvider
from harness.labels import CLUSTER, MANAGED
from harness.progress import Progress
from harness.supply.nodes import NodeImage

# What kind's cluster has no need of: volumes and networks of a name.
MORE = r"""
kinds = books.setdefault("things", {"volume": {}, "network": {}})
if args[0] in kinds:
    books["calls"].append(["docker", *args])
    things, verb, name = kinds[args[0]], args[1], args[-1]
    if verb == "create":
        labels = dict(a.split("=", 1) for a, b in zip(args[1:], ["", *args[1:]]) if b == "--label")
        things[name] = {"Labels": labels, "Containers": {}}
        end()
    if verb == "disconnect":
        things[args[-2]]["Containers"].pop(name, None); end()
    if name not in things:
        end(code=1, error="Error: No such " + args[0])
    if verb == "inspect":
        end(json.dumps([things[name]]))
    if verb == "rm":
        if things[name]["Containers"]:
            end(code=1, error="has active endpoints")
        things.pop(name); end()
if args[:2] == ["container", "rm"]:
    books["containers"].pop(args[-1], None); end()
if args[0] == "exec" and args[2] == "kubectl":
    books["calls"].append(["docker", *args]); end()
if args[0] == "tag":
    books["images"][args[2]] = books["images"][args[1]]; end()
"""

MINIKUBE = r"""
import subprocess
books["calls"].append(["minikube", *args])
books["env"] = {k: v for k, v in os.environ.items()}
option = {a.split("=")[0]: a.split("=", 1)[1] for a in args if "=" in a}
name, home = option["--profile"], os.environ["MINIKUBE_HOME"]
profile = os.path.join(home, "profiles", name)
def docker(*words, check=True):
    save(); fcntl.flock(lock, fcntl.LOCK_UN)
    subprocess.run(["docker", *words], check=check)
    fcntl.flock(lock, fcntl.LOCK_EX)
    books.clear(); books.update(json.load(open(ROOT + "/books.json")))
def kubeconfig():
    open(os.environ["KUBECONFIG"], "w").write(open(ROOT + "/kubeconfig").read())
def tell(kind, **data):
    print(json.dumps({"type": "io.k8s.sigs.minikube." + kind, "data": data}), flush=True)
if args[0] == "start":
    os.makedirs(profile, exist_ok=True); open(profile + "/config.json", "w").write("{}")
    tell("step", name="Creating Container", message="Creating docker container ...")
    if name in books["containers"]:
        docker("start", name)
    else:
        docker("volume", "create", name); docker("network", "create", name)
        docker("run", "--privileged", "--name", name, "-p", "x", option["--base-image"])
    if failure := books.get("start_fails"):
        tell("error", **failure); end(code=int(failure["exitcode"]))
    kubeconfig(); end()
if args[0] == "update-context":
    kubeconfig(); end()
if args[0] == "stop":
    docker("stop", name); end()
if args[0] == "delete":
    if not books.get("delete_fails"):
        docker("container", "rm", name); docker("volume", "rm", name, check=False)
        docker("network", "rm", name, check=False)
    end(code=1 if books.get("delete_fails") else 0)
if args[0] == "service":
    asked = next(a for a in args[1:] if not a.startswith("-"))
    if asked in books.get("services", {}): end(books["services"][asked] + "\n")
    end(code=115, error="X Exiting due to SVC_NOT_FOUND: Service '" + asked + "' was not found\n")
end(code=14)
"""


@dataclass
class MinikubeWorld:
    """A machine with an engine, minikube, and the API of the cluster that it makes."""

    root: Path
    api: FakeApi

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        self.books = Books(self.root)
        file = self.api.kubeconfig(self.root)
        text = file.read_text().replace("name: fake", f"name: {NAME}")
        file.write_text(text.replace("another", NAME))
        head = BOOKS.replace("@ROOT@", repr(str(self.root)))
        docker = self.root / "fake-docker"
        docker.write_text(head + MORE + DOCKER)
        self.minikube = self.root / "fake-minikube"
        self.minikube.write_text(f"#!{sys.executable} -SE\n{head}{MINIKUBE}")
        self.minikube.chmod(0o755)
        self.engine = FakeEngine(docker, self.books)
        self.cache, self.progress = Cache(self.root / "cache"), Progress(quiet=True)
        self.api.texts |= {"/readyz": "ok", "/version": '{"gitVersion": "v1.34.4"}'}
        ready = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2099-01-01T00:00:00Z"}]
        node = {"metadata": {"name": NAME}, "status": {"conditions": ready}}
        self.api.put("/api/v1/nodes", node)
        running = {"running": {"startedAt": "2099-01-01T00:00:00Z"}}
        dns = {
            "metadata": {"name": "coredns-1", "labels": {"k8s-app": "kube-dns"}},
            "spec": {"containers": [{"name": "coredns"}]},
            "status": {
                "conditions": ready,
                "containerStatuses": [{"name": "coredns", "ready": True, "state": running}],
            },
        }
        self.api.put("/api/v1/namespaces/kube-system/pods", dns)
        self.api.objects.setdefault("/api/v1/namespaces/kube-system/events", {})

    def make(self) -> MinikubeProvider:
        """Return a provider whose cluster is there, as `ensure` leaves it behind."""
        provider = self.provider()
        provider.tool.home.joinpath("profiles", NAME).mkdir(parents=True)
        provider.tool.home.joinpath("profiles", NAME, "config.json").write_text("{}")
        (provider.folder / "complete").touch()
        labels = {MANAGED: "true", CLUSTER: NAME}
        node = {
            "State": {"Running": True},
            "Config": {"Labels": labels},
            "Image": IMAGE_ID,
            "HostConfig": {"PortBindings": {"30080/tcp": [{"HostPort": "40080"}]}},
            "marks": [],
        }
        things = {kind: {NAME: {"Labels": labels, "Containers": {}}} for kind in self.kinds}
        self.books.change(containers={NAME: node}, things=things)
        return provider

    kinds = ("volume", "network")

    @property
    def present(self) -> set[str]:
        """What the engine has of the cluster: container, volume, network."""
        books = self.books.read()
        things = books.get("things", {})
        return {"container"} & {"container" for name in books["containers"] if name == NAME} | {
            kind for kind in things if NAME in things[kind]
        }

    def provider(
        self, name: str = NAME, host_port: int | None = None, *, stand_in: bool = True
    ) -> MinikubeProvider:
        return MinikubeProvider(
            name,
            self.minikube,
            self.engine,
            NodeImage(IMAGE, "v1.34.4", stand_in, "for a test"),
            self.cache,
            self.progress,
            host_port=host_port,
            node_ports=(30080,),
        )

    def asked(self) -> list[str]:
        """Return what minikube was asked to change."""
        words = [call[0] for call in self.books.calls("minikube")]
        return [word for word in words if word != "update-context"]
