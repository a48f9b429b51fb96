"""What Python sources tell: variables, routes, addresses, by their syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.contract.code import LOCALHOST, Code, Read, Route, Text, sounds_secret
from harness.contract.finding import Place

_VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route"}
_MODELS = {"BaseSettings", "BaseModel"}
_DATABASE = ("session", "engine", "get_db", "database", "connection", "cursor", "pool")
# `def name[T](…)`, `class Name[T]`, `type Name = …`: since Python 3.12.
_TYPE_PARAMETERS = re.compile(r"^(\s*(?:async\s+)?(?:def|class)\s+\w+)\[[^\]]*\]", re.MULTILINE)
_TYPE_ALIAS = re.compile(r"^type (?=\w+ =)", re.MULTILINE)
_BY_WORDS = re.compile(r"(?:environ|getenv|env)\b[^\n]{0,8}?[\"']([A-Z][A-Z0-9_]+)[\"']")
_CLAIMS = ("database", "db", "postgres")


@dataclass
class _Module:
    tree: ast.Module
    file: str
    #: prefix of each router by its variable
    prefixes: dict[str, str] = field(default_factory=dict)
    code: Code = field(default_factory=lambda: Code(files=1))

    def place(self, node: ast.AST) -> Place:
        return Place(self.file, getattr(node, "lineno", None))


def scan(sources: dict[str, str]) -> Code:
    """Read sources by file name; one that is no Python is left out."""
    modules, whole = [], Code()
    for file, text in sources.items():
        tree = _parsed(text)
        if tree is None:
            whole.add(_by_words(text, file))
        else:
            modules.append(_Module(tree, file))
    bases, included = _bases(modules), dict[str, list[str]]()
    for module in modules:
        _prefixes(module, included)
    for module in modules:
        _settings(module, bases)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                _call(module, node)
            elif isinstance(node, ast.Subscript):
                _subscript(module, node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                _routes(module, node, included)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                _assigned(module, node)
        whole.add(module.code)
    return whole


def _parsed(text: str) -> ast.Module | None:
    """Return the syntax tree, also of what only a newer Python than ours understands."""
    older = _TYPE_ALIAS.sub("", _TYPE_PARAMETERS.sub(r"\1", text))
    for each in (text, older):
        try:
            return ast.parse(each)
        except (SyntaxError, ValueError):
            continue
    return None


def _by_words(text: str, file: str) -> Code:
    """Return the variables that a source names which cannot be parsed."""
    code = Code(files=1)
    for match in _BY_WORDS.finditer(text):
        code.reads.append(Read(match[1], Place(file, text.count("\n", 0, match.start()) + 1)))
    return code


def _word(node: ast.AST | None) -> str | None:
    """Return a text that stands in the code, also inside `SecretStr("…")`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and _last(node.func) == "SecretStr" and node.args:
        return _word(node.args[0])
    return None


def _last(node: ast.AST) -> str:
    """Return the last name of `a.b.c`, or ''."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg in names), None)


# -- variables


def _environ(node: ast.AST) -> bool:
    return _last(node) in ("environ", "env", "environment")


def _call(module: _Module, call: ast.Call) -> None:
    name, function = _last(call.func), call.func
    getter = (
        name == "getenv"
        or (name == "get" and isinstance(function, ast.Attribute) and _environ(function.value))
        or (name in ("env", "config") and isinstance(function, ast.Name))
        or (isinstance(function, ast.Attribute) and _last(function.value) == "env")
    )
    if getter and call.args and (variable := _word(call.args[0])) and variable.isupper():
        default = call.args[1] if len(call.args) > 1 else _keyword(call, "default")
        required = default is None and name not in ("getenv", "get")
        module.code.reads.append(Read(variable, module.place(call), required, _word(default)))
    if name in ("run", "Config") and _last(getattr(function, "value", function)) == "uvicorn":
        host = _keyword(call, "host")
        if (bound := "127.0.0.1" if host is None else _word(host)) is not None:
            module.code.binds.append(Text("bind", bound, module.place(call)))
    elif name == "run" and isinstance(function, ast.Attribute) and _last(function.value) == "app":
        bound = _word(_keyword(call, "host")) or "127.0.0.1"
        module.code.binds.append(Text("bind", bound, module.place(call)))
    elif name in ("add_api_route", "Route", "add_url_rule") and call.args:
        if (path := _word(call.args[0])) and path.startswith("/"):
            module.code.routes.append(Route(path, module.place(call), "{" not in path))
    elif name in ("create_engine", "create_async_engine") and call.args:
        module.code.texts.append(Text("database", _word(call.args[0]) or "", module.place(call)))


def _subscript(module: _Module, node: ast.Subscript) -> None:
    name = _word(node.slice)
    if name and _environ(node.value) and name.isupper() and isinstance(node.ctx, ast.Load):
        module.code.reads.append(Read(name, module.place(node), required=True))


def _bases(modules: list[_Module]) -> dict[str, set[str]]:
    """Return the names of each class's bases, with those of its bases, over all modules."""
    direct = {
        node.name: {_last(base) for base in node.bases}
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }

    def all_of(name: str, seen: frozenset[str]) -> set[str]:
        own = direct.get(name, set()) - seen
        return own.union(*(all_of(base, seen | own) for base in own)) if own else set()

    return {name: all_of(name, frozenset({name})) for name in direct}


def _settings(module: _Module, bases: dict[str, set[str]]) -> None:
    """Take the fields of settings classes for variables.

    Those are pydantic's BaseSettings, and models in a module that takes variables by the
    names of fields (`environ.get(name.upper())`).
    """
    by_field = any(
        isinstance(node, ast.Call)
        and _last(node.func) in ("get", "getenv")
        and node.args
        and "upper" in ast.dump(node.args[0])
        for node in ast.walk(module.tree)
    )
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        kinds = bases.get(node.name, set()) & _MODELS
        if "BaseSettings" in kinds or (kinds and by_field):
            prefix = _env_prefix(node)
            for each in node.body:
                name = _last(each.target) if isinstance(each, ast.AnnAssign) else ""
                if isinstance(each, ast.AnnAssign) and name not in ("", "model_config"):
                    _field(module, each, name, prefix)


def _env_prefix(node: ast.ClassDef) -> str:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and (prefix := _word(_keyword(each, "env_prefix"))):
            return prefix
        if isinstance(each, ast.Assign) and _last(each.targets[0]) == "env_prefix":
            return _word(each.value) or ""
    return ""


def _field(module: _Module, node: ast.AnnAssign, name: str, prefix: str) -> None:
    names, default = [f"{prefix}{name}".upper()], node.value
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _last(call.func) == "Field":
            alias = _keyword(call, "alias", "validation_alias")
            found = [_word(each) for each in ast.walk(alias)] if alias else []
            names = [each.upper() for each in found if each] or names
            if call is node.value:
                default = call.args[0] if call.args else _keyword(call, "default")
                default = default or _keyword(call, "default_factory")
    missing = default is None or (isinstance(default, ast.Constant) and default.value is ...)
    for each in names:
        required, text = missing and len(names) == 1, _word(default) or None
        module.code.reads.append(Read(each, module.place(node), required, text, name))


# -- texts


def _assigned(module: _Module, node: ast.Assign | ast.AnnAssign) -> None:
    """Note a default behind `or`, a credential, and an address with a meaning."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name, value = _last(target), node.value
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
        fallback = _word(value.values[-1])
        for part in value.values[:-1]:
            if isinstance(part, ast.Call | ast.Subscript) and (variable := _variable(part)):
                place = module.place(part)
                module.code.reads.append(Read(variable, place, required=False, default=fallback))
    text = _word(value)
    if not name or not text:
        return
    if sounds_secret(name):
        module.code.texts.append(Text("secret", text, module.place(node), name))
    elif text.startswith(("sqlite:", "sqlite+")):
        module.code.texts.append(Text("database", text, module.place(node), name))
    elif LOCALHOST.search(text):
        module.code.texts.append(Text("localhost", text, module.place(node), name))


def _variable(node: ast.Call | ast.Subscript) -> str | None:
    word = node.args[0] if isinstance(node, ast.Call) and node.args else None
    word = node.slice if isinstance(node, ast.Subscript) else word
    name = _word(word)
    return name if name and name.isupper() else None


# -- routes


def _prefixes(module: _Module, included: dict[str, list[str]]) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            prefix = _keyword(node.value, "prefix", "url_prefix")
            if prefix is not None and isinstance(node.targets[0], ast.Name):
                module.prefixes[node.targets[0].id] = _word(prefix) or "/{unknown}"
        if isinstance(node, ast.Call) and _last(node.func) in (
            "include_router",
            "register_blueprint",
        ):
            prefix = _keyword(node, "prefix", "url_prefix")
            if prefix is not None and node.args:
                name = _last(node.args[0])
                included.setdefault(name, []).append(_word(prefix) or "/{unknown}")


def _routes(
    module: _Module,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    included: dict[str, list[str]],
) -> None:
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        path = _word(decorator.args[0]) if decorator.args else _word(_keyword(decorator, "path"))
        if decorator.func.attr not in _VERBS or path is None:
            continue
        router = _last(decorator.func.value)
        own = module.prefixes.get(router, "") + path
        for outer in included.get(router) or [""]:
            whole = outer + own or "/"
            module.code.routes.append(
                Route(
                    whole,
                    module.place(decorator),
                    fixed="{" not in whole and "<" not in whole,
                    claims=_claims(function),
                    database=_needs_database(function) or _refuses(function),
                    constant=_constant(function),
                )
            )


def _claims(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return `key: text` when an answer's word on the database is written down, not found out."""
    found = []
    for node in ast.walk(function):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            name = (_word(key) or "").lower()
            if name in _CLAIMS and (said := _word(value)):
                found.append(f"{name}: {said}")
    # Two words, such as "connected" and "unreachable", are a choice.
    return found[0] if len(set(found)) == 1 else ""


def _needs_database(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
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


def _refuses(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
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


def _constant(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a handler does nothing but answer."""
    body = [each for each in function.body if not isinstance(each, ast.Expr | ast.Pass)]
    calls = [node for each in body for node in ast.walk(each) if isinstance(node, ast.Call)]
    answers = ("JSONResponse", "Response", "PlainTextResponse", "dict")
    return len(body) == 1 and all(_last(call.func) in answers for call in calls)


def _type_name(annotation: ast.expr | None) -> str:
    names: Iterator[str] = (
        (_last(node) for node in ast.walk(annotation)) if annotation else iter(())
    )
    return " ".join(name for name in names if name)
