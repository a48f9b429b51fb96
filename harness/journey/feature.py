"""The feature that tells the journeys of a description, a scenario each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.journey.description import Journey, Step, sentences

_HEAD = """\
@cluster
Feature: What people do with {name}
  As somebody who uses it
  I want it to do what I ask and to keep what I give it
  so that I find it again, whatever happens behind it.
"""


def feature(name: str, journeys: Iterable[Journey]) -> str:
    """Return the text of the feature."""
    journeys = [*journeys]
    done = sentences(journeys)
    return "\n".join([_HEAD.format(name=name), *(_scenario(one, done) for one in journeys)])


def _scenario(journey: Journey, done: dict[str, Step]) -> str:
    tags = [f"@{name}" for name in journey.requirements]
    tags += ["@disruptive"] if journey.stays else []
    lines = [f"  {' '.join(tags)}"] if tags else []
    lines += [
        f"  Scenario: {journey.name}",
        "    Given the application is installed by its chart",
        "    And a visitor of the application",
        *_sentences(done[step.says] for step in journey.steps),
    ]
    if journey.stays:
        lines += [
            "    When every pod of the application is replaced",
            "    Then the application is ready again",
            *(f"    And {says}" for says in journey.stays),
        ]
    return "\n".join(lines) + "\n"


def _sentences(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the steps: what only looks, and says what it expects, is an outcome."""
    before = ""
    for step in steps:
        word = "Then" if step.method in ("GET", "HEAD") and before else "When"
        yield f"    {'And' if word == before else word} {step.says}"
        before = word
