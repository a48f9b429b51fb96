"""Feature files as text: what they hold, and what is wrong with them before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DeployError, Fault


class FeatureUnreadableError(DeployError):
    """A feature file does not follow the grammar."""

    fault = Fault.INPUT

    def __init__(self, path: Path, words: list[str]) -> None:
        super().__init__(
            needed="a feature file that can be read",
            seen="\n".join(words),
            looked=str(path),
            fix="correct the first of these lines; the others may only follow from it",
        )


class ScenariosInvalidError(DeployError):
    """Some scenarios would not be run, or not as they read."""

    fault = Fault.INPUT

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            needed="scenarios that all run, each under a name of its own, with tags that are known",
            seen="\n".join(problems),
            looked="the feature files, and [requirements] in deploy.toml",
            fix="correct the lines named above",
        )


@dataclass(frozen=True)
class Tag:
    """A tag without its @, and its line."""

    name: str
    line: int


@dataclass(frozen=True)
class Examples:
    """A table of examples: its line, and how many rows it has below its head."""

    line: int
    rows: int


@dataclass(frozen=True)
class Scenario:
    """One scenario or outline, with the tags of its own, its tables', its rule's, its file's."""

    name: str
    line: int
    outline: bool
    tags: tuple[Tag, ...]
    steps: int
    examples: tuple[Examples, ...]


@dataclass(frozen=True)
class Feature:
    """What one file holds. `shown` is its path as a message shows it."""

    shown: str
    scenarios: tuple[Scenario, ...] = field(repr=False)


def read_feature(path: Path, root: Path) -> Feature:
    """Read a feature file; messages show its path from `root`.

    Raises:
        FeatureUnreadableError: with each line that the grammar does not allow.

    """
    from gherkin.errors import CompositeParserException, ParserException
    from gherkin.parser import Parser

    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        told: Any = Parser().parse(path.read_text(encoding="utf-8")).get("feature") or {}
    except CompositeParserException as error:
        words = [_grammar(shown, part) for part in error.errors]
        raise FeatureUnreadableError(path, words) from None
    except ParserException as error:
        raise FeatureUnreadableError(path, [_grammar(shown, error)]) from None
    except UnicodeDecodeError as error:
        raise FeatureUnreadableError(path, [f"{shown}: {error}"]) from None
    return Feature(shown, tuple(_scenarios(told, ())))


def problems(features: Iterable[Feature], known: Collection[str]) -> Iterator[str]:
    """Yield, with file and line, what would keep a scenario from running as it reads.

    Args:
        features: all that are looked at together; names have to differ between files too.
        known: the tags that there are.

    """
    named: dict[str, str] = {}
    tags: set[tuple[str, Tag]] = set()
    for feature in features:
        if not feature.scenarios:
            yield f"{feature.shown}: a feature without a scenario"
        for scenario in feature.scenarios:
            where = f"{feature.shown}:{scenario.line}"
            if scenario.name in named:
                yield f"{where}: the name of {named[scenario.name]} again: {scenario.name}"
            named.setdefault(scenario.name, where)
            tags |= {(feature.shown, tag) for tag in scenario.tags}
            yield from _selects_nothing(feature, scenario)
    for shown, tag in sorted(tags, key=lambda found: (found[0], found[1].line)):
        if tag.name not in known:
            near = difflib.get_close_matches(tag.name, known, n=1)
            hint = f"; the nearest that is known is @{near[0]}" if near else ""
            yield f"{shown}:{tag.line}: @{tag.name} is no requirement{hint}"


def carried(features: Iterable[Feature]) -> set[str]:
    """Return the tags that some scenario carries which runs at least once."""
    return {
        tag.name
        for feature in features
        for scenario in feature.scenarios
        if not [*_selects_nothing(feature, scenario)]
        for tag in scenario.tags
    }


def _selects_nothing(feature: Feature, scenario: Scenario) -> Iterator[str]:
    where = f"{feature.shown}:{scenario.line}"
    if not scenario.steps:
        yield f"{where}: a scenario without a sentence"
    if scenario.outline and not scenario.examples:
        yield f"{where}: an outline without examples, which runs nothing"
    for table in scenario.examples:
        if not table.rows:
            yield f"{feature.shown}:{table.line}: examples without a row, which run nothing"


def _scenarios(part: Mapping[str, Any], above: tuple[Tag, ...]) -> Iterator[Scenario]:
    """Yield the scenarios of a feature or a rule, with its tags."""
    above = (*above, *_tags(part))
    for child in part.get("children", ()):
        if "rule" in child:
            yield from _scenarios(child["rule"], above)
        if told := child.get("scenario"):
            tables = told["examples"]
            yield Scenario(
                name=told["name"],
                line=told["location"]["line"],
                outline=bool(tables)
                or told["keyword"] in ("Scenario Outline", "Scenario Template"),
                tags=(*above, *_tags(told), *(tag for table in tables for tag in _tags(table))),
                steps=len(told["steps"]),
                examples=tuple(
                    Examples(table["location"]["line"], len(table["tableBody"])) for table in tables
                ),
            )


def _tags(part: Mapping[str, Any]) -> Iterator[Tag]:
    for tag in part.get("tags", ()):
        yield Tag(tag["name"].removeprefix("@"), tag["location"]["line"])


def _grammar(shown: str, error: Any) -> str:
    words = str(error).partition(": ")[2]
    return f"{shown}:{error.location['line']}: {words}"
