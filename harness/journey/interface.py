"""What an application tells of its own interface: its OpenAPI document, and what it keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.journey.bodies import SchemaOpaqueError, example
from harness.journey.errors import NotProvableError, StepFailedError
from harness.journey.visitor import Visitor

#: Where frameworks put it.
PLACES = (
    *("/openapi.json", "/api/openapi.json", "/api-json", "/v3/api-docs", "/swagger.json"),
    *("/api/v1/openapi.json", "/api/swagger.json", "/api-docs.json", "/docs/openapi.json"),
    *("/swagger/v1/swagger.json", "/openapi", "/api/docs/json", "/api/schema?format=json"),
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

    """

    collection: str
    item: str
    name: str
    operations: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def place(self, id_: object) -> str:
        """Return the path of one of them."""
        from urllib.parse import quote

        return self.item.replace(f"{{{self.name}}}", quote(str(id_), safe=""))


@dataclass(frozen=True)
class Interface:
    """The document, the prefix of its paths, and the resource that is tried."""

    document: Mapping[str, Any] = field(repr=False)
    prefix: str
    resource: Resource

    def body(self, operation: str, unique: str) -> Any:
        """Return an example of what an operation is sent; None when it takes nothing.

        Raises:
            NotProvableError: none can be made.

        """
        told = self.resource.operations[operation]
        try:
            schema = _schema(self.document, told)
            return None if schema is None else example(self.document, schema, unique)
        except SchemaOpaqueError as error:
            raise _not(
                f"an example for {operation.upper()} {self.resource.collection}", str(error)
            ) from None


def discover(visitor: Visitor) -> Interface:
    """Ask an application for its document, and choose what to try.

    Raises:
        NotProvableError: there is no document, or nothing in it that can be tried.

    """
    for place in PLACES:
        try:
            answer = visitor.send("its OpenAPI document is asked for", "GET", place)
            document = answer.json() if answer.is_success else None
        except StepFailedError as error:
            raise _not("an OpenAPI document", error.seen) from None
        except ValueError:
            document = None
        if isinstance(document, Mapping) and isinstance(document.get("paths"), Mapping):
            return _choose(document)
    where = f"at {PLACES[0]} and {len(PLACES) - 1} other places"
    raise _not("an OpenAPI document", f"there is none {where}", ", ".join(PLACES))


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
        yield resource, _hindrance(document, resource)


def _choose(document: Mapping[str, Any]) -> Interface:
    found = [*resources(document)]
    possible = [resource for resource, why in found if not why]
    if not possible:
        reasons = [f"{resource.collection}: {why}" for resource, why in found]
        nothing = "it has nothing that can be created at one path and read at another below it"
        raise _not(
            "something that can be created and read", "\n".join(reasons) or nothing, "its paths"
        )
    best = max(possible, key=lambda resource: len(resource.operations))
    return Interface(document, _prefix(document), best)


def _hindrance(document: Mapping[str, Any], resource: Resource) -> str:
    """Return why a resource cannot be tried by somebody without an account; "" when it can."""
    if "{" in resource.collection:
        return "its path needs something that only a login or another resource gives"
    for method, operation in resource.operations.items():
        wanted = operation.get("security", document.get("security"))
        if wanted and {} not in wanted:
            return f"{method.upper()} needs a login, which cannot be made from the document"
        for parameter in operation.get("parameters", ()):
            if parameter.get("required") and parameter.get("in") in ("header", "query", "cookie"):
                return f"{method.upper()} needs the {parameter['in']} {parameter.get('name')}"
    try:
        body = _schema(document, resource.operations["post"])
    except SchemaOpaqueError as error:
        return str(error)
    return "" if body is not None else "what is to be sent is not described as JSON"


def _schema(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    """Return the schema of what an operation is sent as JSON, None when there is none."""
    body = operation.get("requestBody", {})
    if "$ref" in body:
        from harness.journey.bodies import resolved

        body = resolved(document, body)
    for kind, content in body.get("content", {}).items():
        if re.fullmatch(r"application/(.+\+)?json(;.*)?", kind):
            return content.get("schema", {})
    # As OpenAPI 2 said it.
    given = (p for p in operation.get("parameters", ()) if p.get("in") == "body")
    return next((p.get("schema", {}) for p in given), None)


def _prefix(document: Mapping[str, Any]) -> str:
    """Return what stands before every path, as the document's servers say."""
    from urllib.parse import urlsplit

    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", "")) if isinstance(servers[0], Mapping) else ""
    return urlsplit(url).path.rstrip("/") if "{" not in url else ""


def _not(needed: str, why: str, looked: str = "the public address") -> NotProvableError:
    fix = "describe what people do as [[journey]] in deploy.toml"
    return NotProvableError(needed, why, looked, fix)
