"""Containers that end when they should not: once by chance, or without hope."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.kube import causes
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.pods import Container
from harness.kube.probing import killed_by_probe
from harness.kube.resources import Object, status_of
from harness.kube.state import Snapshot, parse_time

# The runtime's words for a command that was never started.
NEVER_STARTED = ("StartError", "ContainerCannotRun")
_YOUNG = 12.0  # seconds
_BRIEF = 30.0  # seconds that a run lasts which is a part of a crash loop
# Of a process that was killed outright. No probe had it killed, since that is told by events;
# on a busy node the runtime at times misses that it was for the memory.
_KILLED = 137
# What a program says when it could not reach something, and when it never will run.
_DEPENDENCY = re.compile(
    r"connection (?:refused|reset|timed out|to server)|could not connect|can't reach|unreachable"
    r"|\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)\b|timed? ?out|name resolution"
    r"|name or service not known|no such host|could not translate host name|starting up"
    r"|not yet accepting",
    re.IGNORECASE,
)
_PERMANENT = re.compile(
    r"ModuleNotFoundError|ImportError|SyntaxError|Cannot find module|ERR_MODULE_NOT_FOUND"
    r"|command not found|No such file or directory|exec format error|[Pp]ermission denied"
    r"|Read-only file system|EACCES|EROFS|ENOENT|[Vv]alidation ?[Ee]rror|KeyError: '[A-Z_]+'"
    r"|invalid choice: |unrecognized arguments: |[Nn]o such (?:command|option)\b"
    r"|[Uu]nknown (?:command|flag|option|shorthand flag)\b",
)
# A program's own word that it was called or set up wrongly: sysexits.h's EX_USAGE and EX_CONFIG.
_REFUSED = (64, 78)
# A shell's word that there is no such command, or that it may not be run.
_NO_COMMAND = (126, 127)


def crash_findings(
    pod: Object,
    container: Container,
    snapshot: Snapshot,
    patience: Patience,
    details: Details,
) -> Iterable[Finding]:
    """Return what is, or may become, hopeless about a container that ended."""
    # The first restart comes at once, so that a container killed for its memory may run.
    young = container.running and snapshot.age(container.started) < _YOUNG
    killed = container.last_reason == "OOMKilled" and young
    if not killed and (container.ready or not _crashed(pod, container)):
        return
    if container.last_reason in NEVER_STARTED or killed_by_probe(pod, container, snapshot):
        return

    def lines(details: Details) -> list[str]:
        return details.last_words(pod, container)

    if container.last_reason == "OOMKilled":
        limit = memory_limit(pod, container)
        yield Finding(
            f"{container.name}: OOMKilled",
            0.0,
            lambda d: causes.OutOfMemoryError(pod, container, limit, lines(d)),
        )
        return
    limit = memory_limit(pod, container)
    if limit and container.last_exit == _KILLED and container.restarts >= patience.restarts:
        yield Finding(
            f"{container.name}: killed",
            0.0,
            lambda d: causes.OutOfMemoryError(pod, container, limit, lines(d), told=False),
        )
        return
    allowed = _restarts(container, lines(details), patience)
    yield Finding(
        f"{container.name}: ended with exit code {container.last_exit}, "
        f"{container.restarts} of {allowed} restarts that are waited for",
        0.0 if container.restarts >= allowed else float("inf"),
        lambda d: causes.CrashLoopError(pod, container, lines(d)),
    )


def _crashed(pod: Object, container: Container) -> bool:
    """Return whether a container has ended and is to run again, paused already or not."""
    if status_of(pod).get("phase") == "Failed":  # evicted: another pod takes its place
        return False
    if container.waiting == "CrashLoopBackOff":
        return True
    again = (pod.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    begun, over = parse_time(container.last_started), parse_time(container.last_finished)
    # One that had run well ends by chance, however often it was started again before.
    brief = begun is None or over is None or (over - begun).total_seconds() < _BRIEF
    return bool(container.ended and again and brief)


def _restarts(container: Container, log: list[str], patience: Patience) -> int:
    """Return how many restarts are waited for, by what the container said at its end."""
    if container.last_exit in _REFUSED:
        return 0
    said = "\n".join(log)
    if _DEPENDENCY.search(said):
        return patience.dependency_restarts
    if container.last_exit in _NO_COMMAND or _PERMANENT.search(said):
        return 0
    return patience.init_restarts if container.init else patience.restarts


def memory_limit(pod: Object, container: Container) -> str:
    """Return a container's memory limit as the chart gives it, "" when it has none."""
    spec = pod.get("spec") or {}
    for entry in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if entry.get("name") == container.name:
            limits = (entry.get("resources") or {}).get("limits") or {}
            return str(limits.get("memory") or "")
    return ""
