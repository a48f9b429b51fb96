"""From pytest's items to the scenarios of the record, and from sentences to definitions."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from gherkin.errors import CompositeParserException, ParserException
from pytest_bdd import parsers
from pytest_bdd.scenario import scenario_wrapper_template_registry
from pytest_bdd.steps import StepFunctionContext

from harness.record.documents import Document, read_document
from harness.record.messages import Message
from plugin.binding import definitions_for

_EXAMPLE = "_pytest_bdd_example"


class Bindings:
    """Knows the document, the pickle and the definitions of each item that is a scenario."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._documents: dict[Path, Document] = {}
        self._definitions: dict[pytest.Collector | None, list[StepFunctionContext]] = {}
        self._bound: dict[tuple[pytest.Collector | None, str, str], Message] = {}
        self.messages: dict[str, Message] = {}

    @property
    def documents(self) -> Iterable[Document]:
        """The feature files that were read so far."""
        return self._documents.values()

    def add(self, paths: Iterable[Path]) -> None:
        """Read files that no scenario of this run is in, so that what they hold is not forgotten.

        A requirement that only scenarios of other files prove would look proven without them.
        """
        for path in paths:
            if path not in self._documents:
                with contextlib.suppress(
                    ParserException, CompositeParserException, UnicodeDecodeError
                ):
                    self._documents[path] = read_document(path, self._root)

    def pickle(self, item: pytest.Item) -> tuple[Document, Message] | None:
        """Return what an item carries out; None when it is no scenario of a feature file."""
        function = getattr(item, "obj", None)
        if not inspect.isfunction(function):
            return None
        template = scenario_wrapper_template_registry.get(function)
        if template is None:
            return None
        path = Path(template.feature.filename)
        if path not in self._documents:
            self._documents[path] = read_document(path, self._root)
        found = self._documents[path].pickles(template.line_number)
        indices: dict[str, int] = getattr(getattr(item, "callspec", None), "indices", {})
        row = indices.get(_EXAMPLE, 0)
        return (self._documents[path], found[row]) if row < len(found) else None

    def bindings(self, item: pytest.Item, pickle: Message) -> dict[str, Message]:
        """Return, by the id of a step, what its message says of its definition."""
        if item.parent not in self._definitions:
            self._definitions[item.parent] = list(definitions_for(item))
        return {step["id"]: self._binding(item.parent, step) for step in pickle["steps"]}

    def _binding(self, parent: pytest.Collector | None, step: Message) -> Message:
        key = parent, str(step.get("type")), str(step["text"])
        if key not in self._bound:
            kind = {"Context": "given", "Action": "when", "Outcome": "then"}.get(key[1])
            found = {
                context.step_func: context
                for context in self._definitions[parent]
                if context.type in (None, kind) and context.parser.is_matching(step["text"])
            }
            self._bound[key] = {
                "stepDefinitionIds": [self._told(context) for context in found.values()],
                "stepMatchArgumentsLists": [
                    {"stepMatchArguments": arguments(context.parser, step["text"])}
                    for context in found.values()
                ],
            }
        return self._bound[key]

    def _told(self, context: StepFunctionContext) -> str:
        """Return the id of a definition, which is among the messages from then on."""
        function = context.step_func
        name = f"{function.__module__}.{function.__qualname__}: {context.parser.name}"
        regular = isinstance(context.parser, parsers.re)
        self.messages[name] = {
            "stepDefinition": {
                "id": name,
                "pattern": {
                    "source": str(context.parser.name),
                    "type": "REGULAR_EXPRESSION" if regular else "CUCUMBER_EXPRESSION",
                },
                "sourceReference": source(function, self._root),
            }
        }
        return name


def arguments(parser: Any, text: str) -> list[Message]:
    """Return what of a sentence is a definition's arguments, and where it begins."""
    inner = getattr(parser, "parser", None)
    if inner is not None and (parsed := inner.parse(text)):
        spans = parsed.spans.values()
    elif (regex := getattr(parser, "regex", None)) and (found := regex.fullmatch(text)):
        spans = [found.span(name) for name in found.groupdict() if found[name] is not None]
    else:
        return []
    return [
        {"group": {"start": start, "value": text[start:end], "children": []}}
        for start, end in sorted(spans)
    ]


def source(function: Callable[..., Any], root: Path) -> Message:
    """Return where a function is defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return {}
    path = Path(code.co_filename)
    uri = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return {"uri": uri, "location": {"line": code.co_firstlineno}}
