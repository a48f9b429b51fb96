"""What an application tells of its own interface: its OpenAPI document, and what it keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx
import yaml

from harness.journey.bodies import SchemaOpaqueError, example
from harness.journey.document import (
    content,
    is_login,
    keeps_accounts,
    means_user,
    parameter_schema,
    parameters,
    prefix,
    schema_of,
    schemes,
    users_in,
    wants_login,
)
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.visitor import Visitor

#: Where frameworks put it.
PLACES = (
    *("/openapi.json", "/api/openapi.json", "/api-json", "/v3/api-docs", "/swagger.json"),
    *("/api/v1/openapi.json", "/api/swagger.json", "/api-docs.json", "/docs/openapi.json"),
    *("/swagger/v1/swagger.json", "/openapi", "/api/docs/json", "/api/schema?format=json"),
    *("/openapi.yaml", "/api/openapi.yaml"),
)
METHODS = ("get", "post", "put", "patch", "delete")
_ITEM = re.compile(r"^(?P<collection>.*?)/?\{(?P<name>[^{}]+)\}/?$")
_TRIED = 4  # resources, after one another
#: What stands for somebody under a name, by its schema; None when nothing does.
Person = Callable[[str, Mapping[str, Any]], object]


def nobody(_: str, __: Mapping[str, Any]) -> object:
    """Stand for a visitor without an account."""
    return None


class _Plain(yaml.SafeLoader):
    """Reads YAML as JSON would say it: a date is a text."""


def _as_text(_: _Plain, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Plain.add_constructor("tag:yaml.org,2002:timestamp", _as_text)


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


@dataclass(frozen=True)
class Interface:
    """The document, the prefix of its paths, and the resource that is tried.

    Attributes:
        others: what else may be tried, the best first.

    """

    document: Mapping[str, Any] = field(repr=False)
    prefix: str
    resource: Resource
    others: tuple[Resource, ...] = field(default=(), repr=False)

    def choices(self) -> Iterator[Interface]:
        """Yield this, then the same with each other resource."""
        for resource in (self.resource, *self.others)[:_TRIED]:
            yield replace(self, resource=resource)

    def body(self, operation: str, unique: str, person: Person = nobody) -> Any:
        """Return an example of what an operation is sent; None when it takes nothing.

        Raises:
            NotProvableError: none can be made.

        """
        told = self.resource.operations[operation]
        try:
            found = content(self.document, told)
            if found is None or found[0] != "json":
                return None
            made = example(self.document, found[1], unique)
        except SchemaOpaqueError as error:
            raise _not(
                f"an example for {operation.upper()} {self.resource.collection}", str(error)
            ) from None
        for name in made if isinstance(made, dict) else ():
            if means_user(name, in_body=True):
                schema = {"type": "integer"} if isinstance(made[name], int) else {}
                own = person(name, schema)
                made[name] = made[name] if own is None else own
        return made

    def path(self, method: str, id_: object, person: Person = nobody) -> str:
        """Return the path of a request, with the id of a thing and of who asks."""
        resource, told = self.resource, self.resource.path_of(method)
        path = told if method == "post" else resource.place(id_)
        for name in users_in(resource.collection):
            own = person(name, parameter_schema(self.document, told, method, name))
            path = path.replace(f"{{{name}}}", quote(str(own), safe=""))
        return self.prefix + path

    def demanded(
        self, method: str, unique: str, person: Person = nobody
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the query and headers that an operation cannot do without, but the login."""
        query, headers = dict[str, str](), dict[str, str]()
        for one in parameters(self.document, self.resource.path_of(method), method):
            name, place = str(one.get("name")), one.get("in")
            if not one.get("required") or place not in ("query", "header") or is_login(one):
                continue
            schema = schema_of(one) or {}
            own = person(name, schema) if _is_users(name) else None
            value = example(self.document, schema, unique) if own is None else own
            into = query if place == "query" else headers
            into[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return query, headers

    def schemes(self) -> list[Mapping[str, Any]]:
        """Return by which schemes the resource knows who asks, as far as is told."""
        return [
            scheme
            for method in self.resource.operations
            for scheme in schemes(self.document, self.resource.path_of(method), method)
        ]


def discover(visitor: Visitor) -> Interface:
    """Ask an application for its document, and choose what to try.

    Raises:
        NotProvableError: there is no document, or nothing in it that can be tried.

    """
    for place in PLACES:
        try:
            answer = visitor.send("its OpenAPI document is asked for", "GET", place)
        except StepFailedError as error:
            raise _not("an OpenAPI document", error.seen) from None
        document = _read(answer) if answer.is_success else None
        if isinstance(document, Mapping) and isinstance(document.get("paths"), Mapping):
            return _choose(document)
    where = f"at {PLACES[0]} and {len(PLACES) - 1} other places"
    raise _not("an OpenAPI document", f"there is none {where}", ", ".join(PLACES))


def _read(answer: httpx.Response) -> Any:
    """Return a document in JSON or YAML, None for anything else."""
    try:
        return answer.json()
    except ValueError:
        if "html" in answer.headers.get("content-type", ""):
            return None
    try:
        return yaml.load(answer.text, _Plain)  # noqa: S506 - it is a safe loader
    except yaml.YAMLError:
        return None


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


def _choose(document: Mapping[str, Any]) -> Interface:
    found = [*resources(document)]
    possible = [resource for resource, why in found if not why]
    if not possible:
        reasons = [f"{resource.collection}: {why}" for resource, why in found]
        nothing = "it has nothing that can be created at one path and read at another below it"
        raise _not(
            "something that can be created and read", "\n".join(reasons) or nothing, "its paths"
        )
    best, *others = sorted(possible, key=_worth, reverse=True)
    return Interface(document, prefix(document), best, tuple(others))


def _worth(resource: Resource) -> tuple[bool, int, bool]:
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
            known = _is_users(name) or (place == "query" and schema_of(one) is not None)
            if place in ("header", "query") and not known:
                return f"{method.upper()} needs the {place} {name}"
            if place == "query":
                example(document, schema_of(one) or {}, "a1")
    found = content(document, resource.operations["post"])
    if found is None or found[0] != "json":
        return "what is to be sent is not described as JSON"
    return ""


def _is_users(name: str) -> bool:
    """Tell whether a query or header says who asks: `user_id`, `X-User-Id`."""
    return means_user(re.sub(r"(?i)^x-", "", name))


def _not(needed: str, why: str, looked: str = "the public address") -> NotProvableError:
    fix = "describe what people do as [[journey]] in deploy.toml"
    return NotProvableError(needed, why, looked, fix)
