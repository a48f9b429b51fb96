"""Why scenarios did not pass: each cause once, with all that it struck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import DeployError, Fault
from harness.report.model import Scenario
from harness.report.text import parts_of

#: The kind of evidence that tells a scenario's cause.
EVIDENCE = "cause"
#: The kind of a cause that a check tells too.
OF_A_CHECK = "ContractBrokenError"
_PARTS = ("needed", "seen", "looked", "fix")
_LIBRARIES = ("httpx", "httpcore", "playwright")


@dataclass(frozen=True)
class Cause:
    """The four parts of what went wrong, of what kind it is, and whose fault."""

    kind: str
    fault: Fault
    needed: str
    seen: str
    looked: str
    fix: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it has in common with the same cause elsewhere."""
        return self.kind, self.needed, self.seen.partition("\n")[0]

    @property
    def headline(self) -> str:
        """One line that names it."""
        return f"{self.needed}: {self.seen.strip().partition(chr(10))[0] or '-'}".strip(": ")

    def told(self) -> dict[str, str]:
        """Return it as record and verdict have it."""
        parts = {part: getattr(self, part) for part in _PARTS}
        return {"kind": self.kind, "fault": str(self.fault), **parts}


def cause_of(error: BaseException, sentence: str, place: str) -> Cause:
    """Return the cause that an error is.

    Args:
        error: what ended a scenario.
        sentence: the one at work.
        place: of the code that raised it.

    """
    kind = type(error).__name__
    if isinstance(error, DeployError):
        parts = {part: str(getattr(error, part)) for part in _PARTS}
        return Cause(kind, Fault(error.fault), **parts)
    seen = str(error).strip() or kind
    if kind == "StepDefinitionNotFoundError":
        fix = "define the sentence, or correct it"
        return Cause(kind, Fault.INPUT, f"a definition of: {sentence}", seen, place, fix)
    # Of libraries: an application that does not answer, or does not show what was waited for.
    foreign = type(error).__module__.partition(".")[0] in _LIBRARIES
    if isinstance(error, AssertionError) or kind == "Failed" or foreign:
        fix = "have the application do what the sentence says"
        return Cause(kind, Fault.PROJECT, sentence, seen, place, fix)
    fix = "nobody foresaw it, so it says nothing of the project; -vv shows the way there"
    return Cause(kind, Fault.HARNESS, sentence, f"{kind}: {seen}", place, fix)


def recorded(scenario: Scenario) -> Cause:
    """Return the cause of a scenario that failed, as its record tells it."""
    told = scenario.cause
    if isinstance(told, Mapping) and told.get("fault") in set(Fault):
        return read(told)
    # Of a record that tells words only.
    parts = dict(parts_of(scenario.reason))
    step = scenario.failing
    ended = scenario.reason.startswith("the process") and scenario.reason.endswith("ended here")
    return Cause(
        "",
        Fault.HARNESS if ended else Fault.PROJECT,
        parts.get("needed") or (f"{step.keyword} {step.text}" if step else scenario.name),
        parts.get("seen") or parts.get("") or scenario.status.lower(),
        parts.get("looked") or f"{scenario.uri}:{scenario.line}",
        parts.get("fix", ""),
    )


def read(told: Mapping[str, Any]) -> Cause:
    """Return a cause as it was told."""
    parts = {part: str(told.get(part) or "") for part in _PARTS}
    return Cause(str(told.get("kind") or ""), Fault(str(told.get("fault"))), **parts)
