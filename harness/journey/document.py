"""What an OpenAPI document says of one operation: its parameters, its body, who may send it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.journey.bodies import SchemaOpaqueError, resolved

#: Who asks, in the name of a parameter: user_id, ownerId, username.
_USER = re.compile(
    r"(?i)(current_?|logged_?in_?)?(user|owner|account|author|member|customer|profile)"
    r"([_-]?(id|uuid|uid|name|key|slug|email))?|uid|email"
)
#: The same in a body, where an author may be of a book.
_USER_IN_BODY = re.compile(r"(?i)(user|owner|account|creator)_?(id|uuid|uid)|created_?by(_?id)?")
_USERS = re.compile(r"(?i)(users?|people|persons?|accounts?|members?|owners?|profiles?)")
_LOGIN_HEADER = re.compile(r"(?i)authorization|(x-)?(auth|access|session|user)?-?token")


def prefix(document: Mapping[str, Any]) -> str:
    """Return what stands before every path, as the document's servers say."""
    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", "")) if isinstance(servers[0], Mapping) else ""
    return urlsplit(url).path.rstrip("/") if "{" not in url else ""


def operations(document: Mapping[str, Any], method: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and operation of each that has a method."""
    for path, told in document["paths"].items():
        if isinstance(told, Mapping) and isinstance(told.get(method), Mapping):
            yield path, told[method]


def parameters(document: Mapping[str, Any], path: str, method: str) -> list[Mapping[str, Any]]:
    """Return the parameters of an operation. Raises SchemaOpaqueError."""
    told = document["paths"][path]
    given = (*(told.get("parameters") or ()), *(told[method].get("parameters") or ()))
    return [resolved(document, one) for one in given]


def schema_of(parameter: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of a parameter, which OpenAPI 2 has in the parameter itself."""
    schema = parameter.get("schema")
    if schema is None and "type" in parameter:
        return {k: v for k, v in parameter.items() if k not in ("required", "in", "name")}
    return schema if isinstance(schema, Mapping) else None


def content(document: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return how an operation is sent its body, `json` or `data` (a form), and the schema.

    Raises:
        SchemaOpaqueError: the body cannot be read.

    """
    body = operation.get("requestBody") or {}
    if "$ref" in body:
        body = resolved(document, body)
    told: Mapping[str, Any] = body.get("content") or {}
    for kind, one in told.items():
        if re.fullmatch(r"application/(.+\+)?json(;.*)?", kind):
            return "json", one.get("schema", {})
    if "application/x-www-form-urlencoded" in told:
        return "data", told["application/x-www-form-urlencoded"].get("schema", {})
    return _content_2(operation)


def _content_2(operation: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the same as OpenAPI 2 said it."""
    given = [p for p in operation.get("parameters") or () if isinstance(p, Mapping)]
    for one in given:
        if one.get("in") == "body":
            return "json", one.get("schema", {})
    fields = {p["name"]: schema_of(p) or {} for p in given if p.get("in") == "formData"}
    required = [p["name"] for p in given if p.get("in") == "formData" and p.get("required")]
    return ("data", {"properties": fields, "required": required}) if fields else None


def wants_login(document: Mapping[str, Any], path: str, method: str) -> bool:
    """Tell whether the document says that an operation is for those who have logged in."""
    wanted = document["paths"][path][method].get("security", document.get("security"))
    if wanted and {} not in wanted:
        return True
    given = parameters(document, path, method)
    return any(one.get("required") and is_login(one) for one in given)


def is_login(parameter: Mapping[str, Any]) -> bool:
    """Tell whether a parameter is what somebody who has logged in sends."""
    name, place = str(parameter.get("name")), parameter.get("in")
    return place == "cookie" or (place == "header" and bool(_LOGIN_HEADER.fullmatch(name)))


def schemes(document: Mapping[str, Any], path: str, method: str) -> list[Mapping[str, Any]]:
    """Return the security schemes of an operation, the likeliest first; none where none is told."""
    components = document.get("components") or {}
    known = components.get("securitySchemes") or document.get("securityDefinitions") or {}
    wanted = document["paths"][path][method].get("security", document.get("security")) or ()
    found = [known[name] for one in wanted for name in one if name in known]
    for one in parameters(document, path, method):
        if is_login(one) and str(one["name"]).lower() != "authorization":
            found.append({"type": "apiKey", "in": one["in"], "name": one["name"]})
    return [one for one in found if isinstance(one, Mapping)]


def users_in(path: str) -> list[str]:
    """Return the names in a path that stand for who asks: `/users/{id}/tasks`, `/{user_id}/…`."""
    parts = path.strip("/").split("/")
    before = ["", *parts]
    found = []
    for part, previous in zip(parts, before, strict=False):
        if part.startswith("{") and part.endswith("}"):
            name = part[1:-1]
            generic = name.lower() in ("id", "_id", "uuid", "pk", "slug")
            if _USER.fullmatch(name) or (generic and _USERS.fullmatch(previous)):
                found.append(name)
    return found


def means_user(name: str, *, in_body: bool = False) -> bool:
    """Tell whether a parameter, or a key of a body, stands for who asks."""
    return bool((_USER_IN_BODY if in_body else _USER).fullmatch(name))


def keeps_accounts(path: str) -> bool:
    """Tell whether what is at a path is accounts, or part of a login, by its last word."""
    words = [part for part in path.strip("/").split("/") if not part.startswith("{")]
    return bool(words) and bool(
        re.fullmatch(
            r"(?i)users?|accounts?|auth|sessions?|tokens?|log-?in|sign-?in|sign-?up|register"
            r"|registrations?|members?|profiles?|roles?|permissions?|api-?keys?",
            words[-1],
        )
    )


def parameter_schema(
    document: Mapping[str, Any], path: str, method: str, name: str
) -> Mapping[str, Any]:
    """Return the schema of a parameter in a path; an empty one where it is not told."""
    try:
        for one in parameters(document, path, method):
            if one.get("name") == name and one.get("in") == "path":
                return resolved(document, schema_of(one) or {})
    except SchemaOpaqueError:
        pass
    return {}
