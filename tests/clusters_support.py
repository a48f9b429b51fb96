"""An engine and a kind that only keep books, for a cluster whose API is a small server."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kube_support import FakeApi

from harness.cache import Cache
from harness.clusters.kind import KindProvider
from harness.labels import MANAGED
from harness.progress import Progress

NAME = "deploy-test"
NODE = f"{NAME}-control-plane"
IMAGE = "node:v1.34.4"
IMAGE_ID = "sha256:node"

# Both programs read and write one file; `calls` in it is what they were asked for.
BOOKS = r"""
import fcntl, json, os, sys
ROOT = @ROOT@
lock = open(ROOT + "/lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
books = json.load(open(ROOT + "/books.json"))
def save():
    with open(ROOT + "/books.tmp", "w") as new: json.dump(books, new)
    os.rename(ROOT + "/books.tmp", ROOT + "/books.json")
def end(text="", code=0, error=""):
    save()
    sys.stdout.write(text); sys.stderr.write(error); sys.stdout.flush(); sys.stderr.flush()
    os._exit(code)
args = sys.argv[1:]
"""

# An image of the fake engine has a layer that all have, and one of its own.
ARCHIVE = r"""
import hashlib, io, tarfile
def digest(data): return hashlib.sha256(data).hexdigest()
def put(tar, name, data):
    head = tarfile.TarInfo(name); head.size = len(data); tar.addfile(head, io.BytesIO(data))
def archive(refs, images, oci):
    tar = tarfile.open(fileobj=sys.stdout.buffer, mode="w|")
    described, index, done = [], [], set()
    for ref in refs:
        layers = [b"what all have" * 100, (images[ref] * 50).encode()]
        names = ["blobs/sha256/" + digest(d) if oci else "id" + digest(d)[:9] + "/layer.tar"
            for d in layers]
        for name, data in zip(names, layers):
            if name not in done: put(tar, name, data); done.add(name)
        ids = ["sha256:" + digest(d) for d in layers]
        config = json.dumps({"rootfs": {"diff_ids": ids}, "id": images[ref]}).encode()
        if oci:
            blob = {"layers": [{"digest": d} for d in ids], "config": {"digest": digest(config)}}
            manifest = json.dumps(blob).encode()
            for data in (config, manifest): put(tar, "blobs/sha256/" + digest(data), data)
            full = "reg.example/library/" + ref
            note = {"annotations": {"io.containerd.image.name": full}}
            index.append({"digest": "sha256:" + digest(manifest), **note})
        else:
            put(tar, digest(config) + ".json", config); put(tar, names[1][:-9] + "VERSION", b"1")
        tags = [ref if ":" in ref else ref + ":latest"]
        described.append({"Config": digest(config) + ".json", "RepoTags": tags, "Layers": names})
    put(tar, "manifest.json", json.dumps(described).encode())
    if oci:
        put(tar, "index.json", json.dumps({"manifests": index}).encode())
        put(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    tar.close(); sys.stdout.flush()
def unpack(stream):
    blobs, files = {}, {}
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            data = tar.extractfile(member).read()
            files[member.name] = files["sha256:" + digest(data)] = data
            blobs["sha256:" + digest(data)] = len(data)
    assert json.loads(files["oci-layout"])["imageLayoutVersion"] == "1.0.0"
    sent, layers = {}, []
    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(files[entry["digest"]])
        config = files["sha256:" + manifest["config"]["digest"].removeprefix("sha256:")]
        layers += [layer["digest"] for layer in manifest["layers"]]
        made = json.loads(config).get("id", "")
        own = made if made.startswith("sha256:") else manifest["config"]["digest"]
        sent[entry["annotations"]["io.containerd.image.name"]] = own
    return sent, layers, blobs
"""

DOCKER = (
    ARCHIVE
    + r"""
books["calls"].append(["docker", *args])
containers, images = books["containers"], books["images"]
if args[:2] == ["container", "inspect"]:
    found = [{"Name": "/" + n, **containers[n]} for n in args[2:] if n in containers]
    lost = [n for n in args[2:] if n not in containers]
    end(json.dumps(found), code=int(bool(lost)), error=f"Error: No such container: {lost}")
if args[:1] == ["info"]:
    end("overlay2 " + books["root"])
if args[:1] == ["ps"]:
    end("\n".join(containers))
if args[0] == "run":
    labels = dict(a.split("=", 1) for a, b in zip(args[1:], ["", *args[1:]]) if b == "--label")
    name = args[args.index("--name") + 1]
    ports = {"30080/tcp": [{"HostPort": books["port"]}], "6443/tcp": [{"HostPort": "1"}]}
    containers[name] = {"State": {"Running": True}, "Config": {"Labels": labels},
        "Image": images[args[-1]], "HostConfig": {"PortBindings": ports}, "marks": [], "files": {},
        "NetworkSettings": {"Networks": {"kind": {"IPAddress": f"172.18.0.{len(containers) + 2}"}}}}
    end()
if args[0] in ("start", "stop"):
    containers[args[-1]]["State"]["Running"] = args[0] == "start"
    end()
if args[0] in ("pause", "unpause"):
    state = containers[args[-1]]["State"]
    if args[0] == "unpause" and not state.get("Paused"):
        end(code=1, error="Error: Container " + args[-1] + " is not paused")
    state["Paused"] = args[0] == "pause"
    end()
if args[0] == "rm":
    containers.pop(args[1], None); end()
if args[0] == "logs":
    end("the node's words")
if args[0] == "save":
    save(); fcntl.flock(lock, fcntl.LOCK_UN)
    archive(args[1:], images, books["oci"]); os._exit(0)
if args[:2] == ["image", "inspect"]:
    layers = {"Layers": [images[args[2]]]}
    end(json.dumps([{"RootFS": layers, "Created": "2026-01-01T00:00:00.5Z"}]))
if args[0] == "exec":
    name, *words = [a for a in args[1:] if a != "--interactive"]
    def store(kind):
        "What the control plane has is in the books themselves."
        first = name.endswith("-control-plane")
        return (books if first else books["containers"][name]).setdefault(kind, {})
    held, marks = store("held"), containers[name].setdefault("marks", [])
    if words[0] == "touch":
        marks.append(words[1]); end()
    if words[0] == "test":
        end(code=0 if words[2] in marks else 1)
    if words[0] == "systemctl":
        marks.append(" ".join(words)); end()
    if words[0] == "iptables" and "-A" in words:
        marks.append(" ".join(words)); end()
    if words[0] == "iptables":
        rule = " ".join(words[3:]); known = rule in marks
        if words[2] == "-I": marks.append(rule)
        end(code=0 if known or words[2] == "-I" else 1)
    if words[:2] == ["crictl", "images"]:
        shown = [{"id": i, "repoTags": t} for i, t in held.items()]
        end(json.dumps({"images": shown}))
    if words[:2] == ["crictl", "ps"]:
        end(json.dumps({"containers": [{"imageRef": i} for i in books["used"]]}))
    if words[:2] == ["crictl", "inspecti"]:
        layers = {"diff_ids": [words[-1].replace("config-", "")]}
        spec = {"rootfs": layers, "created": "2026-01-01T00:00:00Z"}
        end(json.dumps({"info": {"imageSpec": spec}}))
    if words[:2] == ["crictl", "rmi"]:
        for i in words[2:]: held.pop(i)
        end()
    if words[0] == "ctr" and "tag" in words:
        for tags in held.values():
            if words[-2] in tags and not books["tag_fails"]:
                tags.append(words[-1]); end()
        end(code=1, error="ctr: not found")
    if words[0] == "cat":
        file = containers[name].get("files", {}).get(words[1], books["conflist"])
        end(file) if file else end(code=1, error="cat: " + words[1] + ": No such file")
    if words[0] == "tee":
        containers[name]["aside"] = sys.stdin.read(); end()
    if words[0] == "mv":
        containers[name].setdefault("files", {})[words[-1]] = containers[name].pop("aside")
        marks.append("moved"); end()
    if words[0] == "rm":
        # Like the real one: it hears only of a change after the first.
        read = not books["deaf"] and "/etc/cni/net.d/changed" in marks and "moved" in marks
        containers[name]["read"] = list(containers[name]["files"].values()) if read else []
        end()
    if words[:2] == ["crictl", "info"]:
        end(json.dumps(containers[name].get("read", [])))
    if words[0] == "ip":
        containers[name]["routes"] = sys.stdin.read().splitlines(); end()
    if words[0] == "find":
        end("".join(f"{d} {size}\n" for d, size in store("content").items()))
    if words[0] == "ctr":
        if books["refuses"]:
            books["refuses"] -= 1; end(code=1, error="ctr: not now")
        if books["import_fails"]:
            end(code=1, error="ctr: no space left on device")
        save(); fcntl.flock(lock, fcntl.LOCK_UN)
        sent, layers, blobs = unpack(sys.stdin.buffer)
        fcntl.flock(lock, fcntl.LOCK_EX)
        books.update(json.load(open(ROOT + "/books.json"))); held = store("held")
        books["sent"] = blobs
        if books["forgets"]: store("content").clear(); books["forgets"] = False
        store("content").update(blobs)
        if lost := [d for d in layers if d not in store("content")]:
            end(code=1, error="ctr: content digest not found: " + str(lost))
        for name, i in sent.items():
            for tags in held.values():
                if name in tags: tags.remove(name)
            if not books["import_loses"]:
                held.setdefault(books["node_id"] + i, []).append(name)
        end()
end(code=2, error="not known: " + " ".join(args))
"""
)

KIND = r"""
import subprocess
books["calls"].append(["kind", *args])
books["env"] = {k: os.environ.get(k) for k in ("KUBECONFIG", "DOCKER_HOST")}
option = {a.split("=")[0]: a.split("=", 1)[1] for a in args if "=" in a}
name = option.get("--name", "")
def docker(*words):
    save(); fcntl.flock(lock, fcntl.LOCK_UN)
    subprocess.run(["docker", *words], check=True)
    fcntl.flock(lock, fcntl.LOCK_EX); books.update(json.load(open(ROOT + "/books.json")))
def kubeconfig():
    text = open(ROOT + "/kubeconfig").read()
    open(option["--kubeconfig"], "w").write(text)
if args[:2] == ["get", "clusters"]:
    end("\n".join(c.removesuffix("-control-plane") for c in books["containers"]))
if args[0] == "create":
    if books["create_fails"]:
        end(code=1, error="x Starting control-plane\nERROR: kubeadm says no\n")
    label = "io.x-k8s.kind.cluster=" + name
    config = next(a for a in args if a.endswith("kind.yaml")).removeprefix("--config=")
    workers = open(config).read().count("role: worker")
    roles = ["control-plane", *("worker" + str(i or "") for i in [0, *range(2, workers + 1)])]
    for role in roles[: workers + 1]:
        docker("run", "--name", name + "-" + role, "--label", label, books["image"])
    kubeconfig()
    end(error='Set kubectl context to "kind-' + name + '"\n')
if args[0] == "export":
    kubeconfig(); end()
if args[0] == "delete":
    for container in list(books["containers"]):
        if container.startswith(name + "-"): docker("rm", container)
    end(error="Deleting cluster\n")
end(code=2)
"""


@dataclass
class FakeEngine:
    """An engine whose client is the script above."""

    script: Path
    books: Books

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-S", "-E", str(self.script), *words]

    local = False  # what this machine can carry is another test's

    def image_id(self, ref: str) -> str | None:
        found: str | None = self.books.read()["images"].get(ref)
        return found


@dataclass
class Books:
    """What the fake programs keep."""

    root: Path
    start: dict[str, Any] = field(
        default_factory=lambda: {
            "calls": [],
            "containers": {},
            "images": {IMAGE: IMAGE_ID},
            "image": IMAGE,
            "held": {},
            "used": [],
            "node_id": "",
            "port": "40080",
            "create_fails": False,
            "import_fails": False,
            "tag_fails": False,
            "import_loses": False,
            "oci": False,
            "forgets": False,
            "content": {},
            "sent": {},
            "conflist": "",
            "deaf": False,
            "refuses": 0,
            "root": "/nonexistent",
        }
    )

    def __post_init__(self) -> None:
        self.write(self.start)

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "books.json").read_text())
        return found

    def write(self, books: dict[str, Any]) -> None:
        new = self.root / "books.new"
        new.write_text(json.dumps(books))
        new.rename(self.root / "books.json")

    def change(self, **facts: Any) -> None:
        self.write(self.read() | facts)

    def change_node(self, **facts: Any) -> None:
        books = self.read()
        books["containers"][NODE] |= facts
        self.write(books)

    def calls(self, program: str) -> list[list[str]]:
        """Return what a program was asked for, and forget it."""
        books = self.read()
        found = [call[1:] for call in books["calls"] if call[0] == program]
        self.write(books | {"calls": []})
        return found


@dataclass
class World:
    """A machine with an engine, kind, and the API of the cluster that kind makes."""

    root: Path
    api: FakeApi
    nodes: int = 1
    roles = ("control-plane", "worker", "worker2", "worker3")

    def __post_init__(self) -> None:
        self.root.mkdir(exist_ok=True)
        self.books = Books(self.root)
        file = self.api.kubeconfig(self.root)
        text = file.read_text().replace("name: fake", f"name: kind-{NAME}")
        file.write_text(text.replace("another", f"kind-{NAME}"))
        head = BOOKS.replace("@ROOT@", repr(str(self.root)))
        docker = self.root / "fake-docker"
        docker.write_text(head + DOCKER)
        self.kind = self.root / "fake-kind"
        self.kind.write_text(f"#!{sys.executable} -SE\n{head}{KIND}")
        self.kind.chmod(0o755)
        self.engine = FakeEngine(docker, self.books)
        self.cache = Cache(self.root / "cache")
        self.progress = Progress(quiet=True)
        self.api.texts |= {"/readyz": "ok", "/version": '{"gitVersion": "v1.34.4"}'}
        ready = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2099-01-01T00:00:00Z"}]
        for number in range(self.nodes):
            node = {
                "metadata": {"name": f"{NAME}-{self.roles[number]}"},
                "spec": {"podCIDR": f"10.244.{number}.0/24"},
                "status": {"conditions": ready},
            }
            self.api.put("/api/v1/nodes", node)
        dns = {
            "metadata": {"name": "coredns-1", "labels": {"k8s-app": "kube-dns"}},
            "spec": {"containers": [{"name": "coredns"}]},
            "status": {
                "conditions": ready,
                "containerStatuses": [
                    {
                        "name": "coredns",
                        "ready": True,
                        "state": {"running": {"startedAt": "2099-01-01T00:00:00Z"}},
                    }
                ],
            },
        }
        self.api.put("/api/v1/namespaces/kube-system/pods", dns)
        self.api.objects.setdefault("/api/v1/namespaces/kube-system/events", {})

    def make(self) -> KindProvider:
        """Return a provider whose cluster is there, as `ensure` leaves it behind."""
        provider = self.provider()
        provider.folder.mkdir(parents=True)
        provider.kubeconfig.write_text((self.root / "kubeconfig").read_text())
        said = f'Set kubectl context to "kind-{NAME}"'
        (provider.folder / "kind.log").write_text(said)
        node = {
            "State": {"Running": True},
            "Config": {"Labels": {MANAGED: "true"}},
            "Image": IMAGE_ID,
            "HostConfig": {"PortBindings": {"30080/tcp": [{"HostPort": "40080"}]}},
            "marks": ["/kind/deploy-harness-complete"],
        }
        self.books.change(containers={NODE: node})
        return provider

    def provider(
        self, name: str = NAME, host_port: int | None = None, nodes: int | None = None
    ) -> KindProvider:
        tools: Any = SimpleNamespace(kind=self.kind, kubectl=self.root / "kubectl")
        image: Any = SimpleNamespace(ref=self.books.read()["image"])
        return KindProvider(
            name,
            tools,
            self.engine,
            image,
            self.cache,
            self.progress,
            host_port=host_port,
            node_ports=(30080,),
            nodes=nodes or self.nodes,
        )
