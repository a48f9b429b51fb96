"""The parts of a record put together: each thing once, in the order that readers expect."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from harness.record.messages import (
    BROKEN_OFF,
    FAILED,
    UNKNOWN,
    Message,
    kind_of,
    recorded,
    result,
    seconds_of,
)
from harness.record.reading import Part

#: What comes before the run, in this order; of two with one id the later counts.
_HEAD = ("meta", "source", "gherkinDocument", "pickle", "parameterType", "stepDefinition", "hook")
_FIRST = 1.0  # seconds; before anything that happened
Key = tuple[str, str]


def merge(parts: Iterable[Part], *, interrupted: bool = False) -> list[Message]:
    """Return the messages of all parts as those of one run.

    A process that ended without ending its scenario broke it off: its step was broken off when
    the run was interrupted, else it failed, since the process died of it. Steps that were never
    reached get no result.

    Args:
        parts: that of the leading process first.
        interrupted: whether the run was told to end.

    """
    parts = list(parts)
    head: dict[Key, Message] = {}
    cases: dict[Key, Message] = {}
    started: Message | None = None
    finished: Message | None = None
    streams = []
    for part in parts:
        events = []
        # Every worker tells all cases; the hooks are known to the one that ran it.
        ran = {
            str(message["testCaseStarted"].get("testCaseId"))
            for message in part.messages
            if "testCaseStarted" in message
        }
        for message in part.messages:
            kind = kind_of(message)
            if kind in _HEAD:
                head[_key(kind, message)] = message
            elif kind == "testCase":
                key = _key(kind, message)
                if key not in cases or key[1] in ran:
                    cases[key] = message
            elif kind == "testRunStarted":
                started = started or message
            elif kind == "testRunFinished":
                finished = message
            else:
                events.append(message)
        streams.append(_timed([*_last_words(events), *_broken_off(part, events, interrupted)]))
    body = [message for _, message in heapq.merge(*streams, key=lambda timed: timed[0])]
    ordered = sorted(head.values(), key=lambda message: _HEAD.index(kind_of(message)))
    ends = [message for message in (finished,) if message]
    starts = [message for message in (started,) if message]
    return [*_by_document(ordered), *starts, *cases.values(), *body, *ends]


def _key(kind: str, message: Message) -> Key:
    told = message[kind]
    return kind, str(told.get("id") or told.get("uri") or "")


def _by_document(head: list[Message]) -> list[Message]:
    """Put each source, its tree and its pickles together, as parsers write them."""
    kinds = ("source", "gherkinDocument", "pickle")
    uris = dict.fromkeys(str(m[kind_of(m)].get("uri")) for m in head if kind_of(m) in kinds)
    order = {uri: number for number, uri in enumerate(uris)}

    def place(message: Message) -> tuple[int, int, int]:
        kind = kind_of(message)
        if kind in kinds:
            return 1, order[str(message[kind].get("uri"))], kinds.index(kind)
        return (0, 0, 0) if kind == "meta" else (2, 0, 0)

    return sorted(head, key=place)


def _last_words(events: list[Message]) -> Iterator[Message]:
    """Yield events; an attempt's end that was told again is told once, as it was last."""
    ends = {
        message["testCaseFinished"].get("testCaseStartedId"): message
        for message in events
        if kind_of(message) == "testCaseFinished"
    }
    for message in events:
        if kind_of(message) != "testCaseFinished":
            yield message
        elif end := ends.pop(message["testCaseFinished"].get("testCaseStartedId"), None):
            yield end


def _broken_off(part: Part, events: list[Message], interrupted: bool) -> Iterator[Message]:  # noqa: FBT001
    """Yield the ends that a process did not come to write."""
    open_: dict[str, dict[str, Message]] = {}
    hooks: dict[str, Message] = {}
    moment: Message = {"seconds": 0, "nanos": 0}
    for message in events:
        told = message[kind_of(message)]
        moment = told.get("timestamp") or moment
        attempt = str(told.get("testCaseStartedId") or told.get("id") or "")
        match kind_of(message):
            case "testCaseStarted":
                open_[attempt] = {}
            case "testStepStarted":
                open_.get(attempt, {})[str(told.get("testStepId"))] = told
            case "testStepFinished":
                open_.get(attempt, {}).pop(str(told.get("testStepId")), None)
            case "testCaseFinished":
                open_.pop(attempt, None)
            case "testRunHookStarted":
                hooks[str(told.get("id"))] = told
            case "testRunHookFinished":
                hooks.pop(str(told.get("testRunHookStartedId")), None)
    process = f"the process {part.name}" if part.name else "the process"
    status = UNKNOWN if interrupted else FAILED
    words = BROKEN_OFF if interrupted else f"{process} ended here"
    for hook, begun in hooks.items():
        took = seconds_of(moment) - seconds_of(begun.get("timestamp"))
        told = recorded(result(status, took, words))
        ends = {"testRunHookStartedId": hook, "result": told, "timestamp": moment}
        yield {"testRunHookFinished": ends}
    for attempt, steps in open_.items():
        if not steps and (step := _next(part, events, attempt)):  # between two
            begun = {"testCaseStartedId": attempt, "testStepId": step, "timestamp": moment}
            yield {"testStepStarted": begun}
            steps[step] = begun
        for step, begun in steps.items():
            took = seconds_of(moment) - seconds_of(begun.get("timestamp"))
            told = recorded(result(status, took, words))
            ids = {"testCaseStartedId": attempt, "testStepId": step}
            yield {"testStepFinished": {**ids, "testStepResult": told, "timestamp": moment}}
        yield {
            "testCaseFinished": {
                "testCaseStartedId": attempt,
                "timestamp": moment,
                "willBeRetried": False,
            }
        }


def _next(part: Part, events: list[Message], attempt: str) -> str:
    """Return the id of the first sentence that an attempt did not come to, "" after the last."""
    started = (m["testCaseStarted"] for m in events if "testCaseStarted" in m)
    case = next((told.get("testCaseId") for told in started if told.get("id") == attempt), None)
    cases = (m["testCase"] for m in reversed(part.messages) if "testCase" in m)
    steps = next((told.get("testSteps") for told in cases if told.get("id") == case), None) or ()
    begun = (m["testStepStarted"] for m in events if "testStepStarted" in m)
    reached = {told.get("testStepId") for told in begun if told.get("testCaseStartedId") == attempt}
    sentences = (str(step.get("id")) for step in steps if step.get("pickleStepId"))
    return next((step for step in sentences if step not in reached), "")


def _timed(events: Iterable[Message]) -> list[tuple[float, Message]]:
    """Return events with moments that never go back, so that those of a part keep their order."""
    latest, timed = _FIRST, []
    for message in events:
        latest = max(latest, seconds_of(message[kind_of(message)].get("timestamp")))
        timed.append((latest, message))
    return timed
