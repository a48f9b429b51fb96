"""Python sources as trees, and the few questions that are asked of them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from harness.contract.code import Code
from harness.contract.finding import Place

# `def name[T](…)`, `class Name[T]`, `type Name = …`: since Python 3.12.
_TYPE_PARAMETERS = re.compile(r"^(\s*(?:async\s+)?(?:def|class)\s+\w+)\[[^\]]*\]", re.MULTILINE)
_TYPE_ALIAS = re.compile(r"^type (?=\w+ =)", re.MULTILINE)


@dataclass
class Module:
    """A source file: its tree, and what it tells."""

    tree: ast.Module
    file: str
    #: prefix of each router by its variable
    prefixes: dict[str, str] = field(default_factory=dict)
    code: Code = field(default_factory=lambda: Code(files=1))

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        return Place(self.file, getattr(node, "lineno", None))


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree, also of what only a newer Python than ours understands."""
    older = _TYPE_ALIAS.sub("", _TYPE_PARAMETERS.sub(r"\1", text))
    for each in (text, older):
        try:
            return ast.parse(each)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def word(node: ast.AST | None) -> str | None:
    """Return a text that stands in the code, also inside `SecretStr("…")`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and last(node.func) == "SecretStr" and node.args:
        return word(node.args[0])
    return None


def last(node: ast.AST) -> str:
    """Return the last name of `a.b.c`, or ''."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """Return the value that a call gives under one of these names."""
    return next((each.value for each in call.keywords if each.arg in names), None)
