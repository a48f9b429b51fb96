"""The wait for a release: all of it rolled out, ready and reachable, or a cause."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.details import Details
from harness.kube.finding import Finding, Patience
from harness.kube.health import pod_findings
from harness.kube.pods import INSTANCE, containers, is_deleted
from harness.kube.resources import (
    DAEMON_SET,
    ENDPOINT_SLICE,
    JOB,
    POD,
    SERVICE,
    WORKLOADS,
    Object,
    condition,
    labels_of,
    meta,
    name_of,
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
from harness.kube.settling import settle
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict

_SOON = 0.2  # seconds
_Build = Callable[[Details], DeployError]


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
        release: its name, the value of the label app.kubernetes.io/instance.
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
        labels = {INSTANCE: self.release}
        workloads = [w for kind in WORKLOADS for w in snapshot.all(kind, labels)]
        findings: list[Finding] = []
        missing: list[str] = []
        for workload in workloads:
            if applied or uid_of(workload) not in snapshot.before:
                findings += self._workload_findings(workload, snapshot)
            missing += not_rolled_out(workload, snapshot)
            for pod in current_pods(workload, snapshot):
                if applied or uid_of(pod) not in snapshot.before:
                    findings += pod_findings(pod, snapshot, self.patience, details)
        services = snapshot.all(SERVICE, labels)
        if applied and not missing:  # all that could be an endpoint is there
            findings += [f for s in services for f in self._leads_nowhere(s, snapshot)]
        missing += [line for s in services for line in _no_endpoints(s, snapshot)]
        lost = [finding for finding in findings if finding.seconds <= 0]
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
            return Pending(f"no object carries the label {INSTANCE}={self.release}", recheck)
        if news := details.behind(snapshot, (*WORKLOADS, SERVICE), labels):
            return Pending(f"{news}: its change has not been seen yet", _SOON)
        return Ready()

    def _workload_findings(self, workload: Object, snapshot: Snapshot) -> Iterable[Finding]:
        if not observed(workload):
            return
        if workload.get("kind") == JOB.kind:
            yield from _job_failed(workload, snapshot)
        progressing = condition(workload, "Progressing") or {}
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            message = str(progressing.get("message") or "")
            pods = pod_lines(workload, snapshot)
            yield Finding(
                message, 0.0, lambda _: causes.ProgressDeadlineError(workload, message, pods)
            )
        yield from self._refused(workload, snapshot)

    def _leads_nowhere(self, service: Object, snapshot: Snapshot) -> Iterable[Finding]:
        selector = dict((service.get("spec") or {}).get("selector") or {})
        if not _no_endpoints(service, snapshot) or snapshot.pods(selector):
            return
        pods = [f"{name_of(pod)}: {labels_of(pod)}" for pod in snapshot.pods()]
        left = self.patience.endpoints - snapshot.age(meta(service).get("creationTimestamp"))
        cause = causes.NoEndpointsError(service, pods)
        yield Finding(f"service {name_of(service)}: leads to no pod", left, _always(cause))

    def _refused(self, workload: Object, snapshot: Snapshot) -> Iterable[Finding]:
        makers = [workload, *current_replica_sets(workload, snapshot)]
        for maker in makers:
            if _has_enough(maker):
                continue
            refusals = [e for e in snapshot.events(maker) if e.get("reason") == "FailedCreate"]
            if not refusals:
                continue
            message = str(refusals[-1].get("message") or "")
            grace = 0.0 if "violates PodSecurity" in message else self.patience.refusal
            if "failed calling webhook" in message or any(map(is_deleted, snapshot.pods())):
                grace = self.patience.volume
            first = refusals[0].get("firstTimestamp") or meta(refusals[0]).get("creationTimestamp")
            cause = causes.PodRefusedError(workload, message)
            yield Finding(message, grace - snapshot.age(first), _always(cause))
            return


def _no_endpoints(service: Object, snapshot: Snapshot) -> list[str]:
    """Return one line when a Service with a selector has no ready endpoint."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName" or not spec.get("selector"):
        return []
    ready = ready_endpoints(service, snapshot.all(ENDPOINT_SLICE))
    if ready:
        return []
    wanted = ", ".join(f"{key}={value}" for key, value in spec["selector"].items())
    return [f"service {name_of(service)}: no ready endpoint (selector {wanted})"]


def ready_endpoints(service: Object, slices: Iterable[Object]) -> list[str]:
    """Return the addresses of a Service's ready endpoints."""
    found: list[str] = []
    for piece in slices:
        if labels_of(piece).get("kubernetes.io/service-name") != name_of(service):
            continue
        for endpoint in piece.get("endpoints") or ():
            ready = (endpoint.get("conditions") or {}).get("ready")
            if ready or ready is None:  # unset means ready, says the API
                found += endpoint.get("addresses") or []
    return found


def _job_failed(job: Object, snapshot: Snapshot) -> Iterable[Finding]:
    failed = condition(job, "Failed") or condition(job, "FailureTarget") or {}
    if failed.get("status") != "True":
        return
    reason, message = str(failed.get("reason") or "Failed"), str(failed.get("message") or "")
    pods = sorted(snapshot.owned(POD, job), key=lambda p: str(meta(p).get("creationTimestamp")))

    def build(details: Details) -> DeployError:
        log: list[str] = []
        for pod in pods[-1:]:
            for container in containers(pod):
                if container.last_exit not in (None, 0):
                    log += details.last_lines(pod, container.name)
        return causes.JobFailedError(job, reason, message, log)

    yield Finding(f"job {name_of(job)}: {reason}", 0.0, build)


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


def _always(cause: DeployError) -> _Build:
    return lambda _: cause


def _distinct(findings: list[Finding]) -> list[Finding]:
    """Return one finding of each text, so that two replicas do not say the same twice."""
    return list({finding.text: finding for finding in reversed(findings)}.values())[::-1]
