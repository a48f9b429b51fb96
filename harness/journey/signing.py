"""How somebody comes to an account: by what the document tells, else at well-known places."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from harness.journey.account import Account, ids_in, tokens_in
from harness.journey.bodies import SchemaOpaqueError
from harness.journey.document import content, operations, prefix, wants_login
from harness.journey.errors import NotProvableError, StepFailedError, cut
from harness.journey.persona import Persona, asks_for_name, asks_for_password
from harness.journey.visitor import Visitor

_END = r"(/(email|password|credentials|new|create))?/?$"
#: Last words of a path, by how surely they mean it.
_SIGN_UP = (
    r"(sign[-_]?up|register|registrations?|join|create[-_]?(user|account))" + _END,
    r"(users?|accounts?|members?|customers?)" + _END,
)
_LOG_IN = (
    r"(log[-_]?in|sign[-_]?in|authenticate|access[-_]?token|jwt)" + _END,
    r"(tokens?|sessions?|auth)" + _END,
)
_ME = r"(?i)(^|/)(me|whoami|user-?info|profile|(current|get)[-_]?(user|account|session))/?$"
_BETTER = "/sign-up/email"  # of Better Auth
#: Better Auth first, then what people write themselves.
PLACES = (
    *("/api/auth/sign-up/email", "/api/auth/signup", "/api/auth/register"),
    *("/auth/signup", "/auth/register", "/api/v1/auth/signup", "/api/v1/auth/register"),
    *("/register", "/signup", "/api/register", "/api/users", "/users"),
)
MOST = 12  # requests that look for a place
_NOWHERE = (404, 405, 501)
_UNKNOWN = (*_NOWHERE, 401, 403)
_BROKEN = 500
_TOO_MANY, _PATIENCE = 429, 12.0  # seconds: windows of sign-ups are 10 with Better Auth
_CONFIRM = re.compile(
    r"(?i)verify|verification|(not |un)verified|confirm(ation| your| the)|(not|been) (been )?"
    r"confirmed|activate\b|activation|not (been )?activated|inactive"
)


@dataclass(frozen=True)
class _Call:
    """One request that signs up or logs in."""

    visitor: Visitor = field(repr=False)
    path: str
    kind: str = "json"
    schema: Any = None


def open_account(document: Mapping[str, Any], visitors: Sequence[Visitor]) -> Account:
    """Sign up and log in as somebody new.

    Args:
        document: the OpenAPI document.
        visitors: at the address of the document first, then where else accounts may be had.

    Raises:
        NotProvableError: nobody can sign up, or an account is not usable at once.
        StepFailedError: nobody answers.

    """
    return _Opening(document, visitors).open()


class _Opening:
    def __init__(self, document: Mapping[str, Any], visitors: Sequence[Visitor]) -> None:
        self._document, self._visitors = document, visitors
        self._persona = Persona()
        self._answers: list[Any] = []
        self._cookies: dict[str, str] = {}
        self._tried: list[str] = []
        self._said = ""  # of the sign-up
        self._refused = ""

    def open(self) -> Account:
        call = self._signed_up()
        if call is None:
            why = self._refused or ", ".join(self._tried)
            raise self._not(f"nobody can sign up: {why}")
        if not tokens_in(self._answers):
            self._logged_in(call)
        self._ask_better_auth(call)
        account = self._account(call)
        if not account.ids and account.credentials(()):
            self._ask_who(account)
            account = self._account(call)
        return account

    def _account(self, call: _Call) -> Account:
        tokens = tokens_in(self._answers)
        call.visitor.redact.add(self._persona.password, *tokens, *self._cookies.values())
        ids = ids_in(self._answers, tokens)
        return Account(self._persona, tokens, {**self._cookies}, ids, lambda: self._once_more(call))

    def _once_more(self, call: _Call) -> Account:
        kept = [*self._answers], {**self._cookies}
        self._answers.clear()
        try:
            self._logged_in(call)
            self._ask_better_auth(call)
        except NotProvableError:
            self._answers, self._cookies = kept
        else:
            self._answers += kept[0]
        return self._account(call)

    def _signed_up(self) -> _Call | None:
        """Return what signed up, None where nothing did."""
        for call in self._told(_SIGN_UP):
            try:
                body = self._persona.signing_up(self._document, call.schema)
            except SchemaOpaqueError as error:
                self._refused = self._refused or f"POST {call.path}: {error}"
                continue
            if self._sign_up(call, body):
                return call
        if self._refused:
            return None
        places = ((path, visitor) for path in PLACES for visitor in reversed(self._visitors))
        for (path, visitor), _ in zip(places, range(MOST), strict=False):
            body = self._persona.signing_up_anywhere()
            if self._sign_up(_Call(visitor, path), body):
                return _Call(visitor, path)
            if self._refused:
                return None
        return None

    def _sign_up(self, call: _Call, body: Mapping[str, Any]) -> bool:
        answer = self._send(call, "somebody signs up", body)
        if self._came(answer):
            self._said = answer.text
            return True
        if answer.status_code == _BROKEN and (call.schema is not None or _BETTER in call.path):
            seen, asked = call.visitor.told(answer), call.visitor.asked(answer)
            raise StepFailedError.status("somebody signs up", "from 200 to 299", seen, asked)
        told = f"POST {call.path} {answer.status_code}"
        self._tried.append(told)
        elsewhere = answer.status_code in _UNKNOWN or answer.is_redirect or _is_page(answer)
        if not elsewhere:
            self._refused = (
                self._refused or f"the example for {told} is refused: {self._words(call, answer)}"
            )
        return False

    def _logged_in(self, signed_up: _Call) -> None:
        """Log in where there is a way; raises NotProvableError where none leads in."""
        tried = ""
        for call in self._ways_in(signed_up):
            for body in self._login_bodies(call):
                answer = self._send(call, "somebody logs in", body)
                if self._came(answer) and (tokens_in(self._answers) or self._cookies):
                    return
                if answer.status_code in _NOWHERE or _is_page(answer):
                    break
                tried = tried or f"POST {call.path}: {self._words(call, answer)}"
        if self._cookies:  # of the sign-up
            return
        if _CONFIRM.search(tried) or _CONFIRM.search(self._said):
            raise self._not("an account has to be confirmed by e-mail first")
        if tried:
            raise self._not(f"who has signed up cannot log in: {tried}")
        # HTTP basic needs no more than name and password.

    def _ways_in(self, signed_up: _Call) -> Iterator[_Call]:
        told = [*self._told(_LOG_IN)]
        yield from told
        if not told:
            for path, kind in _beside(signed_up.path):
                yield _Call(signed_up.visitor, path, kind)

    def _login_bodies(self, call: _Call) -> Iterator[Mapping[str, Any]]:
        try:
            if call.schema is not None:
                yield from self._persona.logging_in(self._document, call.schema)
                return
        except SchemaOpaqueError as error:
            self._tried.append(f"POST {call.path}: {error}")
            return
        persona = self._persona
        if call.kind == "data":
            for identity in persona.identities:
                yield {"username": identity, "password": persona.password}
        else:
            known = {"email": persona.email, "password": persona.password}
            yield known if call.path.endswith("/email") else {**known, "username": persona.username}

    def _told(self, words: Sequence[str]) -> Iterator[_Call]:
        """Yield each operation of the document that is meant, the likeliest first."""
        found: list[tuple[int, int, _Call]] = []
        before = prefix(self._document)
        for path, operation in operations(self._document, "post"):
            rank = _rank(path, words)
            if rank is None:
                continue
            try:
                kind, schema = content(self._document, operation) or ("json", None)
                closed = wants_login(self._document, path, "post")
            except SchemaOpaqueError:
                continue
            given = self._document, schema
            if asks_for_password(*given) and asks_for_name(*given) and "{" not in path:
                call = _Call(self._visitors[0], before + path, kind, schema)
                found.append((closed, rank, call))
        yield from (call for *_, call in sorted(found, key=lambda one: one[:2]))

    def _ask_better_auth(self, call: _Call) -> None:
        """Ask for the JWT that Better Auth gives to who has a session, where it does."""
        base, found, _ = call.path.partition(_BETTER)
        if found and self._cookies:
            cookie = {"Cookie": "; ".join(f"{n}={v}" for n, v in self._cookies.items())}
            path = f"{base}/token"
            self._came(call.visitor.send("a token is asked for", "GET", path, headers=cookie))

    def _ask_who(self, account: Account) -> None:
        """Ask at `/me` and the like who has logged in."""
        before, credential = prefix(self._document), account.credentials(())[0]
        for path, _ in operations(self._document, "get"):
            if re.search(_ME, path) and "{" not in path:
                answer = self._visitors[0].send(
                    "somebody asks who they are",
                    "GET",
                    before + path,
                    headers=dict(credential.headers),
                )
                if self._came(answer):
                    return

    def _send(self, call: _Call, says: str, body: Mapping[str, Any]) -> httpx.Response:
        """Send as the application's own pages do; without that where it says they are not."""
        visitor = call.visitor
        visitor.redact.add(self._persona.password)
        parts: dict[str, Any] = {call.kind: body, "headers": {"Origin": visitor.address}}
        visitor.forget_cookies()
        answer = visitor.send(says, "POST", call.path, **parts)
        if answer.status_code == 403 and "origin" in answer.text.lower():
            del parts["headers"]
            answer = visitor.send(says, "POST", call.path, **parts)
        if answer.status_code == _TOO_MANY:
            time.sleep(_pause(answer))
            answer = visitor.send(says, "POST", call.path, **parts)
        return answer

    def _came(self, answer: httpx.Response) -> bool:
        """Keep what an answer gives; tell whether it is one."""
        if not answer.is_success or _is_page(answer):
            return False
        self._cookies |= {c.name: c.value for c in answer.cookies.jar if c.value}
        for name in ("set-auth-token", "set-auth-jwt", "authorization"):
            if name in answer.headers:
                self._answers.append({"token": answer.headers[name]})
        try:
            self._answers.append(answer.json())
        except ValueError:
            self._answers.append({"text": answer.text.strip()})
        return True

    def _words(self, call: _Call, answer: httpx.Response) -> str:
        return re.sub(r"\s+", " ", cut(call.visitor.told(answer)))

    def _not(self, why: str) -> NotProvableError:
        return NotProvableError(
            "an account",
            f"it needs a login, and {why}",
            ", ".join(dict.fromkeys(visitor.address for visitor in self._visitors)),
            "describe what people do as [[journey]] in deploy.toml",
        )


def _rank(path: str, words: Sequence[str]) -> int | None:
    """Return how surely a path means what words say, 0 is the surest; None when it does not."""
    for rank, pattern in enumerate(words):
        if re.search(rf"(?i)(^|/){pattern}", path):
            return rank
    return None


def _beside(path: str) -> Iterator[tuple[str, str]]:
    """Yield where one logs in who has signed up at a path, and how it is sent."""
    base, better, _ = path.partition(_BETTER)
    if better:
        yield f"{base}/sign-in/email", "json"
        return
    base = path.rstrip("/").rpartition("/")[0]
    named = (("login", "json"), ("signin", "json"), ("token", "data"))
    elsewhere = (("/api/auth/login", "json"), ("/auth/login", "json"))
    yield from dict((*((f"{base}/{name}", kind) for name, kind in named), *elsewhere)).items()


def _is_page(answer: httpx.Response) -> bool:
    return "html" in answer.headers.get("content-type", "")


def _pause(answer: httpx.Response) -> float:
    """Return how many seconds an application wants to be left alone, up to a limit."""
    told = answer.headers.get("retry-after") or answer.headers.get("x-retry-after") or ""
    return min(float(told), _PATIENCE) if told.isdecimal() else _PATIENCE
