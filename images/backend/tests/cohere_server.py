"""A local server that speaks the part of Cohere's API that the backend uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

type Answer = tuple[int, Any]
type Script = Callable[[dict[str, Any]], Answer]


def says(text: str) -> Answer:
    """Return a final turn of the model."""
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return 200, {"id": "turn", "finish_reason": "COMPLETE", "message": message}


def calls(name: str, arguments: dict[str, Any] | str, call_id: str = "call-1") -> Answer:
    """Return a turn in which the model calls one tool."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}
    message = {"role": "assistant", "tool_plan": "I will use a tool.", "tool_calls": [call]}
    return 200, {"id": "turn", "finish_reason": "TOOL_CALL", "message": message}


class CohereServer:
    """Answers `POST /v2/chat` and `POST /v1/check-api-key`; keeps what it was asked."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.asked: list[dict[str, Any]] = []
        self.turns: list[Answer | Script] = []
        self.delay = threading.Event()
        self.delay_s = 0.0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, answer = owner._answer(
                    self.path, self.headers.get("authorization", ""), body
                )
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.delay.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, path: str, authorization: str, body: bytes) -> Answer:
        if self.delay_s:
            self.delay.wait(self.delay_s)
        if authorization != f"Bearer {self.api_key}":
            return 401, {"message": "invalid api token"}
        if path == "/v1/check-api-key":
            return 200, {"valid": True}
        if path != "/v2/chat":
            return 404, {"message": f"no such path {path}"}
        request = json.loads(body)
        self.asked.append(request)
        if not self.turns:
            return 500, {"message": "the test gave no more turns"}
        turn = self.turns.pop(0)
        return turn(request) if callable(turn) else turn
