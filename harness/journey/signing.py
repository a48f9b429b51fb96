"""How somebody comes to an account: by what the document tells, else at well-known places."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from harness.journey.account import Account, ids_in, tokens_in
from harness.journey.bodies import SchemaOpaqueError
from harness.journey.errors import NotProvableError, StepFailedError, cut
from harness.journey.logins import (
    BETTER_AUTH,
    LOG_IN,
    PLACES,
    SIGN_UP,
    Call,
    beside,
    told,
    who_am_i,
)
from harness.journey.persona import Persona
from harness.journey.visitor import Visitor

MOST = 12  # requests that look for a place
_NOWHERE = (404, 405, 501)
_UNKNOWN = (*_NOWHERE, 401, 403)
_BROKEN = 500
_TOO_MANY, _PATIENCE = 429, 12.0  # seconds: windows of sign-ups are 10 with Better Auth
_CONFIRM = re.compile(
    r"(?i)verify|verification|(not |un)verified|confirm(ation| your| the)|(not|been) (been )?"
    r"confirmed|activate\b|activation|not (been )?activated|inactive"
)


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
        self._before: list[Any] = []  # answers before the last login
        self._cookies: dict[str, str] = {}
        self._tried: dict[int, list[str]] = {}  # paths by status
        self._said = ""  # of the sign-up
        self._refused = ""

    def open(self) -> Account:
        call = self._signed_up()
        if call is None:
            each = (
                f"POST {', '.join(dict.fromkeys(paths))}: {status}"
                for status, paths in self._tried.items()
            )
            raise self._not(f"nobody can sign up: {self._refused or '; '.join(each)}")
        if not tokens_in(self._answers):
            self._logged_in(call)
        self._ask_better_auth(call)
        account = self._account(call)
        if not account.ids and account.credentials(()):
            self._ask_who(account)
            account = self._account(call)
        return account

    def _account(self, call: Call) -> Account:
        tokens = tokens_in(self._answers)
        call.visitor.redact.add(self._persona.password, *tokens, *self._cookies.values())
        ids = ids_in([*self._answers, *self._before], tokens)
        return Account(self._persona, tokens, {**self._cookies}, ids, lambda: self._once_more(call))

    def _once_more(self, call: Call) -> Account:
        answers, cookies = self._answers, {**self._cookies}
        self._answers = []
        try:
            self._logged_in(call)
            self._ask_better_auth(call)
        except NotProvableError:
            self._answers, self._cookies = answers, cookies
        else:
            self._before += answers
        return self._account(call)

    def _signed_up(self) -> Call | None:
        """Return what signed up, None where nothing did."""
        for call in told(self._document, SIGN_UP, self._visitors[0]):
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
            if self._sign_up(Call(visitor, path), body):
                return Call(visitor, path)
            if self._refused:
                return None
        return None

    def _sign_up(self, call: Call, body: Mapping[str, Any]) -> bool:
        answer = self._send(call, "somebody signs up", body)
        if self._came(answer):
            self._said = answer.text
            return True
        if answer.status_code == _BROKEN and (call.schema is not None or BETTER_AUTH in call.path):
            seen, asked = call.visitor.told(answer), call.visitor.asked(answer)
            raise StepFailedError.status("somebody signs up", "from 200 to 299", seen, asked)
        elsewhere = answer.status_code in _UNKNOWN or answer.is_redirect or _is_page(answer)
        self._tried.setdefault(answer.status_code, []).append(call.path)
        if not elsewhere:
            why = f"the example for POST {call.path} is refused: {self._words(call, answer)}"
            self._refused = self._refused or why
        return False

    def _logged_in(self, signed_up: Call) -> None:
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

    def _ways_in(self, signed_up: Call) -> Iterator[Call]:
        known = [*told(self._document, LOG_IN, self._visitors[0])]
        yield from known
        if not known:
            for path, kind in beside(signed_up.path):
                yield Call(signed_up.visitor, path, kind)

    def _login_bodies(self, call: Call) -> Iterator[Mapping[str, Any]]:
        try:
            if call.schema is not None:
                yield from self._persona.logging_in(self._document, call.schema)
                return
        except SchemaOpaqueError:
            return
        persona = self._persona
        if call.kind == "data":
            for identity in persona.identities:
                yield {"username": identity, "password": persona.password}
        else:
            known = {"email": persona.email, "password": persona.password}
            yield known if call.path.endswith("/email") else {**known, "username": persona.username}

    def _ask_better_auth(self, call: Call) -> None:
        """Ask for the JWT that Better Auth gives to who has a session, where it does."""
        base, found, _ = call.path.partition(BETTER_AUTH)
        if found and self._cookies:
            cookie = {"Cookie": "; ".join(f"{n}={v}" for n, v in self._cookies.items())}
            path = f"{base}/token"
            self._came(call.visitor.send("a token is asked for", "GET", path, headers=cookie))

    def _ask_who(self, account: Account) -> None:
        """Ask at `/me` and the like who has logged in."""
        [credential, *_] = account.credentials(())
        says, headers = "somebody asks who they are", dict(credential.headers)
        for path in who_am_i(self._document):
            if self._came(self._visitors[0].send(says, "GET", path, headers=headers)):
                return

    def _send(self, call: Call, says: str, body: Mapping[str, Any]) -> httpx.Response:
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

    def _words(self, call: Call, answer: httpx.Response) -> str:
        return re.sub(r"\s+", " ", cut(call.visitor.told(answer)))

    def _not(self, why: str) -> NotProvableError:
        looked = ", ".join(dict.fromkeys(visitor.address for visitor in self._visitors))
        return NotProvableError("an account", f"it needs a login, and {why}", looked)


def _is_page(answer: httpx.Response) -> bool:
    return "html" in answer.headers.get("content-type", "")


def _pause(answer: httpx.Response) -> float:
    """Return how many seconds an application wants to be left alone, up to a limit."""
    told = answer.headers.get("retry-after") or answer.headers.get("x-retry-after") or ""
    return min(float(told), _PATIENCE) if told.isdecimal() else _PATIENCE
