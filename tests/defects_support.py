"""Rolling out what is broken in one way each, and what was said of it, and when."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from defects_catalogue import Defect, Values

from harness.errors import DeployError
from harness.helm import Helm
from harness.helm.values import merged
from harness.kube.client import Kube
from harness.kube.deaths import Death, deaths
from harness.kube.resources import labels_of, owner_uids, status_of, uid_of
from harness.kube.selection import INSTANCE
from harness.kube.state import Change, parse_time
from harness.kube.watch import Watcher
from harness.progress import Progress
from harness.redact import Redactor
from harness.rollout import Rollout

CHART = Path(__file__).parent / "charts" / "defects"
_AT_ONCE = 6  # rollouts side by side
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of a rollout.

    Attributes:
        error: what it raised, None when it ended well.
        said: the message, or the last line of progress.
        seconds: from the event to the report.
        deaths: of its containers, in order.
        seen_after: seconds from each death, as the container's own last words tell its
            moment, until our watch had it.

    """

    error: DeployError | None
    said: str
    seconds: float
    deaths: tuple[Death, ...] = ()
    seen_after: tuple[float, ...] = ()


@dataclass
class _Lines:
    lines: list[str] = field(default_factory=list)

    def write(self, text: str, /) -> None:
        self.lines.append(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass(frozen=True)
class Producer:
    """Rolls broken releases out side by side, in one namespace and a strict one."""

    kube: Kube
    helm: Helm
    image: str
    namespaces: tuple[str, str]

    def produce(self, chosen: Sequence[Defect]) -> dict[str, Outcome]:
        """Return what became of each."""
        plain, strict = self.namespaces
        with Watcher(self.kube, plain) as one, Watcher(self.kube, strict) as other:

            def make(defect: Defect) -> Outcome:
                return self._roll_out(defect, other if defect.strict else one)

            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return dict(zip((d.name for d in chosen), pool.map(make, chosen), strict=True))

    def _roll_out(self, defect: Defect, watcher: Watcher) -> Outcome:
        stream, error = _Lines(), None
        rollout = Rollout(self.helm, self.kube, Progress(stream=stream), Redactor(), _TIMEOUT)
        try:
            rollout.run(CHART, defect.name, watcher.state.namespace, self._values(defect))
        except DeployError as raised:
            error = raised
        ended = datetime.now(UTC)
        for _ in range(50):  # this watch is not the rollout's, and may be told a moment later
            history = _of_release(list(watcher.state.history), defect.name)
            found = tuple(d for d in deaths(history) if d.seen <= ended)
            if begun := event_time(defect.event, history, found):
                break
            time.sleep(0.1)
        return Outcome(
            error,
            str(error) if error else stream.lines[-1],
            (ended - begun).total_seconds() if begun else float("nan"),
            found,
            tuple(self._seen_after(found, error)),
        )

    def _values(self, defect: Defect) -> Values:
        """Return the chart's values, every container with the image unless it has one."""

        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(one) for one in value]
            if not isinstance(value, Mapping):
                return value
            given = {"image": self.image} if value.get("name") == "main" else {}
            return merged(given, {key: filled(one) for key, one in value.items()})

        return {"image": self.image, "container": None} | dict(filled(defect.values))

    def _seen_after(self, found: Iterable[Death], error: DeployError | None) -> Iterable[float]:
        """Yield how long the last death took to be seen, if its container tells its moment."""
        log = getattr(error, "log", ())
        for death in list(found)[-1:]:
            if told := re.search(r"ends at ([\d.]+)", "\n".join(log)):
                yield death.seen.timestamp() - float(told[1])


def event_time(what: str, history: Sequence[Change], found: Sequence[Death]) -> datetime | None:
    """Return when that happened which the report is measured from."""
    if what == "death":
        return parse_time(found[-1].at) if found else None
    if what == "Service":
        return next((_created(c.obj) for c in history if c.kind == "Service"), None)
    if what.endswith(" condition"):
        kind = what.removesuffix(" condition")
        times = [
            parse_time(told.get("lastUpdateTime") or told.get("lastTransitionTime"))
            for change in history
            for told in status_of(change.obj).get("conditions") or ()
            if told.get("type") == kind
        ]
        return max((time for time in times if time), default=None)
    events = [c.obj for c in history if c.kind == "Event" and c.obj.get("reason") == what]
    times = [parse_time(e.get("firstTimestamp") or e.get("eventTime")) for e in events]
    return min((time for time in times if time), default=None)


def _created(obj: Mapping[str, Any]) -> datetime | None:
    return parse_time(obj["metadata"].get("creationTimestamp"))


def _of_release(history: Sequence[Change], release: str) -> list[Change]:
    """Return the changes of a release's objects, of what they own, and events about them."""
    uids: set[str] = set()
    kept = []
    for _ in range(3):  # an owner may be told after what it owns
        for change in history:
            if labels_of(change.obj).get(INSTANCE) == release or owner_uids(change.obj) & uids:
                uids.add(uid_of(change.obj))
    for change in history:
        about = change.obj.get("involvedObject") or {}
        if uid_of(change.obj) in uids or about.get("uid") in uids:
            kept.append(change)
    return kept


def record(path: Path, chosen: Sequence[Defect], outcomes: Mapping[str, Outcome]) -> None:
    """Write what was seen, for `docs/causes.md`."""
    rows = [
        {
            "name": defect.name,
            "cause": defect.cause.__name__ if defect.cause else "",
            "event": defect.event,
            "seconds": round(outcomes[defect.name].seconds, 1),
            "said": outcomes[defect.name].error.headline  # type: ignore[union-attr]
            if outcomes[defect.name].error
            else outcomes[defect.name].said,
            "seen_after": [round(s, 2) for s in outcomes[defect.name].seen_after],
        }
        for defect in chosen
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"at": time.strftime("%Y-%m-%d", time.gmtime()), "rows": rows}, indent=1)
    )
