"""Which states of a pod are hopeless at once, and which may still recover.

| state | hopeless | may recover, because |
|---|---|---|
| ErrImageNeverPull, InvalidImageName | at once | - |
| ErrImagePull, ImagePullBackOff | at once when the registry says no (not found, denied, no such host) | else the network may: after `pull` seconds |
| CrashLoopBackOff | after `restarts` restarts | a crash or two happen while a database starts |
| the same, of an init container | after `init_restarts` restarts | it may be a wait for something |
| OOMKilled | from the first restart on | - |
| StartError, RunContainerError: no such command | at once | - |
| CreateContainerConfigError | when nothing that is missing is named: at once | the Secret may come: after `config` seconds |
| Unschedulable | after `unschedulable` seconds | a pod that is being deleted frees room; a new node becomes Ready |
| the same, unbound volume claims | after `volume` seconds | a provisioner may bind them |
| FailedMount | a missing Secret or ConfigMap: after `config` seconds | else after `volume` seconds |
| FailedCreatePodSandBox | after `sandbox` seconds | a network that starts |
| probe answers 4xx | after `probe` seconds of running | routes that come late |
| killed by its probe | twice | a slow start |
| probe answers 5xx, refused, timeout | never by itself | a dependency (the database) may come |
| init container running | never by itself | it may wait for a database |

Pods of Jobs are not judged for crashes: the Job retries them, and says when it gives up.
"""  # noqa: E501  (a table)

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.details import Details
from harness.kube.pods import Container, containers, is_deleted, is_ready
from harness.kube.resources import Object, condition, meta, status_of
from harness.kube.state import Snapshot, event_count


@dataclass(frozen=True)
class Patience:
    """For how long each state that may recover is tolerated; seconds unless said."""

    restarts: int = 2
    init_restarts: int = 4
    pull: float = 20.0
    config: float = 4.0
    unschedulable: float = 4.0
    node: float = 90.0
    volume: float = 30.0
    sandbox: float = 30.0
    probe: float = 15.0
    refusal: float = 5.0


@dataclass(frozen=True)
class Finding:
    """A state that is hopeless, or becomes so in `seconds` if nothing changes.

    `cause` is only built when needed, since it may read logs.
    """

    text: str
    seconds: float
    cause: Callable[[Details], DeployError]


_REFUSED_PULL = re.compile(
    r"not found|denied|unauthorized|authorization failed|no basic auth|manifest unknown"
    r"|no such host|x509|invalid reference|authentication required|no match for platform",
    re.IGNORECASE,
)
_NO_COMMAND = re.compile(r"exec|no such file|permission denied|not found|executable", re.IGNORECASE)
_PULL_AT_ONCE = ("ErrImageNeverPull", "InvalidImageName", "ErrInvalidImageName")
_PULL = (*_PULL_AT_ONCE, "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
_START = ("RunContainerError", "CreateContainerError", "StartError", "ContainerCannotRun")
_STARTS = frozenset(_START)
_UNHEALTHY = re.compile(
    r"^(Readiness|Liveness|Startup) probe (?:failed|errored)[^:]*: ?(.*)", re.DOTALL
)
_KILLED = re.compile(r"Container (\S+) failed (liveness|startup) probe, will be restarted")
_CLIENT_ERROR = re.compile(r"statuscode: 4\d\d|HTTP response to HTTPS client")
_PATH = re.compile(r"\{([^}]+)\}")  # spec.containers{NAME}


def pod_findings(pod: Object, snapshot: Snapshot, patience: Patience) -> list[Finding]:
    """Return what is, or may become, hopeless about a pod; the surest first."""
    if is_ready(pod) or is_deleted(pod) or status_of(pod).get("phase") == "Succeeded":
        return []
    found = [*_scheduling(pod, snapshot, patience), *_volumes(pod, snapshot, patience)]
    of_job = any(ref.get("kind") == "Job" for ref in meta(pod).get("ownerReferences") or ())
    for container in containers(pod):
        found += _waiting(pod, container, snapshot, patience)
        if not of_job:
            found += _crashing(pod, container, snapshot, patience)
            found += _probing(pod, container, snapshot, patience)
    return sorted(found, key=lambda finding: finding.seconds)


def unhealthy_words(pod: Object, snapshot: Snapshot) -> str:
    """Return what the newest failing probe of an unready pod answered, "" when none did."""
    if is_ready(pod):
        return ""
    for event in reversed(snapshot.events(pod)):
        if event.get("reason") == "Unhealthy":
            return " ".join(str(event.get("message") or "").split())
    return ""


def _scheduling(pod: Object, snapshot: Snapshot, patience: Patience) -> Iterable[Finding]:
    scheduled = condition(pod, "PodScheduled")
    if scheduled is None or scheduled.get("reason") != "Unschedulable":
        return
    message = str(scheduled.get("message") or "no node fits")
    grace = patience.unschedulable
    if "not-ready" in message or "unreachable" in message or "uninitialized" in message:
        grace = patience.node
    elif "PersistentVolumeClaim" in message or "persistentvolumeclaim" in message:
        grace = patience.volume
    elif any(is_deleted(other) for other in snapshot.pods()):
        grace = patience.node  # room is being freed
    left = grace - snapshot.age(scheduled.get("lastTransitionTime"))
    yield Finding(
        f"unschedulable: {message}",
        left,
        lambda details: causes.UnschedulableError(pod, message, details.capacity()),
    )


def _volumes(pod: Object, snapshot: Snapshot, patience: Patience) -> Iterable[Finding]:
    if any(c.running or c.last_exit is not None for c in containers(pod)):
        return
    newest = {str(event.get("reason")): event for event in snapshot.events(pod)}
    if event := newest.get("FailedMount") or newest.get("FailedAttachVolume"):
        message = str(event.get("message") or "")
        grace = patience.config if causes.missing_from(message) else patience.volume
        left = grace - snapshot.age(_first_seen(event))
        yield Finding(message, left, lambda _: causes.VolumeMountError(pod, message))
    if event := newest.get("FailedCreatePodSandBox"):
        words = str(event.get("message") or "")
        left = patience.sandbox - snapshot.age(_first_seen(event))
        yield Finding(words, left, lambda _: causes.SandboxError(pod, words))


def _waiting(
    pod: Object, container: Container, snapshot: Snapshot, patience: Patience
) -> Iterable[Finding]:
    reason, message = container.waiting, container.waiting_message
    text = f"{container.name}: {reason}: {message}"
    age = snapshot.age(_scheduled_at(pod))
    if reason in _PULL:
        sure = reason in _PULL_AT_ONCE or _REFUSED_PULL.search(message)
        left = 0.0 if sure else patience.pull - age
        yield Finding(text, left, lambda _: causes.ImagePullError(pod, container))
    elif reason == "CreateContainerConfigError":
        left = patience.config - age if causes.missing_from(message) else 0.0
        yield Finding(text, left, lambda _: causes.ContainerConfigError(pod, container))
    elif {reason, container.ended} & _STARTS or (
        reason == "CrashLoopBackOff" and container.last_reason in _START
    ):
        words = message if reason in _START else container.last_message
        left = 0.0 if _NO_COMMAND.search(words) else patience.config - age
        yield Finding(
            f"{container.name}: {words}",
            left,
            lambda _: causes.ContainerStartError(pod, container),
        )


def _crashing(
    pod: Object, container: Container, snapshot: Snapshot, patience: Patience
) -> Iterable[Finding]:
    if container.ready or container.waiting != "CrashLoopBackOff":
        return
    if container.last_reason in _START or _killed_by_probe(pod, container, snapshot):
        return

    def lines(details: Details) -> list[str]:
        return details.last_lines(pod, container.name, previous=True)

    if container.last_reason == "OOMKilled":
        limit = _memory_limit(pod, container)
        yield Finding(
            f"{container.name}: OOMKilled",
            0.0 if container.restarts >= 1 else float("inf"),
            lambda d: causes.OutOfMemoryError(pod, container, limit, lines(d)),
        )
        return
    allowed = patience.init_restarts if container.init else patience.restarts
    yield Finding(
        f"{container.name}: ended with exit code {container.last_exit}, "
        f"{container.restarts} of {allowed} restarts that are waited for",
        0.0 if container.restarts >= allowed else float("inf"),
        lambda d: causes.CrashLoopError(pod, container, lines(d)),
    )


def _probing(
    pod: Object, container: Container, snapshot: Snapshot, patience: Patience
) -> Iterable[Finding]:
    answers = [
        found
        for event in snapshot.events(pod)
        if event.get("reason") == "Unhealthy" and _is_about(event, container)
        if (found := _UNHEALTHY.search(str(event.get("message") or "")))
    ]
    if not answers or container.ready:
        return
    probe, answer = answers[-1].group(1), answers[-1].group(0).strip()
    build = partial(_probe_cause, pod, container, probe, answer)
    if _killed_by_probe(pod, container, snapshot) >= 2:
        yield Finding(answer, 0.0, build)
    elif _CLIENT_ERROR.search(answer) and container.running:
        left = patience.probe - snapshot.age(_started_at(pod, container))
        yield Finding(answer, left, build)


def _probe_cause(
    pod: Object, container: Container, probe: str, answer: str, details: Details
) -> DeployError:
    log = details.last_lines(pod, container.name)
    return causes.ProbeFailingError(pod, container, probe, answer, log)


def _killed_by_probe(pod: Object, container: Container, snapshot: Snapshot) -> int:
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


def _first_seen(event: Object) -> str | None:
    return (
        event.get("firstTimestamp")
        or event.get("eventTime")
        or meta(event).get("creationTimestamp")
    )


def _scheduled_at(pod: Object) -> str | None:
    scheduled = condition(pod, "PodScheduled") or {}
    return scheduled.get("lastTransitionTime") or meta(pod).get("creationTimestamp")


def _started_at(pod: Object, container: Container) -> str | None:
    told = "initContainerStatuses" if container.init else "containerStatuses"
    for status in status_of(pod).get(told) or ():
        if status.get("name") == container.name:
            running = (status.get("state") or {}).get("running") or {}
            started: str | None = running.get("startedAt")
            return started
    return None


def _memory_limit(pod: Object, container: Container) -> str:
    spec = pod.get("spec") or {}
    for entry in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if entry.get("name") == container.name:
            limits = (entry.get("resources") or {}).get("limits") or {}
            return str(limits.get("memory") or "")
    return ""
