"""Probes of the kubelet that fail: which, with what answer, and how often it killed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.pods import Container, is_ready
from harness.kube.resources import Object
from harness.kube.state import Snapshot, event_count, event_time, parse_time

_UNHEALTHY = re.compile(
    r"^(Readiness|Liveness|Startup) probe (?:failed|errored)[^:]*: ?(.*)", re.DOTALL
)
_KILLED = re.compile(r"Container (\S+) failed (liveness|startup) probe, will be restarted")
_CLIENT_ERROR = re.compile(r"statuscode: 4\d\d|HTTP response to HTTPS client")
_PATH = re.compile(r"\{([^}]+)\}")  # spec.containers{NAME}


@dataclass(frozen=True)
class Failing:
    """A failure of a probe: `Readiness`, `Liveness` or `Startup`; its answer; ISO time."""

    probe: str
    answer: str
    at: str


def unhealthy_words(pod: Object, snapshot: Snapshot) -> str:
    """Return what the newest failing probe of an unready pod answered, "" when none did."""
    if is_ready(pod):
        return ""
    for event in reversed(snapshot.events(pod)):
        if event.get("reason") == "Unhealthy":
            return " ".join(str(event.get("message") or "").split())
    return ""


def probe_findings(
    pod: Object, container: Container, snapshot: Snapshot, patience: Patience
) -> Iterable[Finding]:
    """Return what is, or may become, hopeless about a container's probes."""
    failing = failing_probe(pod, container, snapshot)
    if failing is None:
        return
    answer = failing.answer
    build = partial(_probe_cause, pod, container, failing.probe, answer)
    if killed_by_probe(pod, container, snapshot) >= 2:
        yield Finding(answer, 0.0, build)
    elif _CLIENT_ERROR.search(answer) and container.running:
        left = patience.probe - snapshot.age(container.started)
        yield Finding(answer, left, build)


def failing_probe(pod: Object, container: Container, snapshot: Snapshot) -> Failing | None:
    """Return the newest failure of a container's probe that still counts, None if none does.

    A container can be Ready while its liveness probe fails, until it is killed for it:
    what counts then is a failure since its start. The other two it has passed.
    """
    started = parse_time(container.started)
    for event in reversed(snapshot.events(pod)):
        found = _UNHEALTHY.search(str(event.get("message") or ""))
        if not found or event.get("reason") != "Unhealthy" or not _is_about(event, container):
            continue
        if container.ready and (
            found.group(1) != "Liveness" or started is None or event_time(event) < started
        ):
            return None
        return Failing(found.group(1), found.group(0).strip(), event_time(event).isoformat())
    return None


def _probe_cause(
    pod: Object, container: Container, probe: str, answer: str, details: Details
) -> DeployError:
    log = details.last_lines(pod, container.name)
    return causes.ProbeFailingError(pod, container, probe, answer, log)


def killed_by_probe(pod: Object, container: Container, snapshot: Snapshot) -> int:
    """Return how often the kubelet has killed the container for a failing probe."""
    return sum(
        event_count(event)
        for event in snapshot.events(pod)
        if (found := _KILLED.search(str(event.get("message") or "")))
        and found.group(1) == container.name
    )


def _is_about(event: Object, container: Container) -> bool:
    path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
    found = _PATH.search(path)
    return found is None or found.group(1) == container.name
