"""What is, or may become, hopeless about a pod. The rules are told in `rules`.

Pods of Jobs are not judged for crashes: the Job retries them, and says when it gives up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.kube import causes
from harness.kube.crashing import NEVER_STARTED, crash_findings, memory_limit
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.pods import Container, containers, is_deleted
from harness.kube.probing import probe_findings
from harness.kube.resources import Object, condition, meta, status_of
from harness.kube.state import Snapshot

_REFUSED_PULL = re.compile(
    r"not found|denied|unauthorized|authorization failed|no basic auth|manifest unknown"
    r"|no such host|x509|invalid reference|authentication required|no match for platform",
    re.IGNORECASE,
)
# The kubelet waits a second for what it has not read yet, then asks again.
_NOT_READ = re.compile(r"failed to sync (configmap|secret) cache")
_NO_RUNTIME = re.compile(r"no runtime for|RuntimeHandler \S+ not supported", re.IGNORECASE)
_NO_COMMAND = re.compile(r"exec|no such file|permission denied|not found|executable", re.IGNORECASE)
# The runtime itself needs some memory of the container's before the command begins.
_TOO_LITTLE = re.compile(r"OOM-killed|memory limit too low|possibly OOM", re.IGNORECASE)
_PULL_AT_ONCE = ("ErrImageNeverPull", "InvalidImageName", "ErrInvalidImageName")
_PULL = (*_PULL_AT_ONCE, "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
_START = ("RunContainerError", "CreateContainerError", *NEVER_STARTED)
_STARTS = frozenset(_START)


def pod_findings(
    pod: Object, snapshot: Snapshot, patience: Patience, details: Details
) -> list[Finding]:
    """Return what is, or may become, hopeless about a pod; the surest first."""
    if is_deleted(pod) or status_of(pod).get("phase") == "Succeeded":
        return []
    found = [*_scheduling(pod, snapshot, patience), *_volumes(pod, snapshot, patience)]
    of_job = any(ref.get("kind") == "Job" for ref in meta(pod).get("ownerReferences") or ())
    for container in containers(pod):
        found += _waiting(pod, container, snapshot, patience)
        if not of_job:
            found += crash_findings(pod, container, snapshot, patience, details)
            found += probe_findings(pod, container, snapshot, patience, details)
    return sorted(found, key=lambda finding: finding.seconds)


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
        grace = 0.0 if _NO_RUNTIME.search(words) else patience.sandbox
        left = grace - snapshot.age(_first_seen(event))
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
        yield Finding(
            text,
            left,
            lambda d: causes.ImagePullError(pod, container, d.images_like(container.image)),
        )
    elif reason == "CreateContainerConfigError":
        left = 0.0
        if _NOT_READ.search(message):
            left = patience.volume - age
        elif causes.missing_from(message):
            left = patience.config - age
        yield Finding(
            text,
            left,
            lambda d: causes.ContainerConfigError(pod, container, d.keys_beside(pod, message)),
        )
    elif {reason, container.ended} & _STARTS or (
        reason == "CrashLoopBackOff" and container.last_reason in _START
    ):
        words = message if reason in _START else container.last_message
        if _TOO_LITTLE.search(words):
            limit = memory_limit(pod, container)
            yield Finding(
                f"{container.name}: killed for its memory before it began",
                0.0,
                lambda _: causes.OutOfMemoryError(pod, container, limit, [], started=False),
            )
            return
        left = 0.0 if _NO_COMMAND.search(words) else patience.config - age
        yield Finding(
            f"{container.name}: {words}",
            left,
            lambda _: causes.ContainerStartError(pod, container),
        )


def _first_seen(event: Object) -> str | None:
    return (
        event.get("firstTimestamp")
        or event.get("eventTime")
        or meta(event).get("creationTimestamp")
    )


def _scheduled_at(pod: Object) -> str | None:
    scheduled = condition(pod, "PodScheduled") or {}
    return scheduled.get("lastTransitionTime") or meta(pod).get("creationTimestamp")
