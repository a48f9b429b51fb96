"""What a namespace holds, as far as its watches have told."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from harness.errors import DeployError
from harness.kube.resources import (
    EVENT,
    POD,
    Object,
    Resource,
    meta,
    name_of,
    owner_uids,
    uid_of,
)
from harness.kube.selection import Selection, is_meant

_HISTORY = 5000  # changes kept


@dataclass(frozen=True)
class Change:
    """One thing that happened: `type` is ADDED, MODIFIED or DELETED; `at` in UTC."""

    at: datetime
    type: str
    kind: str
    name: str
    obj: Object = field(repr=False)


@dataclass(frozen=True)
class Snapshot:
    """The objects at one moment. Nothing in it changes any more.

    Attributes:
        namespace: where all of this lies.
        objects: by kind, then by name.
        before: uids of the objects that were there before the watch began.
        now: the moment, in UTC.

    """

    namespace: str
    objects: Mapping[str, Mapping[str, Object]] = field(repr=False)
    before: frozenset[str] = frozenset()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(
        cls,
        objects: Iterable[Object],
        *,
        namespace: str = "default",
        now: datetime | None = None,
        before: Iterable[str] = (),
    ) -> Snapshot:
        """Return a snapshot of loose objects, each of which names its `kind`."""
        kinds: dict[str, dict[str, Object]] = {}
        for obj in objects:
            kinds.setdefault(str(obj["kind"]), {})[name_of(obj)] = obj
        return cls(namespace, kinds, frozenset(before), now or datetime.now(UTC))

    def all(self, resource: Resource, labels: Selection | None = None) -> list[Object]:
        """Return the objects of a kind, those that are meant only if any are given."""
        found = self.objects.get(resource.kind, {}).values()
        if labels is None:
            return list(found)
        return [obj for obj in found if is_meant(obj, labels)]

    def get(self, resource: Resource, name: str) -> Object | None:
        """Return the object of that name, None when there is none."""
        return self.objects.get(resource.kind, {}).get(name)

    def owned(self, resource: Resource, owner: Object) -> list[Object]:
        """Return the objects of a kind that the owner controls directly."""
        uid = uid_of(owner)
        return [obj for obj in self.all(resource) if uid in owner_uids(obj)]

    def events(self, about: Object | None = None) -> list[Object]:
        """Return events in order of time, of one object or of all."""
        found = self.all(EVENT)
        if about is not None:
            uid = uid_of(about)
            found = [e for e in found if (e.get("involvedObject") or {}).get("uid") == uid]
        return sorted(found, key=event_time)

    def pods(self, labels: Selection | None = None) -> list[Object]:
        """Return the pods in order of name."""
        return sorted(self.all(POD, labels), key=name_of)

    def age(self, timestamp: str | None) -> float:
        """Return seconds from an API timestamp until now; 0 when there is none."""
        then = parse_time(timestamp)
        return max(0.0, (self.now - then).total_seconds()) if then else 0.0


def parse_time(text: str | None) -> datetime | None:
    """Return an API timestamp as UTC."""
    if not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def event_time(event: Object) -> datetime:
    """Return when an event was last seen; events of either API generation."""
    series = event.get("series") or {}
    for text in (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        meta(event).get("creationTimestamp"),
    ):
        if when := parse_time(text):
            return when
    return datetime.fromtimestamp(0, UTC)


def event_count(event: Object) -> int:
    """Return how often an event was seen."""
    series = event.get("series") or {}
    return int(series.get("count") or event.get("count") or 1)


class State:
    """The one object that all watches of a namespace write to and all waits read from."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.history: deque[Change] = deque(maxlen=_HISTORY)
        self.failure: DeployError | None = None
        self._objects: dict[str, dict[str, Object]] = {}
        self._before: set[str] = set()
        self._listed: set[str] = set()
        self._version = 0
        self._changed = threading.Condition()
        self._unreachable: tuple[float, DeployError] | None = None

    def replace(self, resource: Resource, items: Iterable[Object]) -> None:
        """Take over a whole list; what is missing from it was deleted meanwhile."""
        fresh = {name_of(item): item for item in items}
        with self._changed:
            first = resource.kind not in self._listed
            known = self._objects.setdefault(resource.kind, {})
            for name in [name for name in known if name not in fresh]:
                self._record("DELETED", resource, known.pop(name))
            for name, item in fresh.items():
                old = known.get(name)
                if old is not None and _version(old) == _version(item):
                    continue
                if old is not None and uid_of(old) != uid_of(item):  # gone, and made anew
                    self._record("DELETED", resource, old)
                    old = None
                known[name] = item
                if first:
                    self._before.add(uid_of(item))
                else:
                    self._record("MODIFIED" if old else "ADDED", resource, item)
            self._listed.add(resource.kind)
            self._notify()

    def apply(self, kind: str, resource: Resource, obj: Object) -> None:
        """Take over one watch event: ADDED, MODIFIED or DELETED."""
        with self._changed:
            known = self._objects.setdefault(resource.kind, {})
            if kind == "DELETED":
                known.pop(name_of(obj), None)
            else:
                known[name_of(obj)] = obj
            self._record(kind, resource, obj)
            self._notify()

    def reached(self) -> None:
        """Note that the API answers."""
        with self._changed:
            self._unreachable = None

    def unreachable(self, error: DeployError) -> None:
        """Note that the API does not answer; the first moment counts."""
        with self._changed:
            if self._unreachable is None:
                self._unreachable = (time.monotonic(), error)
            self._notify()

    def unreachable_for(self) -> tuple[float, DeployError | None]:
        """Return for how many seconds the API has not answered, and the first error."""
        with self._changed:
            if self._unreachable is None:
                return 0.0, None
            since, error = self._unreachable
            return time.monotonic() - since, error

    def interrupt(self, error: DeployError) -> None:
        """End every wait on this state with an error (the first one counts)."""
        with self._changed:
            self.failure = self.failure or error
            self._notify()

    def touch(self) -> None:
        """Have every wait look again, because something outside the API has changed."""
        with self._changed:
            self._notify()

    def snapshot(self) -> tuple[Snapshot, int]:
        """Return what is known, and a number that grows with each change."""
        with self._changed:
            objects = {kind: dict(named) for kind, named in self._objects.items()}
            return Snapshot(self.namespace, objects, frozenset(self._before)), self._version

    def changes(self) -> list[Change]:
        """Return what has happened, oldest first; of very much the last."""
        with self._changed:
            return list(self.history)

    def wait_listed(self, kinds: Iterable[str], timeout: float) -> bool:
        """Wait until each kind has been listed once, or until a failure."""
        wanted = set(kinds)
        with self._changed:
            return self._changed.wait_for(
                lambda: self.failure is not None or wanted <= self._listed, timeout
            )

    def wait_change(self, seen: int, timeout: float) -> bool:
        """Wait until there is something newer than `seen`."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.failure is not None or self._version != seen, timeout
            )

    def _record(self, kind: str, resource: Resource, obj: Object) -> None:
        change = Change(datetime.now(UTC), kind, resource.kind, name_of(obj), obj)
        self.history.append(change)

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()


def _version(obj: Object) -> str:
    return str(meta(obj).get("resourceVersion", ""))
