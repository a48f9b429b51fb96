"""A server on this machine that answers as a language model would, by rehearsed decisions."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.plain_language.provider import Provider
from harness.plain_language.rehearsed import Command, Decision, Shown, decide
from harness.ports import LOOPBACK

_MODEL = "rehearsed"


@contextlib.contextmanager
def rehearsal() -> Iterator[Provider]:
    """Serve OpenAI's chat completions on a free port of the loopback, for one key, until exit."""
    key = secrets.token_urlsafe(24)
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(key))
    thread = threading.Thread(target=server.serve_forever, name="rehearsal", daemon=True)
    thread.start()
    try:
        address = f"http://{LOOPBACK}:{server.server_address[1]}/v1"
        yield Provider("openai", _MODEL, {"OPENAI_API_KEY": key, "OPENAI_ENDPOINT": address})
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the completion of a conversation, in the shapes of OpenAI's API."""
    decision = decide(*_heard(request["messages"]))
    return {
        "id": f"chatcmpl-{secrets.token_hex(8)}",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model", _MODEL),
        "choices": [_choice(decision)],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def stream(completion: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a completion in the pieces that a client gets which asks for a stream."""
    (choice,) = completion["choices"]
    message = choice["message"]
    calls = [call | {"index": n} for n, call in enumerate(message.get("tool_calls") or ())]
    delta = {"role": "assistant", "content": message["content"]}
    head = completion | {"object": "chat.completion.chunk"}
    head.pop("usage")
    for piece, reason in (
        (delta | ({"tool_calls": calls} if calls else {}), None),
        ({}, choice["finish_reason"]),
    ):
        yield head | {"choices": [{"index": 0, "delta": piece, "finish_reason": reason}]}


def _choice(decision: Decision) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if not isinstance(decision, Command):
        message["content"] = decision.text
        return {"index": 0, "message": message, "finish_reason": "stop"}
    changes = "yes" if decision.changes else "no"
    arguments = json.dumps({"command": decision.line, "modifies_resource": changes})
    function = {"name": "kubectl", "arguments": arguments}
    call = {"id": f"call_{secrets.token_hex(8)}", "type": "function", "function": function}
    message["tool_calls"] = [call]
    return {"index": 0, "message": message, "finish_reason": "tool_calls"}


def _heard(messages: Sequence[dict[str, Any]]) -> tuple[str, list[Shown]]:
    """Return the last request of a conversation, and what commands have shown since."""
    request, commands, shown = "", dict[str, str](), list[Shown]()
    for message in messages:
        if message["role"] == "user":
            request, shown = _text(message["content"]), []
        for call in message.get("tool_calls") or ():
            commands[call["id"]] = json.loads(call["function"]["arguments"]).get("command", "")
        if message["role"] == "tool":
            command = commands.get(message["tool_call_id"], "")
            shown.append(_shown(command, _text(message["content"])))
    return request, shown


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


def _shown(command: str, result: str) -> Shown:
    try:
        told = json.loads(result)
    except ValueError:
        return Shown(command, result)
    error = told.get("stderr") or told.get("error") or ""
    return Shown(command, str(told.get("stdout") or told.get("content") or ""), str(error))


def _handler(key: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {key}":
                self._send(401, {"error": {"message": "wrong key", "type": "invalid_request"}})
            elif self.path != "/v1/chat/completions":
                self._send(404, {"error": {"message": "no such path", "type": "not_found"}})
            else:
                self._answer(json.loads(body))

        def _answer(self, request: dict[str, Any]) -> None:
            completion = answer(request)
            if not request.get("stream"):
                self._send(200, completion)
                return
            pieces = [*map(json.dumps, stream(completion)), "[DONE]"]
            events = "".join(f"data: {piece}\n\n" for piece in pieces)
            self._write(200, "text/event-stream", events.encode())

        def _send(self, status: int, content: dict[str, Any]) -> None:
            self._write(status, "application/json", json.dumps(content).encode())

        def _write(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
