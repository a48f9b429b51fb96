"""Somebody who signs up: a name, an address and a password that nobody had before."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.journey.bodies import SchemaOpaqueError, example, resolved

_DEEP = 3  # objects within a body: {"user": {"email": …}}
_PASSWORD = re.compile(r"(?i).*passw.*|pwd|pass|passphrase")
_EMAIL = re.compile(r"(?i).*e?-?mail.*")
_USERNAME = re.compile(
    r"(?i)(user|nick|screen|login|account|display)_?name|login|user|handle|identifier|nick"
)
_NAME = re.compile(r"(?i)(full_?|first_?|last_?|your_?)?name")
_Say = Callable[[str, Mapping[str, Any]], str | None]


@dataclass
class Persona:
    """What somebody says of themselves, the same each time.

    Attributes:
        said: what they said when they signed up, by key.

    """

    unique: str = field(default_factory=lambda: secrets.token_hex(8))
    said: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.email = f"{self.unique}@example.com"
        self.username = f"u{self.unique[:11]}"
        self.password = f"Aa1!{secrets.token_hex(6)}"

    def signing_up(self, document: Mapping[str, Any], schema: Any) -> dict[str, Any]:
        """Return the body of a sign-up.

        Raises:
            SchemaOpaqueError: none can be made.

        """
        names = set(_names(document, schema))
        called = any(_EMAIL.fullmatch(n) or _USERNAME.fullmatch(n) for n in names)

        def say(name: str, part: Mapping[str, Any]) -> str | None:
            said: str | None = None
            if _PASSWORD.fullmatch(name):
                self.password = said = _fitted(self.password, part, name)
            elif _EMAIL.fullmatch(name):
                said = self.email
            elif _USERNAME.fullmatch(name) or (not called and _NAME.fullmatch(name)):
                self.username = said = _fitted(self.username, part, name)
            if said is not None:
                self.said[name] = said
            return said

        return _body(document, schema, self.unique, say)

    def signing_up_anywhere(self) -> dict[str, Any]:
        """Return the body of a sign-up that nothing is known of."""
        self.said = {"email": self.email, "username": self.username}
        return {**self.said, "name": self.username, "password": self.password}

    def logging_in(self, document: Mapping[str, Any], schema: Any) -> Iterator[dict[str, Any]]:
        """Yield the bodies of a login, the likeliest first. Raises SchemaOpaqueError."""
        before: list[dict[str, Any]] = []
        for identity in self.identities:

            def say(name: str, _: Mapping[str, Any], identity: str = identity) -> str | None:
                if _PASSWORD.fullmatch(name):
                    return self.password
                if name in self.said:
                    return str(self.said[name])
                if name == "grant_type":
                    return "password"
                if _EMAIL.fullmatch(name):
                    return self.email
                return identity if _USERNAME.fullmatch(name) or _NAME.fullmatch(name) else None

            body = _body(document, schema, self.unique, say)
            if body not in before:
                before.append(body)
                yield body

    @property
    def identities(self) -> list[str]:
        """By what they may be known: what they said of user name and address."""
        known = [value for value in self.said.values() if value in (self.username, self.email)]
        return list(dict.fromkeys(known)) or [self.email]


def asks_for_password(document: Mapping[str, Any], schema: Any) -> bool:
    """Tell whether a body has a password in it."""
    return any(_PASSWORD.fullmatch(name) for name in _names(document, schema))


def asks_for_name(document: Mapping[str, Any], schema: Any) -> bool:
    """Tell whether a body says who it is that has the password."""
    kinds = (_EMAIL, _USERNAME, _NAME)
    return any(kind.fullmatch(name) for name in _names(document, schema) for kind in kinds)


def _names(document: Mapping[str, Any], schema: Any, deep: int = 0) -> Iterator[str]:
    try:
        told = resolved(document, schema).get("properties") or {}
    except SchemaOpaqueError:
        return
    for name, part in told.items():
        yield str(name)
        if deep < _DEEP:
            yield from _names(document, part, deep + 1)


def _body(
    document: Mapping[str, Any], schema: Any, unique: str, say: _Say, deep: int = 0
) -> dict[str, Any]:
    """Return a body with what is said by somebody, and examples of the rest that is demanded."""
    schema, whole = resolved(document, schema), dict[str, Any]()
    demanded = schema.get("required") or ()
    for name, given in (schema.get("properties") or {}).items():
        part = resolved(document, given)
        if part.get("properties"):
            if deep < _DEEP and (name in demanded or asks_for_password(document, part)):
                whole[name] = _body(document, part, unique, say, deep + 1)
        elif (said := say(name, part)) is not None:
            whole[name] = said
        elif name in demanded:
            whole[name] = example(document, part, unique)
    return whole


def _fitted(text: str, schema: Mapping[str, Any], name: str) -> str:
    """Return a text as long as a schema wants it, and of its pattern."""
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", len(text) + 64))
    text = text[:most] + "0" * (least - len(text))
    pattern = str(schema.get("pattern", ""))
    for tried in (text, re.sub(r"\W", "", text), f"{text}A!", re.sub(r"\D", "1", text)):
        try:
            if least <= len(tried) <= most and re.search(pattern, tried):
                return tried
        except re.error:
            return text
    raise SchemaOpaqueError(f"no {name} is known that matches {pattern}")
