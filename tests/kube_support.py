"""A small API server that lists and watches as the real one does, and objects for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from harness.kube.client import Kube
from harness.kube.quantity import Capacity
from harness.kube.selection import INSTANCE
from harness.kube.sockets import Listener
from harness.kube.state import Snapshot

Object = dict[str, Any]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTEXT = "fake"


class FakeApi:
    """Serves plain JSON objects by path: GET, POST, DELETE, and watches with versions."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {}
        self.texts: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.refusals: dict[str, int] = {}
        self.answers: dict[str, Callable[[Object], Object]] = {}
        self.version = 100
        self.oldest = 0
        self._log: list[tuple[int, str, str, Object]] = []
        self._changed = threading.Condition()
        self._cut = 0
        self.closed = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api._get(self)

            def do_POST(self) -> None:
                api._post(self)

            def do_PATCH(self) -> None:
                api._patch(self)

            def do_DELETE(self) -> None:
                api._delete(self)

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                """A client that leaves is no error."""

        self._make = lambda port: Server(("127.0.0.1", port), Handler)
        self._serve(0)

    def _serve(self, port: int) -> None:
        self._server = self._make(port)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def reopen(self) -> None:
        """Serve again at the same port."""
        self._serve(self.port)

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def put(self, collection: str, obj: Object) -> Object:
        """Add or change an object, and tell the watches."""
        with self._changed:
            known = self.objects.setdefault(collection, {})
            name = obj["metadata"]["name"]
            self.version += 1
            obj = json.loads(json.dumps(obj))
            obj["metadata"]["resourceVersion"] = str(self.version)
            obj["metadata"].setdefault("uid", f"uid-{name}")
            kind = "MODIFIED" if name in known else "ADDED"
            known[name] = obj
            self._log.append((self.version, collection, kind, obj))
            self._changed.notify_all()
            return obj

    def remove(self, collection: str, name: str) -> None:
        """Remove an object, and tell the watches."""
        with self._changed:
            obj = self.objects[collection].pop(name)
            self.version += 1
            obj = obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self.version)}}
            self._log.append((self.version, collection, "DELETED", obj))
            self._changed.notify_all()

    def compact(self) -> None:
        """Forget all versions until now: whoever continues from one of them gets a 410."""
        with self._changed:
            self.version += 1
            self.oldest = self.version
            self._log.clear()

    def cut(self) -> None:
        """Break all open watches in the middle of their stream."""
        with self._changed:
            self._cut += 1
            self._changed.notify_all()

    def asked(self, what: str, *, watch: bool = False) -> int:
        """Return how often a collection was listed, or watched."""
        return sum(
            1
            for method, path in self.requests
            if method == ("WATCH" if watch else "GET") and urlsplit(path).path == what
        )

    def kubeconfig(self, folder: Path) -> Path:
        file = folder / "kubeconfig"
        server = {"server": f"http://127.0.0.1:{self.port}"}
        file.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": server}],
                    "users": [{"name": "u", "user": {"token": "t0ken"}}],
                    "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "another",
                }
            )
        )
        return file

    def client(self, folder: Path) -> Kube:
        return Kube(self.kubeconfig(folder), CONTEXT, timeout=5)

    def _get(self, handler: BaseHTTPRequestHandler) -> None:
        url = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        watch = query.get("watch") == "1"
        self.requests.append(("WATCH" if watch else "GET", handler.path))
        if status := self.refusals.get(url.path):
            return _answer(handler, status, {"reason": "Refused", "message": "as told"})
        if url.path in self.texts:
            return _text(handler, self.texts[url.path])
        if url.path.endswith("/log"):
            return _answer(handler, 400, {"reason": "BadRequest", "message": "no such run"})
        folder, _, name = url.path.rpartition("/")
        if name in self.objects.get(folder, {}):
            return _answer(handler, 200, self.objects[folder][name])
        if watch:
            return self._watch(handler, url.path, int(query["resourceVersion"]))
        if url.path not in self.objects:
            return _answer(handler, 404, {"reason": "NotFound", "message": f"no {url.path}"})
        with self._changed:
            wanted = query.get("labelSelector", "")
            kept = (o for o in self.objects[url.path].values() if _fits(o, wanted))
            items = [dict(item) for item in kept]
            body = {"metadata": {"resourceVersion": str(self.version)}, "items": items or None}
        return _answer(handler, 200, body)

    def _watch(self, handler: BaseHTTPRequestHandler, path: str, since: int) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        if since < self.oldest:
            status = {"kind": "Status", "code": 410, "reason": "Expired"}
            _chunk(handler, {"type": "ERROR", "object": status})
            handler.wfile.write(b"0\r\n\r\n")
            return
        cut = self._cut
        while True:
            with self._changed:
                news = [e for e in self._log if e[0] > since and e[1] == path]
                if not news:
                    self._changed.wait(5)
                if self.closed or self._cut != cut:
                    handler.close_connection = True
                    handler.connection.close()
                    return
            for version, _, kind, obj in news:
                _chunk(handler, {"type": kind, "object": obj})
                since = version

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(("POST", handler.path))
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        path = urlsplit(handler.path).path
        if status := self.refusals.get(path):
            _answer(handler, status, {"reason": "Refused", "message": "as told"})
            return
        if path in self.answers:
            _answer(handler, 201, self.answers[path](body))
            return
        if body["metadata"]["name"] in self.objects.get(handler.path, {}):
            _answer(handler, 409, {"reason": "AlreadyExists", "message": "it exists"})
            return
        _answer(handler, 201, self.put(handler.path, body))

    def _patch(self, handler: BaseHTTPRequestHandler) -> None:
        """Lay a merge patch over an object; `scale` stands for the object itself."""
        self.requests.append(("PATCH", handler.path))
        change = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        folder, _, name = handler.path.removesuffix("/scale").rpartition("/")
        if name not in self.objects.get(folder, {}):
            _answer(handler, 404, {"reason": "NotFound", "message": f"no {name}"})
            return
        _answer(handler, 200, self.put(folder, _merged(self.objects[folder][name], change)))

    def _delete(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(("DELETE", handler.path))
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        folder, _, name = handler.path.rpartition("/")
        if name not in self.objects.get(folder, {}):
            _answer(handler, 404, {"reason": "NotFound", "message": f"no {name}"})
            return
        self.remove(folder, name)
        _answer(handler, 200, {"kind": "Status", "status": "Success"})


def _fits(obj: Object, selector: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return all(_has(labels, term) for term in selector.split(",") if term)


def _has(labels: Mapping[str, str], term: str) -> bool:
    """Tell whether labels fit `key=value`, `key` or `!key`; other forms nobody asks for here."""
    key, equals, value = term.partition("=")
    if term.startswith("!"):
        return key[1:] not in labels
    return labels.get(key) == value if equals else key in labels


def _merged(obj: Object, change: Object) -> Object:
    """Return an object with a JSON merge patch laid over it."""
    merged = {key: value for key, value in obj.items() if change.get(key, value) is not None}
    for key, value in change.items():
        if isinstance(value, dict):
            merged[key] = _merged(merged.get(key) or {}, value)
        elif value is not None:
            merged[key] = value
    return merged


def _answer(handler: BaseHTTPRequestHandler, status: int, body: Object) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def _text(handler: BaseHTTPRequestHandler, text: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(text.encode())))
    handler.end_headers()
    handler.wfile.write(text.encode())


def _chunk(handler: BaseHTTPRequestHandler, event: Object) -> None:
    data = json.dumps(event).encode() + b"\n"
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    handler.wfile.flush()


class FakeDetails:
    """Log lines and free room that are given beforehand; notes whether it was asked."""

    def __init__(self, *lines: str, nodes: tuple[Capacity, ...] = ()) -> None:
        self.lines, self.nodes, self.asked = list(lines), list(nodes), 0
        self.news = ""
        self.sockets: tuple[Listener, ...] | None = None

    def listening(self, *_: object) -> tuple[Listener, ...] | None:
        self.asked += 1
        return self.sockets

    def last_lines(self, *_: object, **__: object) -> list[str]:
        self.asked += 1
        return self.lines

    last_words = last_lines

    def images_like(self, _: str) -> list[str]:
        return self.lines

    def keys_beside(self, *_: object) -> list[str]:
        return self.lines

    def capacity(self) -> list[Capacity]:
        self.asked += 1
        return self.nodes

    def behind(self, *_: object) -> str:
        return self.news

    def unready_lines(self, _: Snapshot) -> list[str]:
        return self.lines


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    name: str = "web-1",
    *,
    owner: str = "uid-web-rs",
    owner_kind: str = "ReplicaSet",
    ready: bool = False,
    phase: str = "Running",
    conditions: list[Object] | None = None,
    state: Object | None = None,
    last: Object | None = None,
    restarts: int = 0,
    init: Object | None = None,
    container: Object | None = None,
    deleted: bool = False,
    labels: Mapping[str, str] | None = None,
    scheduled: float = 60,
) -> Object:
    """Return a pod as the API gives it, with one container `main`."""
    if state is None:
        state = {"running": {"startedAt": ago(60)}}
    conditions = conditions or [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(scheduled)},
        {"type": "Ready", "status": "True" if ready else "False"},
    ]
    main = {
        "name": "main",
        "image": "shop-api:1",
        "readinessProbe": {"httpGet": {"port": 8000, "path": "/ready"}},
    }
    meta: Object = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "labels": {INSTANCE: "shop", "app": "web", **(labels or {})},
        "ownerReferences": [{"kind": owner_kind, "uid": owner}],
        "creationTimestamp": ago(scheduled),
    }
    if deleted:
        meta["deletionTimestamp"] = ago(1)
    obj: Object = {
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [main | (container or {})]},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [
                {
                    "name": "main",
                    "ready": ready,
                    "restartCount": restarts,
                    "state": state,
                    "lastState": {"terminated": last} if last else {},
                    "imageID": "sha256:1",
                }
            ],
        },
    }
    if init:
        obj["spec"]["initContainers"] = [{"name": "wait", "image": "shop-api:1"}]
        obj["status"]["initContainerStatuses"] = [{"name": "wait", **init}]
    return obj


def waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def event(
    about: Object, reason: str, message: str, *, seconds: float = 1, count: int = 1
) -> Object:
    """Return an event about an object, first and last seen so many seconds ago."""
    name = about["metadata"]["name"]
    return {
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason}.{seconds}", "creationTimestamp": ago(seconds)},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": ago(seconds),
        "lastTimestamp": ago(seconds),
        "involvedObject": {
            "kind": about["kind"],
            "name": name,
            "uid": about["metadata"]["uid"],
            "fieldPath": "spec.containers{main}",
        },
    }


def deployment(
    name: str = "web",
    *,
    replicas: int = 1,
    ready: int = 1,
    updated: int | None = None,
    total: int | None = None,
    generation: int = 1,
    observed: int = 1,
    revision: str = "1",
    conditions: list[Object] | None = None,
) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "generation": generation,
            "labels": {INSTANCE: "shop"},
            "annotations": {"deployment.kubernetes.io/revision": revision},
        },
        "spec": {"replicas": replicas},
        "status": {
            "observedGeneration": observed,
            "replicas": replicas if total is None else total,
            "updatedReplicas": replicas if updated is None else updated,
            "readyReplicas": ready,
            "conditions": conditions or [],
        },
    }


def replica_set(
    name: str = "web-rs", *, owner: str = "uid-web", revision: str = "1", replicas: int = 1
) -> Object:
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "ownerReferences": [{"kind": "Deployment", "uid": owner}],
            "annotations": {"deployment.kubernetes.io/revision": revision},
        },
        "spec": {"replicas": 1},
        "status": {"replicas": replicas},
    }


def service(name: str = "web", **spec: Any) -> Object:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8000}], **spec}
    return {
        "kind": "Service",
        "metadata": {
            "name": name, "namespace": "shop", "uid": f"uid-s-{name}", "labels": {INSTANCE: "shop"}
        },
        "spec": spec,
    }  # fmt: skip


def endpoints(of: str = "web", *addresses: str, ready: bool | None = True) -> Object:
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{of}-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": of}
        },
        "endpoints": [{"addresses": [a], "conditions": {"ready": ready}} for a in addresses]
        or None,
    }  # fmt: skip


def snapshot(*objects: Object, before: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot.of(objects, namespace="shop", now=NOW, before=before)


def until(condition: Any, seconds: float = 5.0) -> Iterator[None]:
    """Fail unless a condition comes true soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return iter(())
