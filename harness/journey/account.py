"""Somebody whom the application knows: what they were given when they signed up and logged in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.journey.persona import Persona

_DEEP = 5  # objects and lists within an answer
_JWT = re.compile(r"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}")
#: Names of tokens, without case and what joins their words, the likeliest first.
_TOKENS = (
    *("accesstoken", "accessjwt", "token", "jwt", "jwttoken", "authtoken", "bearertoken"),
    *("idtoken", "apitoken", "sessiontoken", "access", "bearer", "key", "apikey"),
)
_SHORTEST = 8  # characters of a token
_OWN_ID = re.compile(r"(?i)(user|owner|account|member|customer|profile)_?(id|uuid|uid)|uid")
_OWNER = re.compile(r"(?i)(current_?)?user|account|me|profile|member|customer|owner")
_IDS = ("id", "_id", "uuid", "pk")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Credential:
    """What a request carries of a login; nothing for somebody who has not logged in."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)

    def forged(self) -> Credential:
        """Return the same with secrets that nobody was given: of a JWT another signature."""
        return Credential(
            {name: _forged_header(name, value) for name, value in self.headers.items()},
            {name: _forged(value) for name, value in self.params.items()},
        )


@dataclass(frozen=True)
class Account:
    """What somebody was given.

    Attributes:
        tokens: likeliest first.
        cookies: of the session, by name.
        ids: by which the application may know them, likeliest first.
        renew: logs in once more; the same account, where that cannot be.

    """

    persona: Persona
    tokens: Sequence[str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    ids: Sequence[str | int]
    renew: Callable[[], Account] = field(repr=False)

    def credentials(self, schemes: Sequence[Mapping[str, Any]]) -> list[Credential]:
        """Return what may let them in, the likeliest first.

        Args:
            schemes: security schemes of the operation that is to be used.

        """
        found: list[Credential] = []
        for scheme in (*schemes, {}):
            for one in self._by(scheme):
                if one not in found:
                    found.append(one)
        if self.cookies and (alone := self._with({})) not in found:
            found.append(alone)
        return found

    def value(self, name: str, schema: Mapping[str, Any], turn: int = 0) -> str | int | None:
        """Return what stands for them under a name, by its schema; None when nothing fits.

        Args:
            name: of the parameter, such as `user_id` or `username`.
            schema: of its value.
            turn: which of those that fit, the likeliest is 0; after the last, the last.

        """
        own: list[str | int] = [*self.ids]
        named = [*self.persona.identities]
        if re.search(r"(?i)mail", name):
            own = [self.persona.email]
        elif re.search(r"(?i)name|login|slug", name):
            own = [self.persona.username, *named, *own]
        else:
            own = own or [*named]
        fitting = [v for one in own if (v := _fitting(one, schema)) is not None]
        return fitting[min(turn, len(fitting) - 1)] if fitting else None

    def _by(self, scheme: Mapping[str, Any]) -> Iterator[Credential]:
        kind, how = scheme.get("type"), str(scheme.get("scheme", "")).lower()
        if kind == "basic" or how == "basic":
            for identity in self.persona.identities:
                pair = f"{identity}:{self.persona.password}".encode()
                yield self._with({"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
            return
        name, place = str(scheme.get("name", "")), scheme.get("in")
        for token in self.tokens:
            if kind != "apiKey" or name.lower() == "authorization":
                yield self._with({"Authorization": f"Bearer {token}"})
            if kind == "apiKey" and place == "header":
                yield self._with({name: token})
            elif kind == "apiKey" and place == "query":
                yield Credential(self._with({}).headers, {name: token})
            elif kind == "apiKey" and place == "cookie" and name not in self.cookies:
                yield self._with({}, {name: token})

    def _with(self, headers: dict[str, str], more: Mapping[str, str] | None = None) -> Credential:
        cookies = "; ".join(f"{n}={v}" for n, v in {**self.cookies, **(more or {})}.items())
        return Credential({**headers, **({"Cookie": cookies} if cookies else {})})


def tokens_in(answers: Sequence[Any]) -> list[str]:
    """Return the tokens in answers, those that say who they are of (JWT) first."""
    found: list[tuple[int, str]] = []
    for key, value, _ in _parts(answers):
        text = value.removeprefix("Bearer ").strip() if isinstance(value, str) else ""
        plain = re.sub(r"[_-]", "", key).lower()
        known = plain in _TOKENS and len(text) >= _SHORTEST and not re.search(r"\s", text)
        if known or (claims_of(text) and "refresh" not in plain):
            rank = _TOKENS.index(plain) if plain in _TOKENS else len(_TOKENS)
            found.append((rank if claims_of(text) else rank + 100, text))
    found.sort(key=lambda one: one[0])
    return list(dict.fromkeys(text for _, text in found))


def ids_in(answers: Sequence[Any], tokens: Sequence[str]) -> list[str | int]:
    """Return by what the application may know somebody: what answers and tokens call their id."""
    found: list[tuple[int, str | int]] = []
    for key, value, above in _parts([*answers, *({"token": claims_of(t)} for t in tokens)]):
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            continue
        owner = above[-1] if above else ""
        if _OWN_ID.fullmatch(key):
            found.append((0, value))
        elif key in _IDS and _OWNER.fullmatch(owner):
            found.append((1, value))
        elif key in _IDS and not above:
            found.append((2, value))
        elif key in _IDS and owner in ("data", "result", "token"):
            found.append((3, value))
        elif key == "sub":
            found.append((4, value))
    found.sort(key=lambda one: one[0])
    return list(dict.fromkeys(value for _, value in found))


def claims_of(token: str) -> Mapping[str, Any]:
    """Return what a JWT says, unverified; nothing of another text."""
    if not _JWT.fullmatch(token):
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except ValueError:
        return {}
    return claims if isinstance(claims, Mapping) else {}


def _parts(answers: Sequence[Any]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Yield each plain value of answers, with its key and the keys of what it is in."""

    def within(part: Any, key: str, above: tuple[str, ...]) -> Iterator[tuple[str, Any, Any]]:
        if isinstance(part, Mapping) and len(above) < _DEEP:
            inside = (*above, key) if key else above
            for name, value in part.items():
                yield from within(value, str(name), inside)
        elif isinstance(part, list) and len(part) == 1:
            yield from within(part[0], key, above)
        elif not isinstance(part, Mapping | list):
            yield key, part, above

    for answer in answers:
        yield from within(answer, "", ())


def _fitting(value: str | int, schema: Mapping[str, Any]) -> str | int | None:
    kind, text = schema.get("type"), str(value)
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
    if kind in ("integer", "number"):
        return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
    if schema.get("format") == "uuid" and not _UUID.fullmatch(text):
        return None
    return text if kind == "string" else value


def _forged(secret: str) -> str:
    """Return another secret of the same form: what a JWT says stays, and is signed by nobody."""
    head, dot, tail = secret.rpartition(".") if _JWT.fullmatch(secret) else ("", "", secret)
    swapped = tail[::-1].swapcase()
    other = swapped if swapped != tail else f"{tail}x"
    return f"{head}{dot}{other}"


def _forged_header(name: str, value: str) -> str:
    if name.lower() == "cookie":
        pairs = (one.partition("=") for one in value.split("; "))
        return "; ".join(f"{key}={_forged(secret)}" for key, _, secret in pairs)
    kind, space, secret = value.rpartition(" ")
    if kind == "Basic":
        wrong = base64.b64decode(secret) + b"-wrong"
        return f"Basic {base64.b64encode(wrong).decode()}"
    return f"{kind}{space}{_forged(secret)}"
