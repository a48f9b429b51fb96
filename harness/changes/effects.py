"""From changed files to the scenarios that they can affect, with the reason for each.

Where it is not known what depends on a file, everything does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: What holds nothing that a scenario depends on, in the top folder.
UNRELATED = {
    "docs": "documentation",
    "tests": "a test of the harness itself",
    "benchmarks": "a measurement",
    "mutants": "a trial of the scenarios themselves",
}
_TEXTS = {".md", ".rst"}
_TEXT_NAMES = {"LICENSE", "LICENSE.txt", "NOTICE", "mkdocs.yml"}
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Scenario:
    """What of a scenario says what it depends on.

    Attributes:
        words: those of its feature, name and sentences, as `words_of` returns them.
        modules: the files of the definitions and fixtures that carry it out.

    """

    id: str
    feature: Path
    static: bool
    cluster: bool
    words: frozenset[str]
    modules: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Layout:
    """Where the parts of a project are; all paths are absolute.

    Attributes:
        root: the folder from which a reader is shown paths.
        images: the build context of each image.
        names: what sentences call each image: its name, its repository, the roles it has.
        modules: the files of all definitions and fixtures that are loaded.
        everywhere: those of them that have a part in every scenario.

    """

    root: Path
    description: Path
    chart: Path
    images: Mapping[str, Path]
    names: Mapping[str, frozenset[str]]
    modules: frozenset[Path] = frozenset()
    everywhere: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Effect:
    """A changed file, as a reader is shown it, and how many scenarios it selects, and why."""

    file: str
    reason: str
    selected: int


@dataclass
class Selection:
    """The effects of all changed files, and for each selected scenario the reasons."""

    effects: list[Effect] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)


def words_of(*texts: str) -> frozenset[str]:
    """Return the words of some texts, in small letters."""
    return frozenset(word for text in texts for word in _WORD.findall(text.lower()))


def select(files: Iterable[Path], scenarios: Iterable[Scenario], layout: Layout) -> Selection:
    """Return which scenarios the changes of some files can affect, and why."""
    scenarios = list(scenarios)
    selection = Selection()
    for file in files:
        shown = _shown(file, layout.root)
        reason, affected = _effect(file, shown, scenarios, layout)
        chosen = [scenario.id for scenario in scenarios if affected(scenario)]
        selection.effects.append(Effect(shown, reason, len(chosen)))
        for name in chosen:
            selection.reasons.setdefault(name, []).append(f"{shown}: {reason}")
    return selection


_Affected = Callable[[Scenario], bool]


def _effect(
    file: Path, shown: str, scenarios: list[Scenario], layout: Layout
) -> tuple[str, _Affected]:
    """Return what a file is, and which scenarios depend on it. The first rule that fits counts."""
    if file == layout.description:
        return "the project's description", _all
    if file.is_relative_to(layout.chart):
        return "part of the chart", lambda scenario: not about_images(scenario, layout)
    for name, context in layout.images.items():
        if file.is_relative_to(context):
            return f"goes into the image {name}", _of_image(name, layout)
    if file.suffix == ".feature":
        return "the scenarios in it", lambda scenario: scenario.feature == file
    if file in layout.everywhere:
        return "has a part in every scenario", _all
    if file in layout.modules:
        return "carries out sentences", lambda scenario: file in scenario.modules
    if reason := _unrelated(file, shown, scenarios, layout):
        return reason, _none
    return "anything may depend on it", _all


def about_images(scenario: Scenario, layout: Layout) -> frozenset[str]:
    """Return the images that a scenario is about and nothing else is; none if there is more.

    Such a scenario needs no cluster, does not speak of the chart, and names an image.
    """
    if scenario.static or scenario.cluster or scenario.words & {"chart", "charts", "helm"}:
        return frozenset()
    return frozenset(name for name, words in layout.names.items() if words & scenario.words)


def _of_image(name: str, layout: Layout) -> _Affected:
    def affected(scenario: Scenario) -> bool:
        about = about_images(scenario, layout)
        return not about or name in about

    return affected


def _unrelated(file: Path, shown: str, scenarios: list[Scenario], layout: Layout) -> str:
    top = shown.partition("/")[0]
    if reason := UNRELATED.get(top):
        folder = layout.root / top
        used = [*layout.modules, *(scenario.feature for scenario in scenarios)]
        return "" if any(path.is_relative_to(folder) for path in used) else reason
    return "documentation" if file.suffix in _TEXTS or file.name in _TEXT_NAMES else ""


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def _all(scenario: Scenario) -> bool:  # noqa: ARG001 - whatever it is
    return True


def _none(scenario: Scenario) -> bool:  # noqa: ARG001 - whatever it is
    return False
