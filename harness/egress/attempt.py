"""An attempt to reach somebody outside who is not allowed: whose, whom, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.egress.destination import Destination
from harness.egress.names import Asked
from harness.egress.table import Tried
from harness.errors import DeployError, Fault

_SAME_SECOND = timedelta(seconds=2)  # times of the API are whole seconds
_GUESSED_PORT = 443


@dataclass(frozen=True)
class Owner:
    """A pod that has, or had, an address since a time."""

    namespace: str
    pod: str
    address: str
    since: datetime


@dataclass(frozen=True, order=True)
class Attempt:
    """What a pod tried: a name that it asked for, an address, or both."""

    namespace: str
    pod: str
    name: str = ""
    destination: Destination | None = None

    def describe(self) -> str:
        """Return it as a sentence."""
        if self.destination is None:
            return f"{self.pod} asked for the address of {self.name}"
        whom = f"{self.name} ({self.destination})" if self.name else str(self.destination)
        return f"{self.pod} tried to reach {whom}"

    @property
    def allowed_by(self) -> str:
        """The entry of a description that would allow it; "" where there can be none."""
        if self.destination is None:
            return f"{self.name}:{_GUESSED_PORT}"
        if not self.destination.port:
            return ""
        protocol = "" if self.destination.protocol == "tcp" else f"/{self.destination.protocol}"
        return f"{self.name or self.destination.address}:{self.destination.port}{protocol}"


class CalledOutsideError(DeployError):
    """The application has tried to reach somebody that it is not described to use."""

    fault = Fault.PROJECT

    def __init__(self, attempts: Iterable[Attempt], where: str) -> None:
        self.attempts = tuple(sorted(set(attempts), key=Attempt.describe))
        entries = sorted({f'"{a.allowed_by}"' for a in self.attempts if a.allowed_by})
        allow = (
            f"; whom it needs is allowed in deploy.toml: [egress] allow = [{', '.join(entries)}]"
        )
        super().__init__(
            needed="the application to call nobody outside but its database and the services "
            "that it is described to use",
            seen="\n".join(attempt.describe() for attempt in self.attempts),
            looked=where,
            fix="switch off what calls there, such as telemetry or a look for updates"
            + (allow if entries else ""),
        )


def attempts(
    tried: Iterable[Tried],
    asked: Iterable[Asked],
    owners: Iterable[Owner],
    *,
    resolve: Callable[[str], Iterable[str]],
    allowed: Iterable[Destination],
    known: Iterable[str],
) -> list[Attempt]:
    """Return what pods have tried outside, each thing once.

    An address may have been another pod's before: it counts for who had it at the time. What
    belongs to a pod that is not among `owners` is left out.

    Args:
        tried: who was refused.
        asked: names that were asked for.
        owners: pods, also such as are gone.
        resolve: returns the addresses of a name, none when it has none.
        allowed: who may be reached now; one that has just come to it is no attempt.
        known: names of those.

    """
    pods, may, names = list(owners), set(allowed), frozenset(known)
    calls: dict[tuple[str, str], set[Destination]] = {}
    asks: dict[tuple[str, str], set[str]] = {}
    for one in tried:
        if (owner := _owner(pods, one.source, one.at)) and one.destination not in may:
            calls.setdefault((owner.namespace, owner.pod), set()).add(one.destination)
    for question in asked:
        owner = _owner(pods, question.source, question.at)
        if owner and question.name not in names:
            asks.setdefault((owner.namespace, owner.pod), set()).add(question.name)
    every = sorted({name for found in asks.values() for name in found})
    leads = {name: frozenset(resolve(name)) for name in every}
    reached = {destination.address for destination in may}
    found = set[Attempt]()
    for namespace, pod in {*calls, *asks}:
        wanted = {
            name: leads[name]
            for name in asks.get((namespace, pod), ())
            if not leads[name] or not leads[name] <= reached
        }
        found |= set(_of_pod(namespace, pod, calls.get((namespace, pod), set()), wanted))
    return sorted(found, key=Attempt.describe)


def _of_pod(
    namespace: str, pod: str, calls: set[Destination], names: dict[str, frozenset[str]]
) -> Iterator[Attempt]:
    """Bring together the names and the addresses of one pod."""
    told = set[str]()
    for destination in calls:
        meant = [name for name, leads in names.items() if destination.address in leads]
        told.update(meant)
        yield from (Attempt(namespace, pod, name, destination) for name in meant or [""])
    yield from (Attempt(namespace, pod, name) for name in names if name not in told)


def _owner(owners: list[Owner], address: str, at: datetime) -> Owner | None:
    had = [o for o in owners if o.address == address and o.since <= at + _SAME_SECOND]
    return max(had, key=lambda owner: owner.since, default=None)
