"""Where an application lets people sign up and log in: as its document tells, and by custom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.journey.bodies import SchemaOpaqueError
from harness.journey.document import content, operations, prefix, wants_login
from harness.journey.persona import asks_for_name, asks_for_password
from harness.journey.visitor import Visitor

_END = r"(/(email|password|credentials|new|create))?/?$"
#: Last words of a path, by how surely they mean it.
SIGN_UP = (
    r"(sign[-_]?up|register|registrations?|join|create[-_]?(user|account))" + _END,
    r"(users?|accounts?|members?|customers?)" + _END,
)
LOG_IN = (
    r"(log[-_]?in|sign[-_]?in|authenticate|access[-_]?token|jwt)" + _END,
    r"(tokens?|sessions?|auth)" + _END,
)
_ME = r"(?i)(^|/)(me|whoami|user-?info|profile|(current|get)[-_]?(user|account|session))/?$"
BETTER_AUTH = "/sign-up/email"
#: Better Auth's first, then what people write themselves.
PLACES = (
    *("/api/auth/sign-up/email", "/api/auth/signup", "/api/auth/register"),
    *("/auth/signup", "/auth/register", "/api/v1/auth/signup", "/api/v1/auth/register"),
    *("/register", "/signup", "/api/register", "/api/users", "/users"),
)


@dataclass(frozen=True)
class Call:
    """One request that signs up or logs in.

    Attributes:
        kind: how the body goes: `json`, or `data` for a form.
        schema: of the body, None where nothing is known of it.

    """

    visitor: Visitor = field(repr=False)
    path: str
    kind: str = "json"
    schema: Any = None


def told(document: Mapping[str, Any], words: Sequence[str], visitor: Visitor) -> Iterator[Call]:
    """Yield each operation that is meant by SIGN_UP or LOG_IN, the likeliest first.

    One that is itself for those who have logged in comes last.
    """
    found: list[tuple[bool, int, Call]] = []
    for path, operation in operations(document, "post"):
        rank = _rank(path, words)
        if rank is None or "{" in path:
            continue
        try:
            kind, schema = content(document, operation) or ("json", None)
            closed = wants_login(document, path, "post")
        except SchemaOpaqueError:
            continue
        if asks_for_password(document, schema) and asks_for_name(document, schema):
            found.append((closed, rank, Call(visitor, prefix(document) + path, kind, schema)))
    yield from (call for *_, call in sorted(found, key=lambda one: one[:2]))


def beside(path: str) -> Iterator[tuple[str, str]]:
    """Yield where one logs in who has signed up at a path, and how it is sent."""
    base, better, _ = path.partition(BETTER_AUTH)
    if better:
        yield f"{base}/sign-in/email", "json"
        return
    base = path.rstrip("/").rpartition("/")[0]
    named = (("login", "json"), ("signin", "json"), ("token", "data"))
    elsewhere = (("/api/auth/login", "json"), ("/auth/login", "json"))
    yield from dict((*((f"{base}/{name}", kind) for name, kind in named), *elsewhere)).items()


def who_am_i(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths at which somebody is told who they are."""
    for path, _ in operations(document, "get"):
        if re.search(_ME, path) and "{" not in path:
            yield prefix(document) + path


def _rank(path: str, words: Sequence[str]) -> int | None:
    """Return how surely a path means what words say, 0 is the surest; None when it does not."""
    for rank, pattern in enumerate(words):
        if re.search(rf"(?i)(^|/){pattern}", path):
            return rank
    return None
