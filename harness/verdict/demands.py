"""Which checks judge a requirement, as the project's features say, or those for everyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.contract import CHECKS
from harness.default_requirements import has_features
from harness.outlines import fill, lacking
from harness.verdict.model import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, NOT_PROVABLE, Item
from harness.verdict.sentences import SENTENCES

if TYPE_CHECKING:
    from harness.project import Project

FEATURES = "features"
_MOST_FILES = 200


@dataclass
class Demand:
    """What is known of a requirement: its checks, and whether scenarios need more than those."""

    checks: set[str] = field(default_factory=set)
    scenarios: int = 0
    further: int = 0
    #: how it stands where there is no scenario, and why
    lacking: tuple[str, str] = (
        NOT_PROVABLE,
        f"no scenario in {FEATURES}/ and no journey has its id",
    )


def demands(project: Project, problems: list[str]) -> dict[str, Demand]:
    """Return for each tag of the project's features what judges it without a cluster.

    A scenario whose sentences all stand for checks needs no cluster. Files that cannot be read
    are named in `problems`. A project without features is judged by those for everyone; a
    described journey becomes a scenario that needs a cluster.
    """
    found: dict[str, Demand] = {}
    if not has_features(project.root):
        filled = list(fill(project))
        for name, told in lacking(project, filled).items():
            found[name] = Demand(lacking=(told["status"], told["why"]))
        for one in filled:
            _add(found, one.name, one.text, problems)
        return found
    for file in sorted((project.root / FEATURES).glob("**/*.feature"))[:_MOST_FILES]:
        name = file.relative_to(project.root).as_posix()
        _add(found, name, file.read_text(encoding="utf-8", errors="replace"), problems)
    for tag in (tag for journey in project.journey for tag in journey.requirements):
        demand = found.setdefault(tag, Demand())
        demand.scenarios += 1
        demand.further += 1
    return found


def _add(found: dict[str, Demand], name: str, text: str, problems: list[str]) -> None:
    for tags, sentences in _scenarios(text, name, problems):
        known = [SENTENCES[text] for text in sentences if text in SENTENCES]
        for tag in tags:
            demand = found.setdefault(tag, Demand())
            demand.scenarios += 1
            demand.further += len(known) < len(sentences)
            demand.checks |= {check for checks in known for check in checks}


def judged(
    requirements: Mapping[str, str], found: Mapping[str, Demand], checks: Mapping[str, Item]
) -> Iterator[Item]:
    """Yield how each requirement stands, by the checks of its scenarios."""
    for name, text in requirements.items():
        demand = found.get(name, Demand())
        own = [check for check in CHECKS if check in demand.checks]
        items = [checks[check] for check in own]
        broken = [item for item in items if item.status == NOT_MET]
        unknown = [item for item in items if item.status == NOT_JUDGED]
        held = sum(item.status == MET for item in items)
        if broken:
            status = NOT_MET
            why = broken[0].why + (f" (and {len(broken) - 1} more checks)" if broken[1:] else "")
        elif unknown:
            status, why = NOT_JUDGED, unknown[0].why
        elif not demand.scenarios:
            status, why = demand.lacking
        elif demand.further:
            share = f"{held} checks hold; " if held else ""
            status = NOT_PROVABLE
            some = f"{demand.further} of {demand.scenarios} scenarios"
            why = f"{share}{some} need an engine or a cluster"
        elif held:
            status, why = MET, ""
        else:
            status, why = NOT_APPLICABLE, "there is nothing of the kind"
        yield Item(name, text, status, why, checks=tuple(own))


def _scenarios(text: str, name: str, problems: list[str]) -> Iterator[tuple[set[str], list[str]]]:
    """Yield the tags of each scenario, and its sentences, those that prepare it apart."""
    from gherkin.errors import CompositeParserException, ParserException
    from gherkin.parser import Parser

    try:
        told: Any = Parser().parse(text).get("feature") or {}
    except (CompositeParserException, ParserException, RecursionError):
        problems.append(f"{name}: not a feature file that can be read")
        return
    yield from _below(told, set())


def _below(part: Mapping[str, Any], above: set[str]) -> Iterator[tuple[set[str], list[str]]]:
    above = above | _tags(part)
    for child in part.get("children", ()):
        if "rule" in child:
            yield from _below(child["rule"], above)
        if told := child.get("scenario"):
            tags = above | _tags(told)
            for table in told["examples"]:
                tags |= _tags(table)
            kind, sentences = "", []
            for step in told["steps"]:
                kind = step["keywordType"] if step["keywordType"] != "Conjunction" else kind
                if kind != "Context":
                    sentences.append(step["text"])
            yield tags, sentences


def _tags(part: Mapping[str, Any]) -> set[str]:
    return {tag["name"].removeprefix("@") for tag in part.get("tags", ())}
