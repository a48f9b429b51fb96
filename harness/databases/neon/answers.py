"""What Neon's API answers, as far as a branch needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.databases.neon import errors

ENDED_WELL = ("finished", "skipped")
_ENDED_BADLY = ("error", "cancelled")


@dataclass(frozen=True)
class Branch:
    """A branch of a project. `kept`: the project's default one, or protected."""

    id: str
    name: str
    created: datetime
    kept: bool


@dataclass(frozen=True)
class Operation:
    """Something that Neon has begun. `final`: it will not be tried again."""

    id: str
    action: str
    status: str
    said: str
    final: bool


@contextmanager
def as_described(call: str) -> Iterator[None]:
    """Read an answer. Raises NeonRefusedError when it lacks what its description has."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Not the answer itself: it may hold a password.
        seen = f"an answer that is not as its description: {type(error).__name__}"
        raise errors.NeonRefusedError(call, seen) from None


def branch(one: dict[str, Any]) -> Branch:
    """Return a branch as the API describes it."""
    return Branch(
        id=str(one["id"]),
        name=str(one["name"]),
        created=datetime.fromisoformat(one["created_at"]),
        kept=bool(one.get("default") or one.get("primary") or one.get("protected")),
    )


def operations(answer: Any) -> list[Operation]:
    """Return the operations that an answer says are under way."""
    return [operation(one) for one in answer.get("operations", ())]


def operation(one: dict[str, Any]) -> Operation:
    """Return an operation as the API describes it."""
    status = str(one["status"])
    # One that failed is final unless Neon says when it will be tried again.
    given_up = status in _ENDED_BADLY or (status == "failed" and not one.get("retry_at"))
    return Operation(
        str(one["id"]), str(one["action"]), status, str(one.get("error") or ""), given_up
    )
