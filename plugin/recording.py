"""What one process of a run records: its scenarios, its fixtures, what was attached to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from harness.record.attachments import Attachments, placed, prefix_of
from harness.record.case import AFTER, BEFORE, Attempt, Case
from harness.record.hooks import AFTER_RUN, BEFORE_RUN, RUN, Hooks
from harness.record.journal import Journal
from harness.record.messages import (
    BROKEN_OFF,
    FAILED,
    PASSED,
    SKIPPED,
    UNKNOWN,
    Message,
    timestamp,
)
from harness.record.meta import meta
from harness.report.causes import EVIDENCE as CAUSE
from plugin.bindings import Bindings, source

Redact = Callable[[str], str]


class Listener(Protocol):
    """Somebody who is told what goes on."""

    def scenario_begins(self, name: str, feature: str) -> None:
        """Hear that a scenario begins."""

    def step_begins(self, text: str) -> None:
        """Hear that a step begins, or what has to be there for it."""

    def step_ends(self, text: str, told: Message) -> None:
        """Hear what became of a step."""

    def scenario_ends(self, told: dict[str, Any]) -> None:
        """Hear what became of a scenario: name, feature, status, reason, seconds."""


class Recording:
    """Records to a journal, if there is one.

    Attributes:
        worker: the name of this process among several, "" for the only one.
        attempt: the scenario at work, None between two.
        tear_down_failed: whether a fixture's tear-down has failed since it began.
        listeners: told what goes on.

    """

    def __init__(self, root: Path, redact: Redact, journal: Journal | None, worker: str) -> None:
        self._root, self._redact, self._journal, self.worker = root, redact, journal, worker
        self._bindings = Bindings(root)
        self._cases: dict[str, Case] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._steps: dict[str, list[str]] = {}
        self._ended: dict[str, Message] = {}
        self._hooks = Hooks(self._write, worker)
        folder = journal.path.parent if journal else root
        prefix = prefix_of(journal.path) if journal else ""
        self._attachments = Attachments(folder, redact, prefix)
        self.attempt: Attempt | None = None
        self.tear_down_failed = False
        self.listeners: list[Listener] = []

    # The run

    def begin(self, items: Iterable[pytest.Item], files: Iterable[Path] = ()) -> None:
        """Write what is to be run, before any of it is.

        Args:
            items: of this run.
            files: all feature files of the project, theirs and others.

        """
        for item in items:
            self._add(item)
        self._bindings.add(files)
        self._write(meta("pytest-bdd"))
        for document in self._bindings.documents:
            self._write(*document.messages)
        self._write(*self._bindings.messages.values())
        self._write({"testRunStarted": {"id": RUN, "timestamp": timestamp(time.time())}})
        self._write(*(case.message() for case in self._cases.values()))

    def _add(self, item: pytest.Item) -> None:
        if not (found := self._bindings.pickle(item)):
            return
        document, pickle = found
        bindings = self._bindings.bindings(item, pickle)
        self._cases[item.nodeid] = Case(item.nodeid, pickle, RUN, bindings)
        keywords = document.keywords
        self._steps[item.nodeid] = [
            f"{keywords.get(step['astNodeIds'][0], '*')} {step['text']}" for step in pickle["steps"]
        ]
        feature = document.messages[1]["gherkinDocument"]["feature"]["name"]
        self._names[item.nodeid] = pickle["name"], feature

    def knows(self, item: pytest.Item) -> bool:
        """Return whether an item is a scenario of this run."""
        return item.nodeid in self._cases

    def close(self) -> None:
        """End what is still open, and the journal."""
        if self.attempt:
            self._break_off()
        self._hooks.close()
        if self._journal:
            self._journal.close()

    @property
    def problem(self) -> str:
        """Why not all could be written, "" when it was."""
        return self._journal.problem if self._journal else ""

    def _write(self, *messages: Message) -> None:
        if self._journal:
            self._journal.write(*messages)

    # Scenarios

    def begin_scenario(self, item: pytest.Item) -> None:
        """Begin a scenario; once more when it is run again."""
        case = self._cases[item.nodeid]
        if case.attempts:
            self._write(self._ended[item.nodeid])
        self.attempt = Attempt(case, self._write, self.worker)
        for listener in self.listeners:
            listener.scenario_begins(*self._names[item.nodeid])

    def await_step(self, number: int) -> None:
        """Note which step is being made ready."""
        for listener in self.listeners:
            listener.step_begins(self._text(number))

    def begin_step(self) -> None:
        """Begin the next step."""
        if self.attempt:
            self.attempt.begin_step()

    def end_step(
        self,
        status: str,
        message: str = "",
        exception: str = "",
        log: str = "",
        cause: Any = None,
    ) -> None:
        """End the step at work, or the next one, and say so; after a bad one skip the rest."""
        attempt = self.attempt
        if attempt is None:
            return
        if not attempt.inside_step:
            attempt.begin_step()
        if log:
            self.text("captured.log", log)
        if cause:
            self.evidence(CAUSE, cause)
        number = attempt.reached - 1
        message = self._redact(message)
        attempt.end_step(status, message, exception)
        if told := attempt.result_of(number):
            for listener in self.listeners:
                listener.step_ends(self._text(number), told)
        if status != PASSED:
            attempt.skip_rest()

    @property
    def sentence(self) -> str:
        """The sentence at work, or the next one."""
        attempt = self.attempt
        if attempt is None:
            return ""
        return self._text(max(attempt.reached - 1, 0) if attempt.inside_step else attempt.reached)

    def _text(self, number: int) -> str:
        steps = self._steps[self.attempt.case.id] if self.attempt else []
        return steps[number] if number < len(steps) else ""

    def skip_rest(self) -> None:
        """Skip the steps that have not been reached."""
        if self.attempt:
            self.attempt.skip_rest()

    def fail(self, name: str, message: str, exception: str = "") -> None:
        """Record a failure of the scenario that belongs to none of its steps."""
        if self.attempt:
            self.attempt.fail(self._hooks.tell(name, AFTER), self._redact(message), exception)
            self.attempt.skip_rest()

    def end_scenario(self) -> dict[str, Any]:
        """End it, and return what there is to say of it in a line."""
        told = self._end_scenario()
        for listener in self.listeners:
            listener.scenario_ends(told)
        return told

    def _break_off(self) -> None:
        """End the scenario that the end of the run came upon."""
        attempt, told = self.attempt, self._end_scenario()
        result = attempt.result_of(attempt.reached - 1) if attempt else None
        for listener in self.listeners:
            if attempt and result and result["status"] == UNKNOWN:
                listener.step_ends(self._steps[attempt.case.id][attempt.reached - 1], result)
            listener.scenario_ends(told)

    def _end_scenario(self) -> dict[str, Any]:
        attempt, self.attempt, self.tear_down_failed = self.attempt, None, False
        if attempt is None:
            return {}
        attempt.finish()
        self._ended[attempt.case.id] = attempt.end(again=True)
        name, feature = self._names[attempt.case.id]
        bad = [told for told in attempt.results.values() if told["status"] == attempt.status]
        steps = self._steps[attempt.case.id]
        at = next(
            (
                text
                for number, text in enumerate(steps)
                if (told := attempt.result_of(number)) and told["status"] == attempt.status
            ),
            "",
        )
        return {
            "name": name,
            "feature": feature,
            "status": attempt.status,
            "step": at if attempt.status != PASSED else "",
            "reason": next((t["message"] for t in bad if t.get("message")), ""),
            "seconds": attempt.seconds,
        }

    # Fixtures

    @contextmanager
    def set_up(self, fixture: Any) -> Iterator[None]:
        """Record the set-up of a fixture, which goes on within."""
        with self._hooked(fixture, BEFORE, BEFORE_RUN):
            yield

    @contextmanager
    def tear_down(self, fixture: Any) -> Iterator[None]:
        """Record the tear-down of a fixture, which goes on within."""
        with self._hooked(fixture, AFTER, AFTER_RUN):
            yield

    @contextmanager
    def _hooked(self, fixture: Any, one: str, whole: str) -> Iterator[None]:
        alone = fixture.scope != "function" or self.attempt is None
        kind = whole if alone else one
        end = self._begin_hook(fixture.argname, fixture.func, kind)
        try:
            yield
        except pytest.skip.Exception as skipped:
            end(SKIPPED, str(skipped))
            raise
        except (Exception, pytest.fail.Exception) as error:
            self.tear_down_failed = one == AFTER
            end(FAILED, _brief(error), type(error).__name__)
            raise
        except BaseException:
            end(UNKNOWN, BROKEN_OFF)
            raise
        end(PASSED)

    def _begin_hook(
        self, name: str, function: Callable[..., Any], kind: str
    ) -> Callable[..., None]:
        hook = self._hooks.tell(name, kind, source(function, self._root))
        attempt = self.attempt
        if kind in (BEFORE, AFTER) and attempt:
            step = attempt.begin_hook(hook, kind)
            return lambda *words: attempt.end_hook(step, *map(self._redact, words))
        self._hooks.begin(hook)
        return lambda *words: self._hooks.end(*map(self._redact, words))

    # Attachments

    def evidence(self, kind: str, facts: Any) -> None:
        """Attach facts of a kind to what is at work."""
        self._attach([self._attachments.evidence(kind, facts)])

    def text(self, name: str, text: str) -> None:
        """Attach a text, such as a log."""
        self._attach(self._attachments.text(name, text))

    def data(self, name: str, data: bytes, media_type: str) -> None:
        """Attach bytes, such as a picture's."""
        self._attach([self._attachments.data(name, data, media_type)])

    def _attach(self, messages: list[Message]) -> None:
        if not self._journal:
            return
        if self.attempt and not self._hooks.open:
            ids = {"testCaseStartedId": self.attempt.id, "testStepId": self.attempt.at}
            self._write(*(placed(message, **ids) for message in messages))
            return
        alone = not self._hooks.open
        if alone:  # between two scenarios, or after the last
            self._hooks.begin(self._hooks.tell("evidence", AFTER_RUN))
        ids = {"testRunHookStartedId": self._hooks.open}
        self._write(*(placed(message, **ids) for message in messages))
        if alone:
            self._hooks.end(PASSED)


def _brief(error: BaseException) -> str:
    """Return an error in a line."""
    headline = getattr(error, "headline", "") or str(error)
    return str(headline).strip().partition("\n")[0] or type(error).__name__
