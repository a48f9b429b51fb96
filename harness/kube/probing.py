"""Probes of the kubelet that fail: which, with what answer, and how often it killed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.pods import Container, containers, is_ready
from harness.kube.resources import Object
from harness.kube.sockets import Listener
from harness.kube.state import Snapshot, event_count, event_time, parse_time

_UNHEALTHY = re.compile(
    r"^(Readiness|Liveness|Startup) probe (?:failed|errored)[^:]*: ?(.*)", re.DOTALL
)
#: The kubelet's words when it ends a container for a probe.
CONDEMNED = re.compile(r"Container (\S+) failed (liveness|startup) probe, will be restarted")
# What a server says that is there and does not know the question, and a program that is not.
_NEVER = re.compile(
    r"statuscode: 4\d\d|HTTP response to HTTPS client|malformed HTTP response"
    r"|executable file not found|no such file or directory"
)
_REFUSED = re.compile(r"dial tcp \S+?:(\d+): connect: connection refused")
_SERVES = re.compile(r"listen|running (?:on|at)|started|serving|ready|accept|local:", re.IGNORECASE)
_PATH = re.compile(r"\{([^}]+)\}")  # spec.containers{NAME}
_AGAIN = 2.0  # seconds after which a container's listeners are read once more


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
    pod: Object, container: Container, snapshot: Snapshot, patience: Patience, details: Details
) -> Iterable[Finding]:
    """Return what is, or may become, hopeless about a container's probes."""
    failing = failing_probe(pod, container, snapshot)
    if failing is None:
        return

    def build(details: Details) -> DeployError:
        log = details.last_lines(pod, container.name)
        return causes.ProbeFailingError(pod, container, failing.probe, failing.answer, log)

    age = snapshot.age(container.started)
    if killed_by_probe(pod, container, snapshot) >= 2:
        yield Finding(failing.answer, 0.0, build)
    elif not container.running:
        return
    elif _NEVER.search(failing.answer):
        yield Finding(failing.answer, patience.probe - age, build)
    elif refused := _REFUSED.search(failing.answer):
        if age < patience.localhost:
            yield Finding(failing.answer, patience.localhost - age, build)
        else:
            yield from _refused(pod, container, failing, int(refused[1]), age, patience, details)


def _refused(
    pod: Object,
    container: Container,
    failing: Failing,
    port: int,
    age: float,
    patience: Patience,
    details: Details,
) -> Iterable[Finding]:
    """Tell a wrong port from a slow start, by what listens instead.

    A process that listens nowhere yet may only be slow. One that listens at the probed
    port on localhost, or elsewhere where the chart declares it or its own log names it,
    has started, and no time mends that; a listener that nobody speaks of may be there
    for debugging, while the server is still to come.
    """
    found = details.listening(pod, container)
    if found is None:
        return  # it cannot be asked
    elsewhere = [one for one in found if one.port != port and not _of_another(one, pod, container)]
    local = [one for one in found if one.port == port and one.local]

    def build(details: Details) -> DeployError:
        log = details.last_lines(pod, container.name)
        return causes.ProbePortError(
            pod, container, failing.probe, failing.answer, log, port=port, listening=found
        )

    left = _AGAIN
    if local:
        left = 0.0
    elif elsewhere and age < patience.probe:
        left = patience.probe - age
    elif elsewhere:
        log = details.last_lines(pod, container.name)
        declared = _declared(pod, container)
        sure = any(one.port in declared or _told(one, log) for one in elsewhere)
        left = 0.0 if sure else patience.elsewhere - age
    yield Finding(failing.answer, left, build)


def _declared(pod: Object, container: Container) -> set[int]:
    entries = (pod.get("spec") or {}).get("containers") or ()
    own = (entry for entry in entries if entry.get("name") == container.name)
    return {int(p["containerPort"]) for entry in own for p in entry.get("ports") or ()}


def _of_another(one: Listener, pod: Object, container: Container) -> bool:
    """Return whether a listener may be another container's: all share the pod's network."""
    others = [c.name for c in containers(pod) if c.running and c.name != container.name]
    return bool(others) and one.port not in _declared(pod, container)


def _told(one: Listener, log: Iterable[str]) -> bool:
    """Return whether a program says in its log that it serves a port."""
    port = re.compile(rf"(?<!\d){one.port}(?!\d)")
    return any(port.search(line) and _SERVES.search(line) for line in log)


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


def killed_by_probe(pod: Object, container: Container, snapshot: Snapshot) -> int:
    """Return how often the kubelet has killed the container for a failing probe."""
    return sum(
        event_count(event)
        for event in snapshot.events(pod)
        if (found := CONDEMNED.search(str(event.get("message") or "")))
        and found.group(1) == container.name
    )


def _is_about(event: Object, container: Container) -> bool:
    path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
    found = _PATH.search(path)
    return found is None or found.group(1) == container.name
