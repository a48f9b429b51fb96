"""Which checks judge a requirement, as the project's own features say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contract import CHECKS
from harness.journey.description import Journey
from harness.verdict.model import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, NOT_PROVABLE, Item
from harness.verdict.sentences import SENTENCES

FEATURES = "features"
_MOST_FILES = 200


@dataclass
class Demand:
    """What is known of a requirement: its checks, and whether scenarios need more than those."""

    checks: set[str] = field(default_factory=set)
    scenarios: int = 0
    further: int = 0


def demands(root: Path, problems: list[str], journeys: Iterable[Journey] = ()) -> dict[str, Demand]:
    """Return for each tag of the project's features what judges it without a cluster.

    A scenario whose sentences all stand for checks needs no cluster; a described journey becomes
    one that does. Files that cannot be read are named in `problems`.
    """
    found: dict[str, Demand] = {}
    files = sorted((root / FEATURES).glob("**/*.feature"))[:_MOST_FILES]
    for file in files:
        name = file.relative_to(root).as_posix()
        for tags, sentences in _scenarios(file, name, problems):
            known = [SENTENCES[text] for text in sentences if text in SENTENCES]
            for tag in tags:
                demand = found.setdefault(tag, Demand())
                demand.scenarios += 1
                demand.further += len(known) < len(sentences)
                demand.checks |= {check for checks in known for check in checks}
    for tag in (tag for journey in journeys for tag in journey.requirements):
        demand = found.setdefault(tag, Demand())
        demand.scenarios += 1
        demand.further += 1
    return found


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
            status, why = NOT_PROVABLE, f"no scenario in {FEATURES}/ and no journey has its id"
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


def _scenarios(file: Path, name: str, problems: list[str]) -> Iterator[tuple[set[str], list[str]]]:
    """Yield the tags of each scenario, and its sentences, those that prepare it apart."""
    from gherkin.errors import CompositeParserException, ParserException
    from gherkin.parser import Parser

    try:
        told: Any = Parser().parse(file.read_text(encoding="utf-8")).get("feature") or {}
    except (CompositeParserException, ParserException, UnicodeDecodeError, RecursionError):
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
