"""Routes of Python programs: FastAPI, Starlette, Flask and their like."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from harness.contract.code import Route
from harness.contract.finding import Place
from harness.contract.python_syntax import Module, keyword, last, word

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route"}
_DATABASE = ("session", "engine", "get_db", "database", "connection", "cursor", "pool")
_CLAIMS = ("database", "db", "postgres")
_NAMED = re.compile(
    r"database|\bdb\b|engine|session|postgres|pool|connection|cursor", re.IGNORECASE
)
_NOT_WELL = re.compile(r"\b50[0-9]\b|HTTP_50[0-9]")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def prefixes(module: Module, included: dict[str, list[str]]) -> None:
    """Note the prefix of each router, its own and that under which it is included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            prefix = keyword(node.value, "prefix", "url_prefix")
            if prefix is not None and isinstance(node.targets[0], ast.Name):
                module.prefixes[node.targets[0].id] = word(prefix) or "/{unknown}"
        if isinstance(node, ast.Call) and last(node.func) in (
            "include_router",
            "register_blueprint",
        ):
            prefix = keyword(node, "prefix", "url_prefix")
            if prefix is not None and node.args:
                name = last(node.args[0])
                included.setdefault(name, []).append(word(prefix) or "/{unknown}")


def routes(
    module: Module,
    function: Function,
    included: dict[str, list[str]],
) -> None:
    """Note the routes that a function's decorators make of it."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        path = word(decorator.args[0]) if decorator.args else word(keyword(decorator, "path"))
        if decorator.func.attr not in _VERBS or path is None:
            continue
        router = last(decorator.func.value)
        own = module.prefixes.get(router, "") + path
        for outer in included.get(router) or [""]:
            whole = outer + own or "/"
            module.code.routes.append(route(whole, module.place(decorator), function))


def route(path: str, place: Place, handler: Function | None) -> Route:
    """Return a route with what its handler tells, where that is known."""
    fixed = "{" not in path and "<" not in path
    if handler is None:
        return Route(path, place, fixed)
    database = _needs_database(handler) or _refuses(handler) or _fails(handler)
    claims, constant = _claims(handler), _constant(handler)
    return Route(path, place, fixed, claims=claims, database=database, constant=constant)


def handler(modules: Iterable[Module], name: str) -> Function | None:
    """Return the function of a name; None when there is none, or more than one."""
    found = [
        node
        for module in modules
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return found[0] if name and len(found) == 1 else None


def _claims(function: Function) -> str:
    """Return `key: text` when an answer's word on the database is written down, not found out."""
    found = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            name = (word(key) or "").lower()
            if name in _CLAIMS and (said := word(value)):
                found.append(f"{name}: {said}")
    # Two words, such as "connected" and "unreachable", are a choice.
    return found[0] if len(set(found)) == 1 else ""


def _needs_database(function: Function) -> str:
    arguments = function.args
    for argument in (*arguments.args, *arguments.kwonlyargs):
        annotation = ast.dump(argument.annotation) if argument.annotation else ""
        words = f"{argument.arg} {_type_name(argument.annotation)}".lower()
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]
        depends = "Depends" in annotation or any("Depends" in ast.dump(d) for d in defaults)
        if any(word in words for word in _DATABASE) and (
            depends or "session" in _type_name(argument.annotation).lower()
        ):
            return argument.arg
    return ""


def _refuses(function: Function) -> str:
    """Return the condition on a database by which a handler says that it is not well."""
    for node in ast.walk(function):
        if not isinstance(node, ast.If):
            continue
        condition = ast.unparse(node.test)
        answers = "\n".join(ast.unparse(each) for each in node.body)
        if re.search(r"database|\bdb\b|engine|session|postgres|pool", condition, re.I) and (
            re.search(r"\b5\d\d\b|HTTP_5\d\d|raise ", answers)
        ):
            return condition
    return ""


def _fails(function: Function) -> str:
    """Return what a handler asks of a database, whose failure it answers with 500 or more."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Try):
            continue
        asked = [line for each in node.body for line in ast.unparse(each).splitlines()]
        answers = "\n".join(ast.unparse(each) for each in node.handlers)
        named = [line.strip() for line in asked if _NAMED.search(line)]
        if named and _NOT_WELL.search(answers):
            return named[0][:60]
    return ""


def _constant(function: Function) -> bool:
    """Say whether a handler does nothing but answer."""
    body = [each for each in function.body if not isinstance(each, ast.Expr | ast.Pass)]
    calls = [node for each in body for node in ast.walk(each) if isinstance(node, ast.Call)]
    answers = ("JSONResponse", "JsonResponse", "HttpResponse", "Response", "PlainTextResponse")
    return len(body) == 1 and all(
        last(call.func) in (*answers, "jsonify", "dict") for call in calls
    )


def _type_name(annotation: ast.expr | None) -> str:
    names: Iterator[str] = (last(node) for node in ast.walk(annotation)) if annotation else iter(())
    return " ".join(name for name in names if name)
