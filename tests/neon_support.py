"""A stand-in for Neon's API, as far as a branch needs it, written after its description.

Branches, operations and errors behave as https://api-docs.neon.tech says: what is asked
for is begun, and has ended only when its operations have; what overlaps is locked. The
databases behind the branches are what the test gives: names on paper, or real ones.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "napi_0123456789abcdefghijklmnopqrstuvwxyz"
ROLE = "neondb_owner"
Answer = tuple[int, Any]


def url_on_paper(branch: str, database: str) -> str:
    """Return a URL like Neon's; nobody answers there."""
    return (
        f"postgresql://{ROLE}:npg_hunter2hunter2@ep-{branch}.invalid/{database}"
        "?sslmode=require&channel_binding=require"
    )


@dataclass
class Neon:
    """What the account holds, and how Neon behaves. Change it while it serves.

    Attributes:
        page: items on one page of a list.
        looks: how often an operation is asked for until it has ended.
        endings: by action, what its operation is at one look after the other before it has
            finished.
        refusals: answers to give to the next calls, by method.
        locked: whether overlapping operations are refused, as Neon does.
        most: branches that the plan allows.
        open_database: called with a branch's name and database, returns its URL.
        close_database: called with the name of a branch that is deleted.
        calls: method and path of each call.
        bodies: of the calls that had one.

    """

    page: int = 2
    looks: int = 2
    most: int = 10
    locked: bool = True
    projects: dict[str, str] = field(default_factory=lambda: {"cool-sun-12345678": "todo"})
    databases: dict[str, str] = field(default_factory=lambda: {"neondb": ROLE})
    endings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: dict[str, list[tuple[int, dict[str, Any], dict[str, str]]]] = field(
        default_factory=dict
    )
    open_database: Callable[[str, str], str] = url_on_paper
    close_database: Callable[[str], None] = lambda _: None
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Have the branch that each project begins with."""
        self.add_branch("main", default=True)

    def add_branch(
        self, name: str, age: timedelta = timedelta(), *, default: bool = False
    ) -> dict[str, Any]:
        """Have one more branch, so old."""
        made = datetime.now(UTC) - age
        branch: dict[str, Any] = {
            "id": f"br-{uuid.uuid4().hex[:12]}",
            "project_id": next(iter(self.projects)),
            "name": name,
            "current_state": "ready",
            "state_changed_at": _time(made),
            "creation_source": "console",
            "default": default,
            "primary": default,
            "protected": False,
            "cpu_used_sec": 0,
            "active_time_seconds": 0,
            "compute_time_seconds": 0,
            "written_data_bytes": 0,
            "data_transfer_bytes": 0,
            "created_at": _time(made),
            "updated_at": _time(made),
        }
        self.branches[branch["id"]] = branch
        return branch

    def names(self) -> list[str]:
        """Return the names of all branches."""
        return sorted(branch["name"] for branch in self.branches.values())

    def answer(self, method: str, target: str, key: str, body: Any) -> Answer:
        """Return status and JSON for one call."""
        parts = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if key != f"Bearer {KEY}":
            return _error(401, "", "supplied credentials do not pass authentication")
        match (method, *parts.path.removeprefix("/api/v2/").split("/")):
            case ("GET", "projects"):
                return 200, self._page(list(map(_project, self.projects.items())), asked, "cursor")
            case (_, "projects", project, *_) if project not in self.projects:
                return _error(404, "", "project not found")
            case ("GET", "projects", _, "branches"):
                word = asked.get("search", "")
                found = [b for b in self.branches.values() if word in b["name"] or word in b["id"]]
                return 200, self._page(found, asked, "next")
            case ("POST", "projects", project, "branches"):
                return self._create(project, body)
            case ("DELETE", "projects", project, "branches", branch):
                return self._delete(project, branch)
            case ("GET", "projects", _, "branches", branch, "databases"):
                return 200, {"databases": [self._database(branch, d) for d in self.databases]}
            case ("GET", "projects", _, "operations", operation):
                return 200, {"operation": self._look(operation)}
            case ("GET", "projects", _, "connection_uri"):
                if self.databases.get(asked["database_name"]) != asked["role_name"]:
                    return _error(404, "", "role or database not found")
                name = self.branches[asked["branch_id"]]["name"]
                return 200, {"uri": self.open_database(name, asked["database_name"])}
        return _error(404, "", "this route does not exist")

    def _page(self, items: list[dict[str, Any]], asked: dict[str, str], name: str) -> Any:
        of = "branches" if name == "next" else "projects"
        size = min(self.page, int(asked.get("limit", "10")))
        begin = int(asked.get("cursor", "0"))
        chosen = items[begin : begin + size]
        # Neon gives a cursor with the last page, too; that of an empty page is none.
        pagination: dict[str, str] = {name: str(begin + len(chosen))} if chosen else {}
        if name == "next":
            pagination |= {"sort_by": "updated_at", "sort_order": "DESC"} if chosen else {}
        maps: dict[str, Any] = (
            {"annotations": {}} if of == "branches" else {"applications": {}, "integrations": {}}
        )
        return {of: chosen, **maps} | ({"pagination": pagination} if pagination else {})

    def _busy(self) -> bool:
        under_way = ("scheduling", "running")
        return self.locked and any(o["status"] in under_way for o in self.operations.values())

    def _create(self, project: str, body: Any) -> Answer:
        if self._busy():
            return _error(423, "", "project already has running operations, scheduling of new ones")
        if len(self.branches) >= self.most:
            return _error(422, "BRANCHES_LIMIT_EXCEEDED", f"branches limit of {self.most} exceeded")
        branch = self.add_branch(body["branch"]["name"])
        endpoint = f"ep-{uuid.uuid4().hex[:12]}"
        operations = [
            self._begin("create_branch", project, branch["id"]),
            self._begin("start_compute", project, branch["id"], endpoint),
        ]
        return 201, {
            "branch": branch | {"current_state": "init", "pending_state": "ready"},
            "endpoints": [_endpoint(endpoint, branch)] if body.get("endpoints") else [],
            "operations": operations,
            "roles": [_role(branch["id"], name) for name in set(self.databases.values())],
            "databases": [self._database(branch["id"], name) for name in self.databases],
        }

    def _delete(self, project: str, branch: str) -> Answer:
        if branch not in self.branches:
            return 204, None
        if self._busy():
            return _error(423, "", "project already has running operations, scheduling of new ones")
        if self.branches[branch]["default"]:
            return _error(422, "", "cannot delete the root branch")
        gone = self.branches.pop(branch)
        self.close_database(gone["name"])
        return 200, {
            "branch": gone,
            "operations": [
                self._begin("suspend_compute", project, branch),
                self._begin("delete_timeline", project, branch),
            ],
        }

    def _begin(self, action: str, project: str, branch: str, endpoint: str = "") -> dict[str, Any]:
        now = _time(datetime.now(UTC))
        operation = {
            "id": str(uuid.uuid4()),
            "project_id": project,
            "branch_id": branch,
            "action": action,
            "status": "running" if not self.operations else "scheduling",
            "failures_count": 0,
            "created_at": now,
            "updated_at": now,
            "total_duration_ms": 0,
        } | ({"endpoint_id": endpoint} if endpoint else {})
        self.operations[str(operation["id"])] = operation
        return dict(operation)

    def _look(self, identity: str) -> dict[str, Any]:
        operation = self.operations[identity]
        self.asked[identity] = self.asked.get(identity, 0) + 1
        if self.asked[identity] >= self.looks and operation["status"] != "finished":
            endings = self.endings.get(operation["action"])
            operation |= endings.pop(0) if endings else {"status": "finished"}
        return dict(operation)

    def _database(self, branch: str, name: str) -> dict[str, Any]:
        now = _time(datetime.now(UTC))
        return {
            "id": 1 + list(self.databases).index(name),
            "branch_id": branch,
            "name": name,
            "owner_name": self.databases[name],
            "created_at": now,
            "updated_at": now,
        }


@contextmanager
def serving(neon: Neon) -> Iterator[str]:
    """Serve the API on 127.0.0.1 for the length of a block; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            with neon.lock:
                neon.calls.append(f"{self.command} {urlsplit(self.path).path}")
                if body is not None:
                    neon.bodies.append(body)
                if waiting := neon.refusals.get(self.command):
                    status, said, headers = waiting.pop(0)
                else:
                    key = self.headers.get("Authorization", "")
                    (status, said), headers = neon.answer(self.command, self.path, key, body), {}
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = serve

        def log_message(self, format: str, *arguments: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, code: str, message: str) -> Answer:
    return status, {"request_id": str(uuid.uuid4()), "code": code, "message": message}


def _project(item: tuple[str, str]) -> dict[str, Any]:
    now = _time(datetime.now(UTC))
    return {
        "id": item[0],
        "name": item[1],
        "platform_id": "aws",
        "region_id": "aws-eu-central-1",
        "pg_version": 17,
        "provisioner": "k8s-neonvm",
        "proxy_host": "eu-central-1.aws.neon.tech",
        "branch_logical_size_limit": 512,
        "branch_logical_size_limit_bytes": 536870912,
        "store_passwords": True,
        "active_time": 0,
        "cpu_used_sec": 0,
        "creation_source": "console",
        "created_at": now,
        "updated_at": now,
        "owner_id": "org-cool-sun-12345678",
    }


def _role(branch: str, name: str) -> dict[str, Any]:
    now = _time(datetime.now(UTC))
    return {
        "branch_id": branch,
        "name": name,
        "protected": False,
        "created_at": now,
        "updated_at": now,
    }


def _endpoint(identity: str, branch: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": identity,
        "host": f"{identity}.eu-central-1.aws.neon.tech",
        "project_id": branch["project_id"],
        "branch_id": branch["id"],
        "region_id": "aws-eu-central-1",
        "type": "read_write",
        "current_state": "init",
        "pending_state": "active",
        "autoscaling_limit_min_cu": 0.25,
        "autoscaling_limit_max_cu": 0.25,
        "settings": {},
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": True,
        "creation_source": "console",
        "created_at": branch["created_at"],
        "updated_at": branch["updated_at"],
        "proxy_host": "eu-central-1.aws.neon.tech",
        "suspend_timeout_seconds": 0,
        "provisioner": "k8s-neonvm",
    }
