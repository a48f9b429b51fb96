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
    means_user,
    parameter_schema,
    parameters,
    prefix,
    schema_of,
    schemes,
    users_in,
)
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.resources import Resource, is_users, resources, worth
from harness.journey.visitor import Visitor

#: Where frameworks put it.
PLACES = (
    *("/openapi.json", "/api/openapi.json", "/api-json", "/v3/api-docs", "/swagger.json"),
    *("/api/v1/openapi.json", "/api/swagger.json", "/api-docs.json", "/docs/openapi.json"),
    *("/swagger/v1/swagger.json", "/openapi", "/api/docs/json", "/api/schema?format=json"),
    *("/openapi.yaml", "/api/openapi.yaml"),
)
_YAML = re.compile(r"""(?m)^["']?(openapi|swagger)["']?\s*:""")
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
            raise NotProvableError(
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
            own = person(name, schema) if is_users(name) else None
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
            raise NotProvableError("an OpenAPI document", error.seen) from None
        document = _read(answer) if answer.is_success else None
        if isinstance(document, Mapping) and isinstance(document.get("paths"), Mapping):
            return _choose(document)
    where = f"at {PLACES[0]} and {len(PLACES) - 1} other places"
    raise NotProvableError("an OpenAPI document", f"there is none {where}", ", ".join(PLACES))


def _read(answer: httpx.Response) -> Any:
    """Return a document in JSON or YAML, None for anything else."""
    try:
        return answer.json()
    except ValueError:
        if not _YAML.search(answer.text):
            return None
    try:
        return yaml.load(answer.text, _Plain)  # noqa: S506 - it is a safe loader
    except yaml.YAMLError:
        return None


def _choose(document: Mapping[str, Any]) -> Interface:
    found = [*resources(document)]
    possible = [resource for resource, why in found if not why]
    if not possible:
        reasons = [f"{resource.collection}: {why}" for resource, why in found]
        nothing = "it has nothing that can be created at one path and read at another below it"
        raise NotProvableError(
            "something that can be created and read", "\n".join(reasons) or nothing, "its paths"
        )
    best, *others = sorted(possible, key=worth, reverse=True)
    return Interface(document, prefix(document), best, tuple(others))
