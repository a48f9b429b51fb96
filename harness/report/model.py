"""What a record tells, as a reader sees it: scenarios, their steps, and how the run ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.record.messages import FAILED, PASSED, SKIPPED, UNDEFINED, UNKNOWN

#: What a scenario can be, beside the statuses of its steps.
NOT_RUN = "NOT_RUN"
NOT_SELECTED = "NOT_SELECTED"
#: Those that stand in the way of an acceptance.
BAD = (FAILED, UNDEFINED, UNKNOWN)


@dataclass(frozen=True)
class Attached:
    """Something attached: text, or a file beside the record."""

    name: str
    media_type: str
    body: str = field(default="", repr=False)
    base64: bool = False
    url: str = ""


@dataclass(frozen=True)
class Step:
    """A sentence, or a hook around the sentences, and what became of it.

    Attributes:
        status: a status of Messages, or NOT_RUN.
        table: the rows of its table, if it has one.
        line: where its file has it, 0 for a hook.

    """

    keyword: str
    text: str
    status: str
    seconds: float
    message: str = ""
    hook: bool = False
    table: tuple[tuple[str, ...], ...] = ()
    attached: tuple[Attached, ...] = ()
    line: int = 0

    @property
    def not_reached(self) -> bool:
        """Whether it was skipped since one before it did not pass."""
        return self.status == SKIPPED and not self.message


@dataclass(frozen=True)
class Scenario:
    """A scenario of a feature file.

    Attributes:
        status: the worst of its steps', NOT_RUN, or NOT_SELECTED when it was not asked for.
        tags: without their @.
        attempts: how often it was tried.
        cause: of the last attempt, as it was recorded: see `harness.report.causes`.

    """

    id: str
    name: str
    uri: str
    line: int
    tags: tuple[str, ...]
    status: str
    steps: tuple[Step, ...] = field(repr=False)
    seconds: float = 0.0
    began: float = 0.0
    worker: str = ""
    attempts: int = 0
    rule: str = ""
    cause: Any = field(default=None, repr=False)

    @property
    def failing(self) -> Step | None:
        """The step or hook that decided its status, when it did not pass."""
        if self.status == PASSED:
            return None
        return next((step for step in self.steps if step.status == self.status), None)

    @property
    def reason(self) -> str:
        """Why it did not pass, as its step says it."""
        return self.failing.message if self.failing else ""


@dataclass(frozen=True)
class Feature:
    """A feature file and its scenarios."""

    uri: str
    name: str
    description: str
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True)
class Hook:
    """The set-up or tear-down of what the whole run shares."""

    name: str
    before: bool
    status: str
    began: float
    seconds: float
    message: str = ""
    worker: str = ""


@dataclass(frozen=True)
class Evidence:
    """Facts of a kind, and whether what they were found in passed."""

    kind: str
    facts: Any
    passed: bool
    scenario: str = ""


@dataclass(frozen=True)
class Run:
    """All that a record tells.

    Attributes:
        began: in seconds since 1970; 0.0 when nothing was run.
        ended: whether the record has an end.
        success: whether that end is a good one.
        message: the words to it.
        problems: what of the record could not be read.

    """

    features: tuple[Feature, ...]
    hooks: tuple[Hook, ...]
    evidence: tuple[Evidence, ...] = field(repr=False)
    began: float
    seconds: float
    ended: bool
    success: bool
    message: str
    workers: int
    versions: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def scenarios(self) -> list[Scenario]:
        """All of them, in the order of the files."""
        return [scenario for feature in self.features for scenario in feature.scenarios]

    def last(self, kind: str) -> Any:
        """Return the newest evidence of a kind, None when there is none."""
        return next((e.facts for e in reversed(self.evidence) if e.kind == kind), None)

    def all(self, kind: str) -> Iterator[Any]:
        """Yield all evidence of a kind."""
        return (e.facts for e in self.evidence if e.kind == kind)
