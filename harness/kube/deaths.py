"""Containers that ended while somebody watched, also those that ran again a moment later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from harness.kube.pods import is_deleted
from harness.kube.resources import POD, Object, name_of, status_of, uid_of
from harness.kube.state import Change, parse_time

_INIT = "initContainerStatuses"
_STATUSES = (_INIT, "containerStatuses")


@dataclass(frozen=True)
class Death:
    """One end of a container that was not an orderly one (EC-4).

    Attributes:
        pod: its pod's name.
        container: its name.
        exit_code: None when only the count of restarts tells of it.
        reason: as the runtime names it (`Error`, `OOMKilled`, `Completed`, …).
        at: API timestamp of the end, in whole seconds; "" when it is not told.
        seen: when our watch heard of it, in UTC.

    """

    pod: str
    container: str
    exit_code: int | None
    reason: str
    at: str
    seen: datetime

    def describe(self) -> str:
        """Return it in a few words."""
        how = f"{self.reason or 'no reason given'}, exit code {self.exit_code}"
        known = how if self.exit_code is not None else "it was restarted before it could be seen"
        return f"{self.pod}/{self.container} ended: {known}"


def deaths(changes: Iterable[Change], since: datetime | None = None) -> list[Death]:
    """Return each end of a container that a watch's history tells of, in order.

    A container that ends and runs again between two looks is found by its last state; one
    that does so twice between two looks by its count of restarts. An init container, or
    one of a Job, that ends with 0 has done its work and is not dead; nor is a pod's that is
    being deleted.

    Args:
        changes: a watch's history (`State.history`).
        since: leave out what ended before this moment, such as when the watch began.

    """
    found: list[Death] = []
    known: set[str] = set()
    counts: dict[tuple[str, str], int] = {}
    for change in changes:
        if change.kind != POD.kind or change.type == "DELETED" or is_deleted(change.obj):
            continue
        for place, status in _statuses(change.obj):
            name = str(status.get("name"))
            key = (uid_of(change.obj), name)
            news = list(_ends(status, place, change, since, known))
            total = _ended(status, finite=place == _INIT or _restarts_never(change.obj))
            first = 0 if change.type == "ADDED" else total - len(news)
            missed = total - counts.get(key, first) - len(news)
            found += [Death(change.name, name, None, "", "", change.at)] * max(0, missed)
            found += news
            counts[key] = max(total, counts.get(key, 0))
    return found


def _statuses(pod: Object) -> Iterator[tuple[str, Object]]:
    for place in _STATUSES:
        for status in status_of(pod).get(place) or ():
            yield place, status


def _ended(status: Object, *, finite: bool) -> int:
    """Return how many runs of a container have ended, apart from one that has done its work."""
    state, last = status.get("state") or {}, status.get("lastState") or {}
    end = state.get("terminated")
    over = not (finite and end.get("exitCode") == 0) if end else False
    paused = not end and not state.get("running") and bool(last.get("terminated"))
    return int(status.get("restartCount") or 0) + (over or paused)


def _ends(
    status: Object, place: str, change: Change, since: datetime | None, known: set[str]
) -> Iterator[Death]:
    finite = place == _INIT or _restarts_never(change.obj)
    for state in (status.get("lastState"), status.get("state")):
        end = (state or {}).get("terminated")
        if not end:
            continue
        at, code = str(end.get("finishedAt") or ""), end.get("exitCode")
        which = f"{uid_of(change.obj)}/{status.get('name')}/{end.get('containerID') or at}"
        if which in known:
            continue
        known.add(which)
        # Timestamps are cut to whole seconds.
        old = since is not None and (parse_time(at) or since) < since.replace(microsecond=0)
        if not old and not (finite and code == 0):
            name, reason = str(status.get("name")), str(end.get("reason") or "")
            yield Death(name_of(change.obj), name, code, reason, at, change.at)


def _restarts_never(pod: Object) -> bool:
    return bool((pod.get("spec") or {}).get("restartPolicy", "Always") != "Always")
