"""The part of Neon's API (version 2, https://api-docs.neon.tech) that a branch needs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from harness.databases.neon import answers, errors
from harness.databases.neon.answers import ENDED_WELL, Branch, Operation, as_described
from harness.redact import Redactor

URL = "https://console.neon.tech/api/v2"
_PAGE = 100
_FIRST_PAUSE = 0.5  # seconds
_LONGEST_PAUSE = 5.0
# Neon's description: with these, whatever was asked for has not been begun.
_LOCKED, _TOO_MANY, _AWAY = 423, 429, 503


@dataclass(frozen=True)
class NeonApi:
    """A client of the API. `repr` does not show the key.

    All methods raise `errors.NeonError`, one subclass a cause. What Neon refuses because
    something else is under way, or because of too many calls, is asked for again.

    Args:
        key: of an account, an organization or a project.
        url: of the API.
        organization: whose projects to list; personal keys need it for those.
        timeout: seconds for one call.
        patience: seconds to go on asking for what is locked.
        sleep: waits so many seconds.

    """

    key: str = field(repr=False)
    url: str = URL
    organization: str = ""
    timeout: float = 20.0
    patience: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def projects(self) -> dict[str, str]:
        """Return the names of the projects that the key reaches, by id."""
        more = {"org_id": self.organization} if self.organization else {}
        found = self._pages("/projects", "projects", "cursor", more)
        with as_described(f"GET {self.url}/projects"):
            return {str(one["id"]): str(one["name"]) for one in found}

    def branches(self, project: str, search: str) -> list[Branch]:
        """Return the branches whose name or id holds a text."""
        path = f"/projects/{_part(project)}/branches"
        with as_described(f"GET {self.url}{path}"):
            found = self._pages(path, "branches", "next", {"search": search})
            return [answers.branch(one) for one in found]

    def create_branch(self, project: str, name: str) -> tuple[Branch, list[Operation]]:
        """Begin a branch of the project's default one, with a compute; return what is under way."""
        body = {"branch": {"name": name}, "endpoints": [{"type": "read_write"}]}
        path = f"/projects/{_part(project)}/branches"
        answer = self._call("POST", path, body=body)
        with as_described(f"POST {self.url}{path}"):
            return answers.branch(answer["branch"]), answers.operations(answer)

    def delete_branch(self, project: str, branch: str) -> list[Operation]:
        """Begin its end; return what is under way, nothing when there is no such branch."""
        path = f"/projects/{_part(project)}/branches/{_part(branch)}"
        answer = self._call("DELETE", path)
        with as_described(f"DELETE {self.url}{path}"):
            return answers.operations(answer)

    def databases(self, project: str, branch: str) -> dict[str, str]:
        """Return the owner of each database of a branch."""
        path = f"/projects/{_part(project)}/branches/{_part(branch)}/databases"
        answer = self._call("GET", path)
        with as_described(f"GET {self.url}{path}"):
            return {str(one["name"]): str(one["owner_name"]) for one in answer["databases"]}

    def connection_uri(self, project: str, branch: str, database: str, role: str) -> str:
        """Return the URL of a database of a branch; it holds the role's password."""
        asked = {"branch_id": branch, "database_name": database, "role_name": role}
        path = f"/projects/{_part(project)}/connection_uri"
        answer = self._call("GET", path, asked)
        with as_described(f"GET {self.url}{path}"):
            return str(answer["uri"])

    def wait(self, project: str, operations: list[Operation], seconds: float) -> None:
        """Wait until all operations have ended well; nothing tells, so they are asked.

        Raises:
            errors.NeonOperationFailedError: one of them has failed for good.
            errors.NeonTooSlowError: not all have ended within so many seconds.

        """
        deadline = time.monotonic() + seconds
        for operation in operations:
            now, pause = operation, _FIRST_PAUSE
            path = f"/projects/{_part(project)}/operations/{_part(operation.id)}"
            while now.status not in ENDED_WELL:
                where = f"GET {self.url}{path}"
                if now.final:
                    raise errors.NeonOperationFailedError(now.action, now.status, now.said, where)
                if time.monotonic() + pause > deadline:
                    doing = f"Neon's `{now.action}` to end"
                    raise errors.NeonTooSlowError(doing, seconds, now.status, where)
                self.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
                answer = self._call("GET", path)
                with as_described(where):
                    now = answers.operation(answer["operation"])

    def _pages(
        self, path: str, of: str, name: str, more: dict[str, str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, however many pages it has."""
        cursor = ""
        while True:
            asked = {"limit": str(_PAGE)} | more | ({"cursor": cursor} if cursor else {})
            answer = self._call("GET", path, asked)
            yield from answer[of]
            last, cursor = cursor, str((answer.get("pagination") or {}).get(name) or "")
            if not answer[of] or not cursor or cursor == last:
                return

    def _call(
        self, method: str, path: str, asked: dict[str, str] | None = None, body: Any = None
    ) -> Any:
        """Return an answer's JSON, {} when it has none."""
        call, deadline, pause = f"{method} {self.url}{path}", time.monotonic() + self.patience, 0.0
        while True:
            answer = self._send(method, path, asked, body, call)
            if answer.status_code not in (_LOCKED, _TOO_MANY, _AWAY):
                break
            pause = _pause(answer, pause)
            if time.monotonic() + pause > deadline:
                doing = "Neon to have time for this"
                raise errors.NeonTooSlowError(doing, self.patience, self._said(answer), call)
            self.sleep(pause)
        if answer.status_code >= 400:
            raise self._refusal(answer, call)
        try:
            return answer.json() if answer.content else {}
        except ValueError:
            raise errors.NeonRefusedError(call, "an answer that is no JSON") from None

    def _send(
        self, method: str, path: str, asked: dict[str, str] | None, body: Any, call: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        try:
            return httpx.request(
                method,
                self.url + path,
                params=asked,
                json=body,
                headers=headers,
                timeout=self.timeout,
                verify=_certificates(),
            )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            # A key with a line end in it would be quoted here.
            seen = Redactor((self.key, self.key.strip()))(f"{type(error).__name__}: {error}")
            raise errors.NeonUnreachableError(call, seen) from None

    def _refusal(self, answer: httpx.Response, call: str) -> errors.NeonError:
        said, code = self._said(answer), _code(answer)
        if answer.status_code in (401, 403):
            return errors.NeonKeyRefusedError(call, said)
        if code.endswith("LIMIT_EXCEEDED") or "QUOTA" in code or answer.status_code == 402:
            return errors.NeonQuotaError(call, said)
        if answer.status_code == 404:
            return errors.NeonNotFoundError(call, said)
        return errors.NeonRefusedError(call, said)

    def _said(self, answer: httpx.Response) -> str:
        try:
            message = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError):
            message = answer.text[:300] or "no word about why"
        code = _code(answer)
        text = f"status {answer.status_code}{f' ({code})' if code else ''}: {message}"
        return Redactor((self.key,))(text)


@cache
def _certificates() -> ssl.SSLContext:
    """Return what is trusted; reading it takes longer than a call."""
    return httpx.create_ssl_context()


def _part(text: str) -> str:
    """Return a text as one part of a path, whatever is in it."""
    return quote(text, safe="")


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _pause(answer: httpx.Response, last: float) -> float:
    """Return the seconds until the next try: as the answer says, else longer each time."""
    told = answer.headers.get("Retry-After", "")
    own = min(last * 2, _LONGEST_PAUSE) if last else _FIRST_PAUSE
    return max(own, float(told)) if told.isdecimal() else own
