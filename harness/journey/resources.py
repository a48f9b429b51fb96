"""The kinds of things that an application keeps, as its OpenAPI document tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from harness.journey.bodies import SchemaOpaqueError, example
from harness.journey.document import (
    content,
    is_login,
    keeps_accounts,
    means_user,
    parameters,
    schema_of,
    users_in,
    wants_login,
)

METHODS = ("get", "post", "put", "patch", "delete")
_ITEM = re.compile(r"^(?P<collection>.*?)/?\{(?P<name>[^{}]+)\}/?$")


@dataclass(frozen=True)
class Resource:
    """Things of one kind: where they are created, and where each of them is.

    Attributes:
        collection: path at which one is created.
        item: path of one, with `{name}` for its id.
        name: what stands for the id in it.
        operations: of the document, by `post`, `get`, `put`, `patch` and `delete`.
        login: whether the document says that one of them is for those who have logged in.

    """

    collection: str
    item: str
    name: str
    operations: Mapping[str, Mapping[str, Any]] = field(repr=False)
    login: bool = False

    def place(self, id_: object) -> str:
        """Return the path of one of them."""
        return self.item.replace(f"{{{self.name}}}", quote(str(id_), safe=""))

    @property
    def personal(self) -> bool:
        """Whether the path says whose a thing is."""
        return bool(users_in(self.collection))

    def path_of(self, method: str) -> str:
        """Return the path of the document under which an operation stands."""
        return self.collection if method == "post" else self.item


def resources(document: Mapping[str, Any]) -> Iterator[tuple[Resource, str]]:
    """Yield each kind of thing that can be created and read, and why it cannot be tried."""
    paths: Mapping[str, Any] = document["paths"]
    by_plain = {path.rstrip("/"): path for path in paths}
    for path, told in paths.items():
        found = _ITEM.match(path)
        if found is None or not isinstance(told, Mapping) or "get" not in told:
            continue
        collection = by_plain.get(found["collection"].rstrip("/"))
        if collection is None or "post" not in paths[collection]:
            continue
        operations = {m: told[m] for m in METHODS if isinstance(told.get(m), Mapping)}
        operations["post"] = paths[collection]["post"]
        resource = Resource(collection, path, found["name"], operations)
        try:
            login = any(wants_login(document, resource.path_of(m), m) for m in operations)
            resource = replace(resource, login=login)
            yield resource, _hindrance(document, resource)
        except SchemaOpaqueError as error:
            yield resource, str(error)


def worth(resource: Resource) -> tuple[bool, int, bool]:
    """Return how much a resource tells: accounts least, then by what can be done with it."""
    own = resource.login or resource.personal
    return not keeps_accounts(resource.collection), len(resource.operations), own


def _hindrance(document: Mapping[str, Any], resource: Resource) -> str:
    """Return why a resource cannot be tried, even with an account; "" when it can."""
    if resource.collection.count("{") > len(users_in(resource.collection)):
        return "its path needs something that only another resource gives"
    if resource.login and keeps_accounts(resource.collection):
        return "it keeps accounts"
    for method in resource.operations:
        for one in parameters(document, resource.path_of(method), method):
            name, place = str(one.get("name")), one.get("in")
            if not one.get("required") or is_login(one):
                continue
            known = is_users(name) or (place == "query" and schema_of(one) is not None)
            if place in ("header", "query") and not known:
                return f"{method.upper()} needs the {place} {name}"
            if place == "query":
                example(document, schema_of(one) or {}, "a1")
    found = content(document, resource.operations["post"])
    if found is None or found[0] != "json":
        return "what is to be sent is not described as JSON"
    return ""


def is_users(name: str) -> bool:
    """Tell whether a query or header says who asks: `user_id`, `X-User-Id`."""
    return means_user(re.sub(r"(?i)^x-", "", name))
