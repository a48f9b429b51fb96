"""What Python sources tell: variables, routes, addresses, by their syntax tree."""

from __future__ import annotations

import ast
import re

from harness.contract import django_routes
from harness.contract.code import LOCALHOST, Code, Read, Text, sounds_secret
from harness.contract.finding import Place
from harness.contract.python_routes import handler, prefixes, route, routes
from harness.contract.python_syntax import Module, keyword, last, parsed, word

_MODELS = {"BaseSettings", "BaseModel"}
_BY_WORDS = re.compile(r"(?:environ|getenv|env)\b[^\n]{0,8}?[\"']([A-Z][A-Z0-9_]+)[\"']")


def scan(sources: dict[str, str]) -> Code:
    """Read sources by file name; one that cannot be parsed is read by its words."""
    modules, whole = [], Code()
    for file, text in sources.items():
        tree = parsed(text)
        if tree is None:
            whole.add(_by_words(text, file))
        else:
            modules.append(Module(tree, file))
    bases, included = _bases(modules), dict[str, list[str]]()
    for module in modules:
        prefixes(module, included)
    for module in modules:
        _settings(module, bases)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                _call(module, node)
            elif isinstance(node, ast.Subscript):
                _subscript(module, node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                routes(module, node, included)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                _assigned(module, node)
        whole.add(module.code)
    whole.routes += django_routes.routes(modules)
    return whole


def _by_words(text: str, file: str) -> Code:
    """Return the variables that a source names which cannot be parsed."""
    code = Code(files=1)
    for match in _BY_WORDS.finditer(text):
        code.reads.append(Read(match[1], Place(file, text.count("\n", 0, match.start()) + 1)))
    return code


# -- variables


def _environ(node: ast.AST) -> bool:
    return last(node) in ("environ", "env", "environment")


def _call(module: Module, call: ast.Call) -> None:
    name, function = last(call.func), call.func
    getter = (
        name == "getenv"
        or (name == "get" and isinstance(function, ast.Attribute) and _environ(function.value))
        or (name in ("env", "config") and isinstance(function, ast.Name))
        or (isinstance(function, ast.Attribute) and last(function.value) == "env")
    )
    if getter and call.args and (variable := word(call.args[0])) and variable.isupper():
        default = call.args[1] if len(call.args) > 1 else keyword(call, "default")
        required = default is None and name not in ("getenv", "get")
        module.code.reads.append(Read(variable, module.place(call), required, word(default)))
    if name in ("run", "Config") and last(getattr(function, "value", function)) == "uvicorn":
        host = keyword(call, "host")
        if (bound := "127.0.0.1" if host is None else word(host)) is not None:
            module.code.binds.append(Text("bind", bound, module.place(call)))
    elif name == "run" and isinstance(function, ast.Attribute) and last(function.value) == "app":
        bound = word(keyword(call, "host")) or "127.0.0.1"
        module.code.binds.append(Text("bind", bound, module.place(call)))
    elif name in ("add_api_route", "Route", "add_url_rule") and call.args:
        if (path := word(call.args[0])) and path.startswith("/"):
            named = keyword(call, "endpoint", "view_func") or (call.args[1:] or [call])[-1]
            found = handler([module], last(named))
            module.code.routes.append(route(path, module.place(call), found))
    elif name in ("create_engine", "create_async_engine") and call.args:
        module.code.texts.append(Text("database", word(call.args[0]) or "", module.place(call)))


def _subscript(module: Module, node: ast.Subscript) -> None:
    name = word(node.slice)
    if name and _environ(node.value) and name.isupper() and isinstance(node.ctx, ast.Load):
        module.code.reads.append(Read(name, module.place(node), required=True))


def _bases(modules: list[Module]) -> dict[str, set[str]]:
    """Return the names of each class's bases, with those of its bases, over all modules."""
    direct = {
        node.name: {last(base) for base in node.bases}
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }

    def all_of(name: str, seen: frozenset[str]) -> set[str]:
        own = direct.get(name, set()) - seen
        return own.union(*(all_of(base, seen | own) for base in own)) if own else set()

    return {name: all_of(name, frozenset({name})) for name in direct}


def _settings(module: Module, bases: dict[str, set[str]]) -> None:
    """Take the fields of settings classes for variables.

    Those are pydantic's BaseSettings, and models in a module that takes variables by the
    names of fields (`environ.get(name.upper())`).
    """
    by_field = any(
        isinstance(node, ast.Call)
        and last(node.func) in ("get", "getenv")
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
                name = last(each.target) if isinstance(each, ast.AnnAssign) else ""
                if isinstance(each, ast.AnnAssign) and name not in ("", "model_config"):
                    _field(module, each, name, prefix)


def _env_prefix(node: ast.ClassDef) -> str:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and (prefix := word(keyword(each, "env_prefix"))):
            return prefix
        if isinstance(each, ast.Assign) and last(each.targets[0]) == "env_prefix":
            return word(each.value) or ""
    return ""


def _field(module: Module, node: ast.AnnAssign, name: str, prefix: str) -> None:
    names, default = [f"{prefix}{name}".upper()], node.value
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and last(call.func) == "Field":
            alias = keyword(call, "alias", "validation_alias")
            found = [word(each) for each in ast.walk(alias)] if alias else []
            names = [each.upper() for each in found if each] or names
            if call is node.value:
                default = call.args[0] if call.args else keyword(call, "default")
                default = default or keyword(call, "default_factory")
    missing = default is None or (isinstance(default, ast.Constant) and default.value is ...)
    for each in names:
        required, text = missing and len(names) == 1, word(default) or None
        module.code.reads.append(Read(each, module.place(node), required, text, name))


# -- texts


def _assigned(module: Module, node: ast.Assign | ast.AnnAssign) -> None:
    """Note a default behind `or`, a credential, and an address with a meaning."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name, value = last(target), node.value
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or):
        fallback = word(value.values[-1])
        for part in value.values[:-1]:
            if isinstance(part, ast.Call | ast.Subscript) and (variable := _variable(part)):
                place = module.place(part)
                module.code.reads.append(Read(variable, place, required=False, default=fallback))
    text = word(value)
    if not name or not text:
        return
    if sounds_secret(name):
        module.code.texts.append(Text("secret", text, module.place(node), name))
    elif text.startswith(("sqlite:", "sqlite+")):
        module.code.texts.append(Text("database", text, module.place(node), name))
    elif LOCALHOST.search(text):
        module.code.texts.append(Text("localhost", text, module.place(node), name))


def _variable(node: ast.Call | ast.Subscript) -> str | None:
    key = node.args[0] if isinstance(node, ast.Call) and node.args else None
    name = word(node.slice if isinstance(node, ast.Subscript) else key)
    return name if name and name.isupper() else None
