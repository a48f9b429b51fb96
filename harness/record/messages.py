"""The words of the record: envelopes of Cucumber Messages, as plain dicts.

The format is that of https://github.com/cucumber/messages, protocol version 34; a test
checks what is written by its official Python package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Message = dict[str, Any]

PROTOCOL = "34.2.0"
NAME = "messages.ndjson"

PASSED = "PASSED"
FAILED = "FAILED"
SKIPPED = "SKIPPED"
PENDING = "PENDING"
UNDEFINED = "UNDEFINED"
UNKNOWN = "UNKNOWN"
#: From the best to the worst; a scenario has the worst status of its steps.
STATUSES = (PASSED, SKIPPED, PENDING, UNDEFINED, UNKNOWN, FAILED)

#: Of what a run was doing when it was told to end.
BROKEN_OFF = "broken off when the run was ended"
_BROKEN_BY = "KeyboardInterrupt"

_NANOS = 1_000_000_000


def kind_of(message: Message) -> str:
    """Return what an envelope holds, such as testStepFinished; "" for an empty one."""
    return next(iter(message), "")


def worst(statuses: list[str]) -> str:
    """Return the worst of some statuses; UNKNOWN when there are none."""
    return max(statuses, key=STATUSES.index, default=UNKNOWN)


def timestamp(seconds: float) -> Message:
    """Return a moment, given in seconds since 1970."""
    return duration(seconds)


def duration(seconds: float) -> Message:
    """Return a length of time."""
    whole = round(max(0.0, seconds) * _NANOS)
    return {"seconds": whole // _NANOS, "nanos": whole % _NANOS}


def seconds_of(told: Any) -> float:
    """Return a moment or a length of time in seconds; 0.0 for what is none."""
    if not isinstance(told, dict):
        return 0.0
    parts = told.get("seconds", 0), told.get("nanos", 0)
    return sum(
        value * scale
        for value, scale in zip(parts, (1, 1 / _NANOS), strict=True)
        if isinstance(value, int | float)
    )


def result(status: str, seconds: float = 0.0, message: str = "", exception: str = "") -> Message:
    """Return the result of a step or hook.

    Args:
        status: one of STATUSES.
        seconds: how long it took.
        message: what explains it, if anything.
        exception: the name of the error's type, if one was raised.

    """
    told: Message = {"duration": duration(seconds), "status": status}
    if message:
        told["message"] = message
    if exception:
        told["exception"] = {"type": exception, "message": message}
    return told


def recorded(told: Message) -> Message:
    """Return a result as the record has it: what was broken off as a failure of a known type.

    To readers of the format UNKNOWN is less than PASSED: they would count a scenario that was
    broken off after a step that passed as one that passed.
    """
    if told["status"] != UNKNOWN:
        return told
    message = told.get("message") or BROKEN_OFF
    return (
        told
        | result(FAILED, message=message, exception=_BROKEN_BY)
        | {"duration": told["duration"]}
    )


def status_of(told: Message) -> str:
    """Return the status of a result in a record, "" for none; UNKNOWN for what was broken off."""
    error = told.get("exception")
    broken = isinstance(error, dict) and error.get("type") == _BROKEN_BY
    if broken and told.get("status") == FAILED and told.get("message") == BROKEN_OFF:
        return UNKNOWN
    return str(told.get("status") or "")


def strings_changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return a message with each text in it changed; keys stay as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: strings_changed(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [strings_changed(part, change) for part in value]
    return value
