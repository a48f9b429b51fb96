"""The wait for a release: all of it rolled out, ready and reachable, or a cause."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.kube import causes
from harness.kube.details import Details
from harness.kube.endpoints import not_reachable, ready_endpoints, service_findings
from harness.kube.finding import Finding, Patience, always
from harness.kube.health import pod_findings
from harness.kube.jobs import hook_findings, hook_of, job_failed
from harness.kube.pods import is_deleted
from harness.kube.resources import (
    DAEMON_SET,
    JOB,
    SERVICE,
    WORKLOADS,
    Object,
    condition,
    meta,
    status_of,
    uid_of,
)
from harness.kube.rolled_out import (
    current_pods,
    current_replica_sets,
    not_rolled_out,
    observed,
    pod_lines,
)
from harness.kube.selection import OfRelease
from harness.kube.settling import settle
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict

__all__ = ["ReleaseReady", "ready_endpoints"]

_SOON = 0.2  # seconds
_COMBINED = "(combined from similar events): "


@dataclass(frozen=True)
class ReleaseReady:
    """All Deployments, StatefulSets, DaemonSets and Jobs of a release are rolled out.

    That is: each has observed its present generation, its pods of the present revision
    are Ready and no others are left, each Job is complete, and each Service with a
    selector has a ready endpoint. A container that nothing asks whether it is ready has
    to run for a while first (see `settling`), since it would be Ready between two crashes.

    Made to run beside `helm upgrade --install`: until `applied` is set (when Helm has
    ended well) it is never ready, and what was there before the watch began is not
    judged, since the upgrade may be what mends it. Hopeless states end it either way.

    Args:
        namespace: where the release is.
        release: its name; what belongs to it is told by `OfRelease`.
        applied: set once Helm has applied all; None when it has already.
        patience: for how long what may recover is tolerated.

    """

    namespace: str
    release: str
    applied: threading.Event | None = None
    patience: Patience = field(default_factory=Patience)

    def describe(self) -> str:
        """Return what is waited for."""
        return f"release {self.release} in namespace {self.namespace} to be rolled out and ready"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:
        """Judge the release; a cause counts as soon as it is hopeless."""
        applied = self.applied is None or self.applied.is_set()
        labels = OfRelease(self.release)
        workloads = [w for kind in WORKLOADS for w in snapshot.all(kind, labels) if not hook_of(w)]
        findings: list[Finding] = []
        missing: list[str] = []
        for workload in workloads:
            if applied or uid_of(workload) not in snapshot.before:
                findings += self._workload_findings(workload, snapshot)
            missing += not_rolled_out(workload, snapshot)
            seen = applied and observed(workload)
            for pod in current_pods(workload, snapshot):
                if seen or uid_of(pod) not in snapshot.before:
                    findings += pod_findings(pod, snapshot, self.patience, details)
        findings += hook_findings(self.release, snapshot, self.patience, details)
        services = snapshot.all(SERVICE, labels)
        if applied:  # all that could be an endpoint is there, or to come
            there = not missing
            for service in services:
                findings += service_findings(service, snapshot, self.patience, rolled_out=there)
        missing += [line for s in services for line in not_reachable(s, snapshot)]
        lost = [finding for finding in findings if finding.seconds <= 0]
        if lost and applied and (news := details.behind(snapshot, WORKLOADS, labels)):
            # What a rollback or an upgrade has just replaced is no reason to give it up.
            return Pending(f"{news}: its change has not been seen yet", _SOON)
        if lost:
            built = [finding.cause(details) for finding in _distinct(lost)]
            return Hopeless(built[0], built[1:])
        recheck = min((finding.seconds for finding in findings), default=math.inf)
        if missing:
            lines = [*missing, *(f"  {finding.text}" for finding in findings)]
            return Pending("\n".join(dict.fromkeys(lines)), recheck)
        if not applied:
            return Pending("Helm has not applied the release yet", recheck)
        if settling := [
            line
            for workload in workloads
            for pod in current_pods(workload, snapshot)
            for line in settle(pod, snapshot)
        ]:
            text = "\n".join(line.text for line in settling)
            return Pending(text, min([recheck, *(line.seconds for line in settling)]))
        if not workloads and not services:
            return Pending(f"there is no object of release {self.release}", recheck)
        if news := details.behind(snapshot, (*WORKLOADS, SERVICE), labels):
            return Pending(f"{news}: its change has not been seen yet", _SOON)
        return Ready()

    def _workload_findings(self, workload: Object, snapshot: Snapshot) -> Iterable[Finding]:
        if not observed(workload):
            return
        if workload.get("kind") == JOB.kind:
            yield from job_failed(workload, snapshot)
        progressing = condition(workload, "Progressing") or {}
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            message = str(progressing.get("message") or "")
            pods = pod_lines(workload, snapshot)
            yield Finding(
                message, 0.0, lambda _: causes.ProgressDeadlineError(workload, message, pods)
            )
        yield from self._refused(workload, snapshot)

    def _refused(self, workload: Object, snapshot: Snapshot) -> Iterable[Finding]:
        makers = [workload, *current_replica_sets(workload, snapshot)]
        for maker in makers:
            if _has_enough(maker):
                continue
            refusals = [e for e in snapshot.events(maker) if e.get("reason") == "FailedCreate"]
            if not refusals:
                continue
            message = str(refusals[-1].get("message") or "").removeprefix(_COMBINED)
            grace = 0.0 if "violates PodSecurity" in message else self.patience.refusal
            if "failed calling webhook" in message or any(map(is_deleted, snapshot.pods())):
                grace = self.patience.volume
            first = refusals[0].get("firstTimestamp") or meta(refusals[0]).get("creationTimestamp")
            cause = causes.PodRefusedError(workload, message)
            yield Finding(message, grace - snapshot.age(first), always(cause))
            return


def _has_enough(maker: Object) -> bool:
    if maker.get("kind") == JOB.kind:
        status = status_of(maker)
        return bool(status.get("active") or status.get("succeeded"))
    replicas = (maker.get("spec") or {}).get("replicas")
    if maker.get("kind") == DAEMON_SET.kind:
        replicas = status_of(maker).get("desiredNumberScheduled")
        return (status_of(maker).get("currentNumberScheduled") or 0) >= (replicas or 0)
    wanted = 1 if replicas is None else int(replicas)
    return (status_of(maker).get("replicas") or 0) >= wanted


def _distinct(findings: list[Finding]) -> list[Finding]:
    """Return one finding of each text, so that two replicas do not say the same twice."""
    return list({finding.text: finding for finding in reversed(findings)}.values())[::-1]
