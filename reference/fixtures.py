"""The page of the fixtures: the modules of `fixtures/` as tables."""

from __future__ import annotations

import inspect

from reference.modules import fixtures_in, loaded, summary
from reference.table import code, table

_ABOUT = """\
What a definition of a sentence, or a test of your own, may ask for. *session* is once for the
process, *function* once for each scenario. Each can be overridden in a `conftest.py` by one of the
same name. The fixtures of pytest and pytest-bdd are there as well.
"""


def page() -> str:
    """Return the page."""
    parts = [f"# Fixtures\n\n{_ABOUT}"]
    for module in loaded("fixtures"):
        rows = [
            (code(name), _type(function), scope, summary(function))
            for name, scope, function in fixtures_in(module)
        ]
        if rows:
            title = module.__name__.removeprefix("fixtures.").replace("_", " ")
            told = table(("fixture", "gives", "lives", "meaning"), rows)
            parts.append(f"## {title.capitalize()}\n\n{summary(module)}\n\n{told}\n")
    return "\n".join(parts)


def _type(function: object) -> str:
    """Return what a fixture gives, as its annotation says it."""
    told = str(inspect.get_annotations(function).get("return", ""))  # type: ignore[arg-type]
    return code(told.removeprefix("Iterator[").removesuffix("]") if "Iterator[" in told else told)
