"""Somebody who takes the steps of a journey: a client with cookies, and what it has kept."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from harness.journey.description import UNIQUE, Step
from harness.journey.errors import StepFailedError, cut
from harness.journey.pages import Page, read
from harness.journey.values import PathEmptyError, at, filled
from harness.redact import Redactor

TIMEOUT = 20.0  # seconds for each part of a request
_SECRET = re.compile(r"(?i)passw|secret|token|authorization|cookie|api.?key|session|credential")


@dataclass
class Visitor:
    """Sends requests to the public address, each on its own connection; used with `with`.

    Cookies are kept as a browser does, and what a form of the page that was last seen has hidden
    is sent along with it. No redirect is followed: what is answered is judged.

    Args:
        address: of the public Service, without a path.
        redact: learns what is sent as a secret, and is applied to every error.
        transport: how requests get there, where that is not by the network of this machine.

    """

    address: str
    redact: Redactor = field(default_factory=Redactor)
    timeout: float = TIMEOUT
    transport: httpx.BaseTransport | None = None
    kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    page: Page | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.kept[UNIQUE] = secrets.token_hex(8)
        self._client = httpx.Client(
            base_url=self.address,
            timeout=self.timeout,
            trust_env=False,
            transport=self.transport,
            # The pod at the other end may be replaced between two steps.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def take(self, step: Step) -> httpx.Response:
        """Take a step, keep what it keeps, and return the answer.

        Raises:
            StepFailedError: no answer, another status, or another content.

        """
        shown = f"{step.method} {self.address}{step.path}"
        for name in sorted(step.used() - self.kept.keys()):
            raise StepFailedError.too_early(step.says, name, shown)
        path = filled(step.path, {n: quote(str(v), safe="") for n, v in self.kept.items()})
        response = self.send(
            step.says,
            step.method,
            path,
            headers=filled(step.headers, self.kept),
            json=None if step.body is None else filled(step.body, self.kept),
            data=self._form(step, path) or None,
        )
        self._look(response)
        self._judge(step, response)
        return response

    def _form(self, step: Step, path: str) -> dict[str, Any]:
        """Return the fields of a step's form, with those that the page has hidden in it."""
        own: dict[str, Any] = filled(step.form, self.kept)
        if self.page is None or step.method != "POST" or step.body is not None:
            return own
        return self.page.hidden.get(path.partition("?")[0], {}) | own

    def _look(self, response: httpx.Response) -> None:
        """Keep the page that is seen now; other answers and redirects leave it where it was."""
        if "html" in response.headers.get("content-type", ""):
            self.page = read(response.text, str(response.url))
            self._learn([*self.page.hidden.values()])

    def send(self, says: str, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send one request. Raises StepFailedError where there is no answer."""
        self._learn(parts)
        try:
            response = self._client.request(method, path, **parts)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = f"{type(error).__name__}: {error}"
            asked = f"{method} {self.address}{path}"
            raise StepFailedError.unanswered(says, self.redact(why), self.redact(asked)) from None
        self._learn({"cookies": [*response.cookies.values()]})
        with contextlib.suppress(ValueError):
            self._learn(response.json())
        return response

    def told(self, response: httpx.Response) -> str:
        """Return an answer in words, without secrets."""
        body = response.text or "nothing else"
        return self.redact(cut(f"{response.status_code} {response.reason_phrase}: {body}"))

    def asked(self, response: httpx.Response) -> str:
        """Return the request of an answer in words, without secrets."""
        request = response.request
        words = f"{request.method} {request.url}"
        sent = [name for name in request.headers if _SECRET.search(name)]
        words += f", with {', '.join(sent)}" if sent else ""
        body = request.content.decode(errors="replace")
        return self.redact(cut(f"{words}: {body}" if body else words))

    def _judge(self, step: Step, response: httpx.Response) -> None:
        told, asked = self.told(response), self.asked(response)
        wanted = step.statuses
        if response.status_code not in wanted if wanted else not response.is_success:
            words = " or ".join(map(str, wanted)) or "from 200 to 299"
            raise StepFailedError.status(step.says, words, told, asked)
        for text in filled(step.shows, self.kept):
            self._show(step, re.sub(r"\s+", " ", str(text)).strip(), response)
        if not step.keep and not step.expect:
            return
        try:
            document = response.json()
        except ValueError:
            raise StepFailedError.content(step.says, "an answer in JSON", told, asked) from None
        for path, should in step.expect.items():
            self._expect(step, document, path, filled(should, self.kept), response)
        for name, path in step.keep.items():
            try:
                self.kept[name] = at(document, path)
            except PathEmptyError as error:
                needed = f"{name} at {path} of the answer"
                seen = f"{error}\n{self.told(response)}"
                raise StepFailedError.content(step.says, needed, seen, asked) from None
            self._learn({name: self.kept[name]})

    def _show(self, step: Step, text: str, response: httpx.Response) -> None:
        html = "html" in response.headers.get("content-type", "")
        shown = read(response.text, str(response.url)).text if html else response.text
        if text not in shown:
            needed = self.redact(f"an answer that shows {text!r}")
            seen = self.redact(cut(f"{response.status_code} {response.reason_phrase}: {shown}"))
            raise StepFailedError.content(step.says, needed, seen, self.asked(response))

    def _expect(
        self, step: Step, document: Any, path: str, should: Any, response: httpx.Response
    ) -> None:
        try:
            found = at(document, path)
        except PathEmptyError as error:
            found, seen = error, str(error)
        else:
            seen = f"{found!r}"
        if found != should or type(found) is not type(should):
            needed, seen = self.redact(f"{should!r} at {path} of the answer"), self.redact(seen)
            told = f"{seen}\n{self.told(response)}"
            raise StepFailedError.content(step.says, needed, told, self.asked(response))

    def _learn(self, part: Any, name: str = "") -> None:
        """Learn the secrets in what is sent or came back: they are known by their names."""
        if isinstance(part, Mapping):
            for key, value in part.items():
                self._learn(value, key if _SECRET.search(str(key)) else name)
        elif isinstance(part, list):
            for value in part:
                self._learn(value, name)
        elif name and isinstance(part, str):
            self.redact.add(part, part.removeprefix("Bearer "))
