"""A wait is a value: it describes itself and judges a snapshot."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.errors import DeployError, Fault
from harness.kube.details import Details
from harness.kube.resources import Object, uid_of
from harness.kube.state import Snapshot, event_count, event_time
from harness.kube.watch import Watcher
from harness.redact import Redactor

_UNREACHABLE = 30.0  # seconds without an answer of the API after which a wait gives up
_EVENTS = 12  # recent events shown by a timeout


@dataclass(frozen=True)
class Ready:
    """What was waited for is there."""


@dataclass(frozen=True)
class Pending:
    """Not yet, but it may come. `seen` says what is there now.

    `recheck` is in how many seconds the verdict could change though nothing happens (a
    period of grace ends); by default only a change of the cluster is a reason to look.
    """

    seen: str
    recheck: float = math.inf


@dataclass(frozen=True)
class Hopeless:
    """It will not come by itself. `cause` is raised; `others` were seen with it."""

    cause: DeployError
    others: Sequence[DeployError] = ()


Verdict = Ready | Pending | Hopeless


class Wait(Protocol):
    """Something that can be waited for."""

    def describe(self) -> str:
        """Return what is waited for, as the end of "timed out waiting for …"."""

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:
        """Judge a snapshot. `details` answers what a watch does not tell (logs, free room)."""


class WaitTimeoutError(DeployError):
    """It was neither ready nor hopeless when the time was over.

    Attributes:
        pending: the last state seen.

    """

    fault = Fault.PROJECT

    def __init__(self, wait: str, timeout: float, pending: str, recent: str, where: str) -> None:
        self.pending = pending
        super().__init__(
            needed=f"{wait} within {timeout:.0f} s",
            seen=pending + (f"\n{recent}" if recent else ""),
            looked=where,
            fix="see what the last state waits for; if it only needs longer, allow more time",
        )


@dataclass(frozen=True)
class Waited:
    """How long it took, in seconds, and the snapshot that was ready."""

    seconds: float
    snapshot: Snapshot


def wait_for(
    wait: Wait,
    watcher: Watcher,
    timeout: float,
    *,
    details: Details | None = None,
    redact: Redactor | None = None,
    on_pending: Callable[[str], None] | None = None,
) -> Waited:
    """Wait until something is ready; end at once when it is hopeless.

    Runs in the calling thread and looks again at each change that the watcher sees.
    `watcher.state.interrupt(error)` ends it from another thread with that error, and
    `watcher.state.touch()` makes it look again.

    Args:
        wait: what for.
        watcher: an entered watcher of the namespace.
        timeout: seconds.
        details: answers what a watch does not tell; by default asks the watcher's API.
        redact: applied to what a timeout shows.
        on_pending: called with the state seen, each time that it changes.

    Raises:
        WaitTimeoutError: with what was expected, the last state, recent events and logs.
        DeployError: the cause, when it is hopeless; the API's error, when it has not
            answered for 30 s or refuses.

    """
    details = details or Details(watcher.client, redact=redact)
    redact = redact or Redactor()
    started = time.monotonic()
    last = ""
    while True:
        if watcher.state.failure is not None:
            raise watcher.state.failure
        snapshot, seen = watcher.state.snapshot()
        verdict = wait.evaluate(snapshot, details)
        if isinstance(verdict, Ready):
            return Waited(time.monotonic() - started, snapshot)
        if isinstance(verdict, Hopeless):
            for other in verdict.others:
                verdict.cause.add_note(f"also: {other.headline}")
            raise verdict.cause
        if verdict.seen != last:
            last = verdict.seen
            if on_pending:
                on_pending(last)
        silent, error = watcher.state.unreachable_for()
        if error is not None and silent > _UNREACHABLE:
            raise error
        left = timeout - (time.monotonic() - started)
        if left <= 0:
            raise _timed_out(wait, timeout, verdict, snapshot, details, redact)
        pause = min(left, max(verdict.recheck, 0.05))
        watcher.state.wait_change(seen, min(pause, _UNREACHABLE / 3) if error else pause)


def _timed_out(
    wait: Wait,
    timeout: float,
    pending: Pending,
    snapshot: Snapshot,
    details: Details,
    redact: Redactor,
) -> WaitTimeoutError:
    events = [event_line(event) for event in _living(snapshot)[-_EVENTS:]]
    recent = "\n".join(["recent events:", *(f"  {line}" for line in events)]) if events else ""
    logs = "\n".join(details.unready_lines(snapshot))
    text = "\n".join(part for part in (recent, logs) if part)
    where = f"the objects of namespace {snapshot.namespace}"
    return WaitTimeoutError(
        redact(wait.describe()), timeout, redact(pending.seen), redact(text), where
    )


def _living(snapshot: Snapshot) -> list[Object]:
    """Return the events about what is still there; of what is gone they only distract."""
    uids = {uid_of(obj) for named in snapshot.objects.values() for obj in named.values()}
    return [e for e in snapshot.events() if (e.get("involvedObject") or {}).get("uid") in uids]


def event_line(event: Object) -> str:
    """Return an event in one line: time, type, reason, object, how often, message."""
    about = event.get("involvedObject") or {}
    count = event_count(event)
    times = f" (x{count})" if count > 1 else ""
    message = " ".join(str(event.get("message") or "").split())
    return (
        f"{event_time(event):%H:%M:%S} {event.get('type', '')} {event.get('reason', '')} "
        f"{about.get('kind', '')}/{about.get('name', '')}{times}: {message}"
    )
