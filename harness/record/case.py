"""One scenario as it runs: which step is at work, and what became of those before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.record.messages import (
    BROKEN_OFF,
    FAILED,
    SKIPPED,
    UNKNOWN,
    Message,
    recorded,
    result,
    timestamp,
    worst,
)

BEFORE = "BEFORE_TEST_CASE"
AFTER = "AFTER_TEST_CASE"
Write = Callable[..., None]


@dataclass
class Case:
    """A test case: the steps of a pickle, and the hooks that were found when it ran.

    Attributes:
        id: of the test case; the attempts at it have ids of their own.
        pickle: what it carries out.
        run: id of the run it belongs to.
        bindings: by the id of a pickle's step, what the step's message says of definitions.

    """

    id: str
    pickle: Message = field(repr=False)
    run: str
    bindings: dict[str, Message] = field(default_factory=dict, repr=False)
    attempts: int = 0
    steps: list[Message] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin with the steps that are written down."""
        self.steps = [
            {
                "id": f"{self.id}#{number}",
                "pickleStepId": step["id"],
                **self.bindings.get(step["id"], {"stepDefinitionIds": []}),
            }
            for number, step in enumerate(self.pickle["steps"], 1)
        ]

    def message(self) -> Message:
        """Return the test case as it is known now; the last one told is the one that counts."""
        told = {
            "id": self.id,
            "pickleId": self.pickle["id"],
            "testSteps": list(self.steps),
            "testRunStartedId": self.run,
        }
        return {"testCase": told}

    def hook(self, hook: str, before: str | None) -> str:
        """Return the id of the step that stands for a hook; a new one goes before a step or last.

        Args:
            hook: the id of the hook.
            before: the id of the step that it comes before; None: after all of them.

        """
        for step in self.steps:
            if step.get("hookId") == hook:
                return str(step["id"])
        number = sum("hookId" in step for step in self.steps) + 1
        step = {"id": f"{self.id}#hook-{number}", "hookId": hook}
        ids = [known["id"] for known in self.steps]
        self.steps.insert(ids.index(before) if before else len(ids), step)
        return str(step["id"])


class Attempt:
    """One go at a test case. Each thing that happens is written at once.

    `reached` is how many of the pickle's steps have begun.

    A step is one of: passed, failed, undefined, pending, skipped with the reason of the
    condition, or skipped without a reason after one that did not pass.
    """

    def __init__(self, case: Case, write: Write, worker: str = "") -> None:
        self.case, self._write = case, write
        self.id = f"{case.id}@{worker or 'run'}.{case.attempts}"
        self._worker = worker
        self.reached = 0
        self._open: list[tuple[str, float]] = []
        self._sentence = ""
        self._ended = self._finished = 0.0
        self.began = time.time()
        self.results: dict[str, Message] = {}
        started: Message = {
            "id": self.id,
            "testCaseId": case.id,
            "attempt": case.attempts,
            "timestamp": timestamp(self.began),
        }
        if worker:
            started["workerId"] = worker
        write(case.message(), {"testCaseStarted": started})
        case.attempts += 1

    @property
    def at(self) -> str:
        """The id of the test step that is at work, "" between two."""
        return self._open[-1][0] if self._open else ""

    @property
    def sentences(self) -> Sequence[Message]:
        """The steps of the pickle."""
        steps: list[Message] = self.case.pickle["steps"]
        return steps

    def _sentence_id(self, number: int) -> str:
        return f"{self.case.id}#{number + 1}"

    # The written steps

    def begin_step(self) -> None:
        """Begin the next step that is written down."""
        if self.reached < len(self.sentences):
            self._sentence = self._sentence_id(self.reached)
            self.reached += 1
            self._start(self._sentence)

    def note_end(self) -> None:
        """Note that the step at work is over now, though what became of it is told later."""
        if self._sentence:
            self._ended = time.time()

    def end_step(self, status: str, message: str = "", exception: str = "") -> None:
        """End it."""
        if self._sentence:
            self._finish(self._sentence, status, message, exception)
            self._sentence = ""

    def skip_rest(self) -> None:
        """Skip all steps that have not been reached."""
        while self.reached < len(self.sentences):
            self.begin_step()
            self.end_step(SKIPPED)

    # Hooks

    def begin_hook(self, hook: str, kind: str) -> str:
        """Begin a hook, and return the id of its test step."""
        number = self.reached - (1 if self._sentence else 0)
        left = number < len(self.sentences)
        before = self._sentence_id(number) if kind == BEFORE and left else None
        step = self.case.hook(hook, before)
        self._write(self.case.message())
        self._start(step)
        return step

    def end_hook(self, step: str, status: str, message: str = "", exception: str = "") -> None:
        """End a hook."""
        self._finish(step, status, message, exception)

    def fail(self, hook: str, message: str, exception: str = "") -> None:
        """Record a failure that belongs to no step, as that of a hook."""
        step = self.begin_hook(hook, AFTER)
        self.end_hook(step, FAILED, message, exception)

    # The end

    def finish(self) -> None:
        """End the attempt; what is still open then was broken off, or else what comes next."""
        if not self._open:
            self.begin_step()
        for step, _ in reversed(self._open[:]):
            self._finish(step, UNKNOWN, BROKEN_OFF)
        self._finished = time.time()
        self._write(self.end(again=False))

    def end(self, *, again: bool) -> Message:
        """Return the message of its end, told once more when it is tried again."""
        ends = {"testCaseStartedId": self.id, "timestamp": timestamp(self._finished)}
        return {"testCaseFinished": {**ends, "willBeRetried": again}}

    @property
    def status(self) -> str:
        """The worst of what has happened so far."""
        return worst([str(told["status"]) for told in self.results.values()])

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return (self._finished or time.time()) - self.began

    @property
    def inside_step(self) -> bool:
        """Whether a step that is written down is at work."""
        return bool(self._sentence)

    def result_of(self, number: int) -> Message | None:
        """Return the result of the step of this number, from 0; None when it has none."""
        return self.results.get(self._sentence_id(number))

    def _start(self, step: str) -> None:
        now = time.time()
        self._open.append((step, now))
        ids = {"testCaseStartedId": self.id, "testStepId": step}
        self._write({"testStepStarted": {**ids, "timestamp": timestamp(now)}})

    def _finish(self, step: str, status: str, message: str = "", exception: str = "") -> None:
        now = time.time()
        if step == self._sentence and self._ended:
            now, self._ended = self._ended, 0.0
        begun = dict(self._open).get(step, now)
        self._open = [(known, at) for known, at in self._open if known != step]
        told = self.results[step] = result(status, now - begun, message, exception)
        ids = {"testCaseStartedId": self.id, "testStepId": step}
        self._write(
            {
                "testStepFinished": {
                    **ids,
                    "testStepResult": recorded(told),
                    "timestamp": timestamp(now),
                }
            }
        )
