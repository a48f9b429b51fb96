"""The chart's own files: templates, values, schema, README, and where a word stands in them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from harness.contract.finding import Place
from harness.helm import ChartFacts, HelmError, check_chart

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Aliases can make many of few; no chart has so many.
_MOST_LEAVES = 20_000
_MOST_CHARTS = 50
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
_CALL = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Leaf:
    """A value of values.yaml that holds no others; an empty mapping or list is one."""

    path: tuple[str, ...]
    value: Any
    line: int
    file: str = "values.yaml"

    @property
    def dotted(self) -> str:
        """Return the path as Helm writes it."""
        return ".".join(self.path)


@dataclass
class ChartFiles:
    """The files of a chart; `root` is the folder that places are relative to."""

    folder: Path
    root: Path

    @cached_property
    def templates(self) -> dict[str, str]:
        """Return the text of each template by its path in the chart, comments blanked."""
        folder = self.folder / "templates"
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return {
            file.relative_to(self.folder).as_posix(): _blank(_read(file))
            for file in files
            if file.suffix in (".yaml", ".yml", ".tpl", ".txt", ".json")
        }

    @cached_property
    def inner_templates(self) -> dict[str, str]:
        """Return the same of unpacked sub-charts."""
        found: dict[str, str] = {}
        for file in sorted((self.folder / "charts").glob("*/Chart.yaml"))[:_MOST_CHARTS]:
            below = ChartFiles(file.parent, self.root).templates
            found |= {f"charts/{file.parent.name}/{name}": text for name, text in below.items()}
        return found

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Return every value of values.yaml with its line."""
        text = _read(self.folder / "values.yaml")
        try:
            node = yaml.compose(text, Loader=_LOADER) if text else None
        except (yaml.YAMLError, RecursionError):
            return []  # rendering tells it
        return list(itertools.islice(_leaves(node), _MOST_LEAVES)) if node is not None else []

    @cached_property
    def inner(self) -> list[Leaf]:
        """Return the values of unpacked sub-charts, by the paths at which this chart sets them."""
        found, own = list[Leaf](), {leaf.path for leaf in self.leaves}
        for file in sorted((self.folder / "charts").glob("*/Chart.yaml"))[:_MOST_CHARTS]:
            below = ChartFiles(file.parent, self.root)
            name = below.facts.name or file.parent.name
            names = [as_ for inside, as_ in self._aliases if inside == name] or [name]
            place = f"charts/{file.parent.name}/values.yaml"
            found += [
                Leaf((each, *leaf.path), leaf.value, leaf.line, place)
                for each in names
                for leaf in below.leaves
                if (each, *leaf.path) not in own
            ]
        return found[:_MOST_LEAVES]

    @cached_property
    def _aliases(self) -> list[tuple[str, str]]:
        """Return the dependencies of Chart.yaml: name, and the name under which it is used."""
        try:
            told = yaml.load(_read(self.folder / "Chart.yaml"), Loader=_LOADER)  # noqa: S506 - safe
        except (yaml.YAMLError, RecursionError):
            return []
        parts = told.get("dependencies") if isinstance(told, dict) else None
        return [
            (part["name"], part.get("alias") or part["name"])
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict) and isinstance(part.get("name"), str)
        ]

    @cached_property
    def parts(self) -> dict[str, ChartFacts]:
        """Return what Chart.yaml and those of unpacked sub-charts say, by their paths."""
        files = sorted((self.folder / "charts").glob("*/Chart.yaml"))[:_MOST_CHARTS]
        below = {file: ChartFiles(file.parent, self.root).facts for file in files}
        return {"Chart.yaml": self.facts} | {
            file.relative_to(self.folder).as_posix(): facts for file, facts in below.items()
        }

    @cached_property
    def schema(self) -> dict[str, Any] | None:
        """Return values.schema.json; None when it is missing or no JSON object."""
        try:
            schema = json.loads(_read(self.folder / "values.schema.json"))
        except ValueError:
            return None
        return schema if isinstance(schema, dict) else None

    @cached_property
    def readme(self) -> str | None:
        """Return the README; None when there is none."""
        file = self.folder / "README.md"
        return _read(file) if file.is_file() else None

    @cached_property
    def facts(self) -> ChartFacts:
        """Return what Chart.yaml says; nothing where it cannot be read, which rendering tells."""
        try:
            return check_chart(self.folder)
        except HelmError:
            return ChartFacts("", "", "")

    def place(self, file: str, line: int | None = None) -> Place:
        """Return the place of a file of the chart."""
        return Place((self.folder / file).relative_to(self.root).as_posix(), line)

    def where(self, source: str, *words: str) -> Place:
        """Return where the first word that is found stands.

        Rendered text has no line; the word that is wrong mostly has. Looked at are the
        file that the object comes from, what it includes, and the values; then the rest.
        """
        near = [*self._included(source), "values.yaml"]
        rest = [f for f in self._texts if f not in near and not f.endswith("NOTES.txt")]
        for files in (near, rest):
            for word in words:
                whole = re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
                for file in files:
                    text = self._values if file == "values.yaml" else self._texts.get(file, "")
                    if match := whole.search(text):
                        return self.place(file, text.count("\n", 0, match.start()) + 1)
        return self.place(source or "templates")

    def _included(self, source: str) -> list[str]:
        """Return a template and the files whose definitions it uses, nearest first."""
        found, wanted = list[str](), [source]
        while wanted:
            file = wanted.pop(0)
            if file in found or file not in self._texts:
                continue
            found.append(file)
            names = _CALL.findall(self._texts[file])
            wanted += [self._defined[name] for name in names if name in self._defined]
        return found

    @cached_property
    def _defined(self) -> dict[str, str]:
        return {name: file for file, text in self._texts.items() for name in _DEFINE.findall(text)}

    @cached_property
    def _texts(self) -> dict[str, str]:
        return self.templates | self.inner_templates

    @cached_property
    def _values(self) -> str:
        return _read(self.folder / "values.yaml")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _blank(text: str) -> str:
    """Return the text with its comments emptied, lines kept."""
    text = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    return re.sub(r"^[ \t]*#.*$", "", text, flags=re.MULTILINE)


def _leaves(node: Any, path: tuple[str, ...] = (), line: int = 1) -> Iterator[Leaf]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, below in node.value:
            yield from _leaves(below, (*path, str(key.value)), key.start_mark.line + 1)
    elif path:
        yield Leaf(path, _plain(node), line)


def _plain(node: Any, known: dict[int, Any] | None = None) -> Any:
    """Return what a node holds; what aliases repeat is one thing, so that it cannot explode."""
    known = {} if known is None else known
    if id(node) not in known:
        known[id(node)] = _content(node, known)
    return known[id(node)]


def _content(node: Any, known: dict[int, Any]) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style else yaml.safe_load(node.value)  # libyaml says ""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, known) for each in node.value]
    return {str(key.value): _plain(value, known) for key, value in node.value}
