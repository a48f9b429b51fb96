"""A small application that keeps notes, served on loopback."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "token-of-somebody-0123456789"
FORM_TOKEN = "token-of-the-form-0123456789"
BOOK = f"""<!doctype html><title>Unseen</title><body><h1>Book</h1>
<form method=post action="book"><input type="hidden" name="csrf_token" value="{FORM_TOKEN}">
<input type="HIDDEN" name="next" value="/"><input name="words"></form>
<input type=hidden name=stray value=x><p>They wrote:
  <b>{{words}}</b></p><script>"a script"</script>"""
NOTE = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "title": {"type": "string", "minLength": 1, "maxLength": 40},
        "kind": {"enum": ["short", "long"]},
    },
}


def document(**more: Any) -> dict[str, Any]:
    """Return the OpenAPI document of notes that anybody may keep."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Note"}}}}
    item: dict[str, Any] = {"get": {}, "put": {"requestBody": body}, "delete": {}}
    return {
        "openapi": "3.1.0",
        "paths": {"/open/notes": {"post": {"requestBody": body}}, "/open/notes/{note_id}": item},
        "components": {"schemas": {"Note": NOTE}},
        **more,
    }


class Notes(ThreadingHTTPServer):
    """Notes at /notes for whoever has a token, and at /open/notes for all.

    Attributes:
        told: its OpenAPI document, None for none.
        broken: what it does wrong: `forgets`, `keeps` (what was deleted), `refuses`, `login`.
        signed: what was sent to the form at /book.

    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notes: dict[int, Any] = {}
        self.numbers = itertools.count(1)
        self.told: dict[str, Any] | None = None
        self.broken = ""
        self.signed: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def serving() -> Iterator[Notes]:
    """Serve it."""
    with Notes() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server: Notes

    def _all(self) -> None:
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        body = json.loads(raw) if is_json and raw else raw
        path = self.path.partition("?")[0]
        if path == "/openapi.json" and server.told is not None:
            return self._say(200, server.told)
        if path == "/signup":
            answer = {"user": {"id": 7, "email": body["email"]}, "token": TOKEN}
            return self._say(201, answer, {"Set-Cookie": "seen=before; Path=/"})
        if path == "/login":
            return self._say(200, {"form": raw})
        if path == "/book":
            return self._book(raw)
        if path == "/page":
            return self._say(200, "a page, and no JSON")
        if path == "/elsewhere":
            return self._say(302, {}, {"Location": "/page"})
        if path == "/seen":
            return self._say(200, {"cookie": self.headers.get("Cookie", "")})
        if path.startswith("/notes"):
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._say(401, {"detail": "who are you?", "sent": body})
            return self._notes("/notes", path, body)
        if path.startswith("/open/notes"):
            if server.broken == "login":
                return self._say(401, {"detail": "who are you?"})
            return self._notes("/open/notes", path, body)
        return self._say(404, {"detail": "nothing here"})

    def _notes(self, base: str, path: str, body: Any) -> None:
        server = self.server
        rest = path.removeprefix(base).strip("/")
        if self.command == "POST":
            if server.broken == "refuses":
                return self._say(422, {"detail": "not such a title"})
            number = next(server.numbers)
            server.notes[number] = {"id": number, **body}
            return self._say(201, server.notes[number])
        number = int(rest)
        if number not in server.notes:
            return self._say(404, {"detail": "no such note"})
        if self.command == "DELETE":
            if server.broken != "keeps":
                del server.notes[number]
            return self._say(204, None)
        if self.command == "PUT" and server.broken != "forgets":
            server.notes[number] |= body
        return self._say(200, server.notes[number])

    def _book(self, raw: str) -> None:
        """Show a form on which what is sent has to carry what the page has hidden."""
        if self.command == "POST":
            sent = dict(parse_qsl(raw, keep_blank_values=True))
            if sent.get("csrf_token") != FORM_TOKEN:
                return self._say(403, "<p>This form was not sent from our page.", html=True)
            self.server.signed = sent
            return self._say(302, "", {"Location": "/book"})
        words = escape(self.server.signed.get("words", "nothing"))
        return self._say(200, BOOK.format(words=words), html=True)

    def _say(
        self, status: int, body: Any, headers: dict[str, str] | None = None, *, html: bool = False
    ) -> None:
        raw, kind = b"", "application/json"
        if isinstance(body, str):
            raw, kind = body.encode(), "text/html" if html else "text/plain"
        elif body is not None:
            raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _all

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
