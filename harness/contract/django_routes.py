"""Routes of Django: the patterns of urls.py files, and the files that these include."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from harness.contract.code import Route
from harness.contract.python_routes import handler, route
from harness.contract.python_syntax import Module, last, word

_DEPTH = 6


def routes(modules: Sequence[Module]) -> Iterator[Route]:
    """Yield the routes of all urls.py files, each below every path that includes its file.

    Django sends a path without its last slash on to the one with it, so both are answered.
    """
    files = {module.file.removesuffix(".py").replace("/", "."): module for module in modules}
    files = {name: module for name, module in files.items() if _is_urls(name)}
    included: dict[str, list[tuple[str, str]]] = {}
    for name, module in files.items():
        for path, call in _patterns(module):
            target = _included(call)
            for other in files:
                if target and (other == target or other.endswith(f".{target}")):
                    included.setdefault(other, []).append((name, path))
    for name, module in files.items():
        for path, call in _patterns(module):
            if _includes(call):
                continue
            for prefix in _prefixes(name, included, _DEPTH):
                whole = f"/{prefix}{path}"
                for each in dict.fromkeys((whole, whole.rstrip("/") or "/")):
                    view = handler(modules, last(call.args[1]))
                    yield route(each, module.place(call), view)


def _is_urls(name: str) -> bool:
    return name.rpartition(".")[2] == "urls"


def _patterns(module: Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and last(node.func) == "path" and len(node.args) > 1:
            path = word(node.args[0])
            if path is not None:
                yield path.lstrip("/"), node


def _includes(call: ast.Call) -> bool:
    view = call.args[1]
    return isinstance(view, ast.Call) and last(view.func) == "include"


def _included(call: ast.Call) -> str:
    view = call.args[1]
    if not _includes(call) or not isinstance(view, ast.Call) or not view.args:
        return ""
    return word(view.args[0]) or ""


def _prefixes(name: str, included: dict[str, list[tuple[str, str]]], depth: int) -> Iterator[str]:
    """Yield the paths below which a file's patterns stand: that of the site is at the top."""
    above = included.get(name, [])
    if not above or not depth:
        yield ""
    for outer, path in above if depth else ():
        for prefix in _prefixes(outer, included, depth - 1):
            yield prefix + path
