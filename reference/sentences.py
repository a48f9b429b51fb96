"""The page of the vocabulary: each sentence that a feature file may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType

from pytest_bdd import parsers
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from reference.modules import fixtures_in, loaded, summary
from reference.table import code, table

_ABOUT = """\
Every sentence has exactly one definition; a feature file with another sentence is refused before
anything runs. `{name}` stands for words of yours; between slashes stands a regular expression.
*gives* is the fixture that later sentences of the scenario find filled by this one.
"""
_KEYWORDS = {"given": "Given", "when": "When", "then": "Then", None: "any"}
_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")


def page() -> str:
    """Return the page."""
    parts = [f"# Sentences\n\n{_ABOUT}"]
    for module in loaded("steps"):
        rows = [_row(context) for context in _contexts(module)]
        if rows:
            title = module.__name__.removeprefix("steps.").replace("_", " ").capitalize()
            told = table(("", "sentence", "gives"), rows)
            parts.append(f"## {title}\n\n{summary(module)}\n\n{told}\n")
    return "\n".join(parts)


def _contexts(module: ModuleType) -> Iterator[StepFunctionContext]:
    for _, _, function in fixtures_in(module):
        if context := step_function_context_registry.get(function):
            yield context


def _row(context: StepFunctionContext) -> tuple[str, ...]:
    return _KEYWORDS[context.type], code(_sentence(context)), code(context.target_fixture or "")


def _sentence(context: StepFunctionContext) -> str:
    """Return a pattern as a person writes it; a regular expression where it says more."""
    parser = context.parser
    if not isinstance(parser, parsers.re):
        return parser.name
    simple = _GROUP.sub(r"{\1}", parser.name)
    return simple if not re.search(r"[\\\[\]()*+?|^$]", simple) else f"/{parser.name}/"
