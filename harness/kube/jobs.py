"""Jobs that give up, and what Helm runs beside the release: its hooks."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.health import pod_findings
from harness.kube.pods import containers
from harness.kube.resources import (
    JOB,
    POD,
    Object,
    condition,
    meta,
    name_of,
    status_of,
    uid_of,
)
from harness.kube.selection import OfRelease, is_meant
from harness.kube.state import Change, Snapshot

_HOOK = "helm.sh/hook"
_RUN = (JOB.kind, POD.kind)


def job_failed(job: Object, snapshot: Snapshot) -> Iterable[Finding]:
    """Return that a Job has given up, if it has, with the log of its last pod."""
    failed = condition(job, "Failed") or condition(job, "FailureTarget") or {}
    if failed.get("status") != "True":
        return
    reason, message = str(failed.get("reason") or "Failed"), str(failed.get("message") or "")
    pods = sorted(snapshot.owned(POD, job), key=lambda p: str(meta(p).get("creationTimestamp")))

    def build(details: Details) -> DeployError:
        log = _last_words(pods[-1:], details)
        if hook := hook_of(job):
            return causes.HookFailedError(job, hook, f"{reason}: {message}", log)
        return causes.JobFailedError(job, reason, message, log)

    yield Finding(f"job {name_of(job)}: {reason}", 0.0, build)


def hook_findings(
    release: str, snapshot: Snapshot, patience: Patience, details: Details
) -> list[Finding]:
    """Return what is hopeless about the hooks that Helm has begun since the watch began.

    They need not carry the release's label, since charts often forget it there; what
    carries another release's is not looked at.
    """
    found: list[Finding] = []
    for job in _begun(release, snapshot.all(JOB), snapshot):
        found += job_failed(job, snapshot)
        for pod in snapshot.owned(POD, job):
            found += pod_findings(pod, snapshot, patience, details)
            _last_words([pod], details)  # read while they are there: Helm may remove them
    for pod in _begun(release, snapshot.pods(), snapshot):
        if status_of(pod).get("phase") == "Failed":
            found.append(_failed_pod(pod))
        else:
            found += pod_findings(pod, snapshot, patience, details)
    return found


def failed_hook(release: str, changes: Iterable[Change], details: Details) -> DeployError | None:
    """Return the cause when a watch's history holds a hook that failed, gone or not.

    Helm may remove a failed hook before anybody looks.
    """
    newest = {uid_of(c.obj): c.obj for c in changes if c.type != "DELETED"}
    snapshot = Snapshot.of(obj for obj in newest.values() if obj.get("kind") in _RUN)
    found: list[Finding] = []
    for job in _begun(release, snapshot.all(JOB), snapshot):
        found += job_failed(job, snapshot)
    for pod in _begun(release, snapshot.pods(), snapshot):
        if status_of(pod).get("phase") == "Failed":
            found.append(_failed_pod(pod))
    return found[-1].cause(details) if found else None


def hook_of(obj: Object) -> str:
    """Return which hook an object is (`pre-install`), "" when it is none."""
    return str((meta(obj).get("annotations") or {}).get(_HOOK) or "")


def _begun(release: str, objects: Iterable[Object], snapshot: Snapshot) -> list[Object]:
    return [
        obj
        for obj in objects
        if hook_of(obj) and uid_of(obj) not in snapshot.before and is_meant(obj, OfRelease(release))
    ]


def _failed_pod(pod: Object) -> Finding:
    ends = [f"{c.name} ended with exit code {c.last_exit}" for c in containers(pod) if c.last_exit]
    said = "; ".join(ends) or str(status_of(pod).get("message") or "its pod has failed")
    return Finding(
        f"hook pod {name_of(pod)}: {said}",
        0.0,
        lambda details: causes.HookFailedError(
            pod, hook_of(pod), said, _last_words([pod], details)
        ),
    )


def _last_words(pods: Iterable[Object], details: Details) -> list[str]:
    return [
        line
        for pod in pods
        for container in containers(pod)
        if container.last_exit not in (None, 0)
        for line in details.last_words(pod, container)
    ]
