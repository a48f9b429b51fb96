"""A small application that keeps tasks for who has an account, served on loopback."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import yaml

KEY = b"key-that-signs-0123456789"
TASK = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 60}},
}
CREDENTIALS = {
    "type": "object",
    "required": ["email", "password"],
    "properties": {
        "email": {"type": "string", "format": "email"},
        "password": {"type": "string", "minLength": 8},
    },
}
FORM = {
    "type": "object",
    "required": ["username", "password"],
    "properties": {
        "grant_type": {"anyOf": [{"type": "string", "pattern": "^password$"}, {"type": "null"}]},
        "username": {"type": "string"},
        "password": {"type": "string"},
        "scope": {"type": "string", "default": ""},
    },
}


@dataclass
class Shape:
    """How an application lets people in.

    Attributes:
        sign_up: its path; "" for none.
        log_in: its path; "" for none.
        gives: `token` (a JWT), `opaque` (a token of no form), `cookie`, or `nothing`, at login.
        at_once: whether the sign-up gives it too.
        form: whether the login takes a form.
        personal: whether the path of tasks says whose they are.
        told: whether the document tells of sign-up and login; `security` of what is kept.
        wrong: `open` (to strangers), `unsigned` (tokens are not verified), `all` (any account),
            `path` (only the path is compared), `deletes` (any account may delete).
        refuses: status and words of the login in place of letting in.
        answer: what the sign-up says besides.
        header: in which a token is sent.
        origin: the only `Origin` that sign-up and login take, besides none; "" for any.
        ends: whether each answer ends all logins.
        numbers: whether people are known by numbers.

    """

    sign_up: str = "/api/auth/signup"
    log_in: str = "/api/auth/login"
    gives: str = "token"
    at_once: bool = False
    form: bool = False
    personal: bool = False
    told: bool = True
    security: dict[str, Any] | None = field(default_factory=lambda: {"type": "http"})
    wrong: str = ""
    refuses: tuple[int, str] | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    header: str = "Authorization"
    origin: str = ""
    ends: bool = False
    numbers: bool = False

    @property
    def tasks(self) -> str:
        """The path of the collection."""
        return "/api/{user_id}/tasks" if self.personal else "/api/tasks"

    def document(self) -> dict[str, Any]:
        """Return its OpenAPI document."""
        body = {"content": {"application/json": {"schema": TASK}}}
        change, post = {"requestBody": body}, {"requestBody": body}
        item: dict[str, Any] = {"get": {}, "put": change, "delete": {}}
        paths: dict[str, Any] = {self.tasks: {"post": post}, f"{self.tasks}/{{task_id}}": item}
        if self.security is not None:
            for operation in (post, *item.values()):
                operation["security"] = [{"login": []}]
        told: dict[str, Any] = {"openapi": "3.1.0", "paths": paths}
        if self.personal:
            schema = {"type": "integer" if self.numbers else "string"}
            given = [{"in": "path", "name": "user_id", "required": True, "schema": schema}]
            for path in [*paths]:
                paths[path] |= {"parameters": given}
        if self.security is not None:
            told["components"] = {"securitySchemes": {"login": self.security}}
        if self.told:
            form = {"application/x-www-form-urlencoded": {"schema": FORM}}
            sent = {"application/json": {"schema": CREDENTIALS}}
            if self.sign_up:
                paths[self.sign_up] = {"post": {"requestBody": {"content": sent}}}
            if self.log_in:
                content = form if self.form else sent
                paths[self.log_in] = {"post": {"requestBody": {"content": content}}}
        return told


class Keeper(ThreadingHTTPServer):
    """The application.

    Attributes:
        asked: method and path of each request.
        people: password and id by e-mail address.
        valid: tokens and sessions, with whose they are.
        broken: whether signing up breaks.
        yaml: whether the document is in YAML.
        busy: how many requests are still told to come later.

    """

    daemon_threads = True

    def __init__(self, shape: Shape) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.shape = shape
        self.document = shape.document()
        self.people: dict[str, tuple[str, str]] = {}
        self.valid: dict[str, str] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.numbers = itertools.count(1)
        self.asked: list[str] = []
        self.busy = 0
        self.broken = self.yaml = False

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def token(self, person: str, *, signed: bool) -> str:
        """Return a token for somebody, a JWT when it is signed."""
        if not signed:
            made = secrets.token_urlsafe(24)
            self.valid[made] = person
            return made
        parts = ({"alg": "HS256"}, {"sub": person, "jti": secrets.token_hex(4)})
        head = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        made = f"{head}.{_signature(head)}"
        self.valid[made] = person
        return made

    def person(self, token: str) -> str:
        """Return whose a token is, "" for nobody's."""
        if self.shape.wrong == "unsigned" and token.count(".") == 2:
            claims = token.split(".")[1]
            return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"])
        return self.valid.get(token, "")


@contextlib.contextmanager
def keeping(shape: Shape) -> Iterator[Keeper]:
    """Serve it."""
    with Keeper(shape) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signature(text: str) -> str:
    return _encoded(hmac.digest(KEY, text.encode(), hashlib.sha256))


class _Handler(BaseHTTPRequestHandler):
    server: Keeper

    def _all(self) -> None:
        server, shape = self.server, self.server.shape
        path = self.path.partition("?")[0]
        server.asked.append(f"{self.command} {path}")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if path == ("/openapi.yaml" if server.yaml else "/openapi.json"):
            text = yaml.safe_dump(server.document) if server.yaml else None
            return self._say(200, server.document, text=text)
        if server.busy and self.command == "POST":
            server.busy -= 1
            return self._say(429, {"detail": "slowly"}, {"Retry-After": "0"})
        if self.command == "POST" and path in (shape.sign_up, shape.log_in):
            if shape.origin and self.headers.get("Origin", shape.origin) != shape.origin:
                return self._say(403, {"code": "INVALID_ORIGIN"})
            form = "form" in self.headers.get("Content-Type", "")
            if form != (shape.form and path == shape.log_in):
                return self._say(422, {"detail": "not so"})
            body = dict(parse_qsl(raw)) if form else json.loads(raw)
            return self._sign_up(body) if path == shape.sign_up else self._log_in(body)
        if path == "/api/auth/token" and shape.sign_up.endswith("/email"):
            person = self._session()
            return (
                self._say(200, {"token": server.token(person, signed=True)})
                if person
                else self._say(401, {})
            )
        if path == "/me":
            person = self._asking()
            return self._say(200, {"id": person}) if person else self._say(401, {})
        if found := re.fullmatch(r"/api/(?:([^/]+)/)?tasks(?:/(\d+))?", path):
            return self._tasks(found[1], int(found[2] or 0), raw)
        return self._say(404, {"detail": "nothing here"})

    def _sign_up(self, body: dict[str, Any]) -> None:
        server, email = self.server, body["email"]
        if server.broken:
            return self._say(500, {"detail": "no such table"})
        if email in server.people:
            return self._say(409, {"detail": "taken"})
        name = len(server.people) + 71
        person = str(name) if server.shape.numbers else f"person-{name}"
        server.people[email] = body["password"], person
        answer = {"status": "welcome", **server.shape.answer}
        return self._let_in(201, person, answer, at_all=server.shape.at_once)

    def _log_in(self, body: dict[str, Any]) -> None:
        if refused := self.server.shape.refuses:
            return self._say(refused[0], {"detail": refused[1]})
        password, person = self.server.people.get(
            body.get("email") or body.get("username") or "", ("", "")
        )
        if not person or password != body["password"]:
            return self._say(401, {"detail": "wrong"})
        return self._let_in(200, person, {}, at_all=True)

    def _let_in(self, status: int, person: str, answer: dict[str, Any], *, at_all: bool) -> None:
        gives, headers = self.server.shape.gives if at_all else "nothing", {}
        if gives in ("token", "opaque"):
            answer |= {"data": {"access_token": self.server.token(person, signed=gives == "token")}}
        if gives == "cookie":
            session = self.server.token(person, signed=False)
            until = "Expires=Thu, 31 Jan 2030 12:00:00 GMT"
            headers["set-cookie"] = f"seen=before; {until}; Path=/"
            headers["Set-Cookie"] = f"sid={session}; Path=/; Secure; HttpOnly"
        self._say(status, answer, headers)

    def _session(self) -> str:
        cookies = dict(one.split("=", 1) for one in self.headers.get("Cookie", "=").split("; "))
        return self.server.person(cookies.get("sid", ""))

    def _asking(self) -> str:
        shape = self.server.shape
        if shape.gives == "cookie" and not shape.sign_up.endswith("/email"):
            return self._session()
        given = self.headers.get(shape.header, "")
        if given.startswith("Basic "):
            name, _, password = base64.b64decode(given[6:]).decode().partition(":")
            known, person = self.server.people.get(name, ("", ""))
            return person if known == password else ""
        if shape.header == "Authorization" and not given.startswith("Bearer "):
            return ""
        return self.server.person(given.removeprefix("Bearer "))

    def _tasks(self, owner: str | None, number: int, raw: str) -> None:
        server, wrong = self.server, self.server.shape.wrong
        asking = self._asking()
        if not asking and not (wrong == "open" and number):
            return self._say(401, {"detail": "who are you?"})
        if server.shape.personal and owner != asking and wrong != "open":
            return self._say(403, {"detail": "not yours"})
        if self.command == "POST":
            number = next(server.numbers)
            server.tasks[number] = {"id": number, "by": asking, **json.loads(raw)}
            return self._say(201, server.tasks[number])
        task = server.tasks.get(number)
        theirs = task is not None and task["by"] != asking
        careless = wrong in ("open", "all", "path") or (
            wrong == "deletes" and self.command == "DELETE"
        )
        if task is None or (theirs and not careless):
            return self._say(404, {"detail": "no such task"})
        if self.command == "DELETE":
            del server.tasks[number]
            return self._say(204, None)
        if self.command == "PUT":
            task |= json.loads(raw)
        if server.shape.ends:  # a login is for few requests
            server.valid.clear()
        return self._say(200, task)

    def _say(
        self,
        status: int,
        body: Any,
        headers: dict[str, str] | None = None,
        text: str | None = None,
    ) -> None:
        raw = (text or ("" if body is None else json.dumps(body))).encode()
        self.send_response(status)
        kind = "application/yaml" if text else "application/json"
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = _all

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
