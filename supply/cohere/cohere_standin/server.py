"""HTTP: routes, the key, counting, errors in the form of the real service."""

from __future__ import annotations

import hmac
import json
import threading
import uuid
from collections import Counter
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cohere_standin import events, models, rules
from cohere_standin.request import ChatRequest, Refused

_MOST = 2 << 20  # bytes of a body


class Server(ThreadingHTTPServer):
    """The server. With `key` None every non-empty bearer token is accepted."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], key: str | None) -> None:
        super().__init__(address, Handler)
        self.key = key
        self._since = datetime.now(timezone.utc)
        self._lock = threading.Lock()
        self._answered: Counter[tuple[str, int]] = Counter()
        self._tools: Counter[str] = Counter()

    def count(self, route: str, status: int) -> None:
        with self._lock:
            self._answered[route, status] += 1

    def count_tools(self, names: list[str]) -> None:
        with self._lock:
            self._tools.update(names)

    def counts(self) -> dict[str, object]:
        """Return what was asked since start: numbers, no content."""
        with self._lock:
            routes: dict[str, dict[str, int]] = {}
            for (route, status), number in sorted(self._answered.items()):
                routes.setdefault(route, {})[str(status)] = number
            return {
                "since": self._since.isoformat(),
                "total": sum(self._answered.values()),
                "requests": routes,
                "tool_calls": dict(sorted(self._tools.items())),
            }

    def knows(self, authorization: str | None) -> bool:
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return False
        return self.key is None or hmac.compare_digest(token.encode(), self.key.encode())


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "cohere-standin"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        path = self.path.split("?", 1)[0].rstrip("/") or "/"
        if method == "GET" and path == "/health":
            return self._json(200, {"status": "ok"}, route=None)
        if method == "GET" and path == "/requests":
            return self._json(200, self.server.counts(), route=None)
        route = f"{method} {path}"
        try:
            body = self._body()
            if not self.server.knows(self.headers.get("Authorization")):
                raise Refused(401, "invalid api token")
            if route == "POST /v2/chat":
                return self._chat(route, ChatRequest.read(body))
            if route == "POST /v1/check-api-key":
                return self._json(200, {"valid": True}, route)
            if route == "GET /v1/models":
                return self._json(200, {"models": models.all_models()}, route)
            if method == "GET" and path.startswith("/v1/models/"):
                return self._json(200, models.one(path.rsplit("/", 1)[1]), "GET /v1/models/NAME")
            raise Refused(404, f"no such endpoint: {path}")
        except Refused as refused:
            known = route if refused.status != 404 else f"{method} (unknown)"
            self._json(refused.status, {"id": str(uuid.uuid4()), "message": refused.message}, known)

    def _body(self) -> bytes:
        text = self.headers.get("Content-Length", "0")
        length = int(text) if text.isdecimal() else -1
        if length < 0 or "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self.close_connection = True
            raise Refused(411, "a Content-Length is needed")
        if length > _MOST:
            self.close_connection = True
            raise Refused(413, f"the body has more than {_MOST} bytes")
        return self.rfile.read(length)

    def _chat(self, route: str, request: ChatRequest) -> None:
        models.one(request.model)
        decision = rules.decide(request)
        self.server.count_tools([call.name for call in decision.calls])
        reply = events.reply(request, decision)
        if not request.stream:
            return self._json(200, reply, route)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.server.count(route, 200)
        for event in events.stream(reply):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

    def _json(self, status: int, body: object, route: str | None) -> None:
        if route:
            self.server.count(route, status)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        if self.path.split("?", 1)[0] != "/health":
            super().log_message(format, *args)
