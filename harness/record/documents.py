"""Feature files as messages: their source, their tree, and the scenarios that come of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.record.messages import Message

MEDIA_TYPE = "text/x.cucumber.gherkin+plain"


class _Ids:
    """Ids that depend on nothing but the file's name and the place in it.

    So several processes that read the same file call each scenario the same.
    """

    def __init__(self, uri: str) -> None:
        self._prefix = hashlib.sha256(uri.encode()).hexdigest()[:8]
        self._last = 0

    def get_next_id(self) -> str:
        self._last += 1
        return f"{self._prefix}-{self._last}"


@dataclass(frozen=True)
class Document:
    """A feature file.

    Attributes:
        uri: its path, relative where it can be.
        messages: source, gherkinDocument and each pickle.

    """

    uri: str
    messages: tuple[Message, ...] = field(repr=False)

    @cached_property
    def keywords(self) -> dict[str, str]:
        """The keyword of each step, such as Given, by the id of its node."""
        feature = self.messages[1]["gherkinDocument"].get("feature") or {}
        return {step["id"]: step["keyword"].strip() for step in _steps(feature)}

    def pickles(self, line: int) -> list[Message]:
        """Return the pickles of the scenario whose keyword is in a line, in the table's order."""
        feature = self.messages[1]["gherkinDocument"].get("feature") or {}
        ids = {s["id"] for s in _scenarios(feature) if s["location"]["line"] == line}
        pickles = (message["pickle"] for message in self.messages[2:])
        return [pickle for pickle in pickles if pickle["astNodeIds"][0] in ids]


def read_document(path: Path, root: Path) -> Document:
    """Read a feature file that follows the grammar; its uri is its path from `root`."""
    from gherkin.ast_builder import AstBuilder
    from gherkin.parser import Parser
    from gherkin.pickles.compiler import Compiler

    uri = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    ids: Any = _Ids(uri)
    text = path.read_text(encoding="utf-8")
    tree: Any = Parser(ast_builder=AstBuilder(ids)).parse(text)
    document = {**tree, "uri": uri}
    compiler: Any = Compiler(ids)
    pickles = compiler.compile(document) if document.get("feature") else []
    return Document(
        uri,
        (
            {"source": {"uri": uri, "data": text, "mediaType": MEDIA_TYPE}},
            {"gherkinDocument": _clean(document)},
            *({"pickle": _clean(pickle)} for pickle in pickles),
        ),
    )


def _scenarios(part: Message) -> Iterator[Message]:
    for child in part.get("children") or ():
        if "scenario" in child:
            yield child["scenario"]
        if "rule" in child:
            yield from _scenarios(child["rule"])


def _steps(part: Message) -> Iterator[Message]:
    for child in part.get("children") or ():
        for inner in child.values():
            yield from inner.get("steps") or ()
            yield from _steps(inner)


def _clean(value: Any) -> Any:
    """Return a tree without its absent parts, which the format has no null for."""
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value
