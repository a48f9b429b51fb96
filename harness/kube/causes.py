"""Why a release does not become ready: one class a cause, each with the four parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.errors import DeployError
from harness.kube.pods import Container
from harness.kube.quantity import NAMES, Capacity, requests_of, show
from harness.kube.resources import Object, meta, name_of


class Cause(DeployError):
    """A named reason for which an object of a release will not become ready.

    Attributes:
        about: the object, as `pod/NAME` or `pod/NAME/CONTAINER`.
        log: the last log lines that belong to it, if any.

    """

    def __init__(
        self,
        about: str,
        *,
        needed: str,
        seen: str,
        looked: str,
        fix: str,
        log: Sequence[str] = (),
    ) -> None:
        self.about, self.log = about, list(log)
        lines = "\n".join(f"  | {line}" for line in log)
        text = f"{seen}\nlast log lines:\n{lines}" if log else seen
        super().__init__(needed=needed, seen=text, looked=looked, fix=fix)


class ImagePullError(Cause):
    """The node does not have the image and cannot get it."""

    def __init__(self, pod: Object, container: Container) -> None:
        super().__init__(
            _about(pod, container),
            needed=f"the image {container.image} on the node",
            seen=f"{container.waiting}: {container.waiting_message or 'no further words'}",
            looked=_where(pod, container),
            fix="load the image into the cluster, or correct its repository and tag in the "
            "values; with a pull policy of Always a loaded image is not used",
        )


class CrashLoopError(Cause):
    """The container ends again and again.

    Attributes:
        exit_code: of the last run.
        reason: of the last end, as the runtime names it.

    """

    def __init__(self, pod: Object, container: Container, log: Sequence[str]) -> None:
        self.exit_code, self.reason = container.last_exit, container.last_reason
        words = f" ({container.last_message})" if container.last_message else ""
        super().__init__(
            _about(pod, container),
            needed=f"container {container.name} to keep running",
            seen=f"it ended with exit code {container.last_exit}, "
            f"{container.last_reason or 'no reason given'}{words}, "
            f"after {container.restarts} restarts",
            looked=_where(pod, container),
            fix=_EXIT.get(container.last_exit, "read the log above: it is the container's own"),
            log=log,
        )


_EXIT: dict[int | None, str] = {
    0: "its command ends by itself; a service has to stay in the foreground",
    126: "its command is not executable: see the image's entry point and its file modes",
    127: "its command does not exist in the image: see the entry point",
    137: "it was killed: by the kernel for its memory, or by the kubelet for a failing probe",
    139: "it crashed with a segmentation fault: see that the image fits the node's processor",
}


class OutOfMemoryError(Cause):
    """The kernel killed the container at its memory limit (OOMKilled)."""

    def __init__(self, pod: Object, container: Container, limit: str, log: Sequence[str]) -> None:
        super().__init__(
            _about(pod, container),
            needed=f"container {container.name} to live within its memory limit",
            seen=f"OOMKilled at a limit of {limit or 'the node'}, {container.restarts} restarts",
            looked=_where(pod, container),
            fix="raise resources.limits.memory in the values, or have the application use less",
            log=log,
        )


class ContainerStartError(Cause):
    """The runtime could not start the container's command."""

    def __init__(self, pod: Object, container: Container) -> None:
        words = container.waiting_message or container.last_message
        super().__init__(
            _about(pod, container),
            needed=f"the command of container {container.name} to be started",
            seen=f"{container.waiting or container.last_reason}: {words}",
            looked=_where(pod, container),
            fix="see the image's entry point, the chart's command and arguments, and the "
            "security context (user, read-only file system)",
        )


class ContainerConfigError(Cause):
    """What the container's environment refers to is not there.

    Attributes:
        missing: the Secret, ConfigMap or key, as far as the kubelet named it.

    """

    def __init__(self, pod: Object, container: Container) -> None:
        self.missing = missing_from(container.waiting_message)
        named = f" (missing: {self.missing})" if self.missing else ""
        super().__init__(
            _about(pod, container),
            needed=f"all that container {container.name} refers to",
            seen=f"{container.waiting}: {container.waiting_message}{named}",
            looked=_where(pod, container),
            fix="give the Secret or ConfigMap that key, or correct the reference in the chart"
            if self.missing
            else "correct what the kubelet names above in the chart",
        )


_MISSING_KEY = re.compile(r"couldn't find key (\S+) in (\S+) (\S+)")
_MISSING_OBJECT = re.compile(r'(secret|configmap)s? "([^"]+)" not found')


def missing_from(message: str) -> str:
    """Return the key or object that a kubelet message says is missing, "" when none."""
    if found := _MISSING_KEY.search(message):
        key, kind, name = found.groups()
        return f"key {key} in {kind} {name.rpartition('/')[2]}"
    if found := _MISSING_OBJECT.search(message):
        return f"{found[1]} {found[2]}"
    return ""


class UnschedulableError(Cause):
    """No node has room for the pod, or none may take it."""

    def __init__(self, pod: Object, message: str, nodes: Sequence[Capacity]) -> None:
        asked = requests_of(pod)
        wants = ", ".join(f"{n} {show(n, asked[n])}" for n in asked) or "nothing"
        free = "\n".join(node.describe() for node in nodes)
        self.asked = {name: show(name, asked[name]) for name in asked if name in NAMES}
        super().__init__(
            _about(pod),
            needed=f"a node for pod {name_of(pod)}, which asks for {wants}",
            seen=message + (f"\n{free}" if free else ""),
            looked="the scheduler's condition of the pod, and what each node has left",
            fix="ask for less in the chart's resources.requests, free room, or give the "
            "cluster more"
            if "Insufficient" in message or "Too many pods" in message
            else "see the node selector, tolerations, affinity and volume claims of the pod",
        )


class VolumeMountError(Cause):
    """A volume of the pod cannot be mounted."""

    def __init__(self, pod: Object, message: str) -> None:
        missing = missing_from(message)
        super().__init__(
            _about(pod),
            needed=f"the volumes of pod {name_of(pod)}" + (f": {missing}" if missing else ""),
            seen=message,
            looked="the pod's FailedMount events",
            fix="have the chart create what the volume refers to, under that very name"
            if missing
            else "see the volume's driver and claim",
        )


class SandboxError(Cause):
    """The node cannot give the pod a network or a sandbox."""

    def __init__(self, pod: Object, message: str) -> None:
        super().__init__(
            _about(pod),
            needed=f"a sandbox and a network for pod {name_of(pod)}",
            seen=message,
            looked="the pod's FailedCreatePodSandBox events",
            fix="this is the node's fault, not the chart's: see its container runtime and CNI",
        )


class ProbeFailingError(Cause):
    """The container runs, but its probe gets an answer that will not become a good one.

    Attributes:
        probe: `Readiness`, `Liveness` or `Startup`.

    """

    def __init__(
        self, pod: Object, container: Container, probe: str, answer: str, log: Sequence[str]
    ) -> None:
        self.probe = probe
        super().__init__(
            _about(pod, container),
            needed=f"the {probe.lower()} probe of container {container.name} to pass",
            seen=f"{answer}; {container.restarts} restarts",
            looked=_where(pod, container) + " and its Unhealthy events",
            fix="see that the probe's path, port and scheme are what the application serves, "
            "and that it listens on all addresses, not on localhost only",
            log=log,
        )


class JobFailedError(Cause):
    """A Job of the release has given up."""

    def __init__(self, job: Object, reason: str, message: str, log: Sequence[str]) -> None:
        super().__init__(
            f"job/{name_of(job)}",
            needed=f"job {name_of(job)} to complete",
            seen=f"{reason}: {message}",
            looked=f"job {name_of(job)} in namespace {_namespace(job)} and its pods",
            fix="read the log above: it is of the job's last pod",
            log=log,
        )


class PodRefusedError(Cause):
    """The API refuses the pods of a workload: quota, admission rule, service account."""

    def __init__(self, owner: Object, message: str) -> None:
        super().__init__(
            f"{str(owner.get('kind', '')).lower()}/{name_of(owner)}",
            needed=f"the pods of {owner.get('kind')} {name_of(owner)} to be accepted by the API",
            seen=message,
            looked=f"its conditions and FailedCreate events in namespace {_namespace(owner)}",
            fix="keep to the quota or limit range"
            if "quota" in message or "LimitRange" in message
            else "set the pod's security context as the namespace's rules want it"
            if "PodSecurity" in message
            else "create what the API names above, or correct the chart",
        )


class NoEndpointsError(Cause):
    """A Service's selector matches no pod, though all pods are there (EC-2)."""

    def __init__(self, service: Object, pods: Sequence[str]) -> None:
        selector = (service.get("spec") or {}).get("selector") or {}
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        super().__init__(
            f"service/{name_of(service)}",
            needed=f"pods behind service {name_of(service)}, which selects {wanted}",
            seen="\n".join(["no pod carries these labels:", *pods]),
            looked=f"the pods' labels in namespace {_namespace(service)}",
            fix="have the Service's selector and the pods' labels agree in the chart",
        )


class ProgressDeadlineError(Cause):
    """A Deployment has made no progress for its progressDeadlineSeconds."""

    def __init__(self, deployment: Object, message: str, pods: Sequence[str]) -> None:
        limit = (deployment.get("spec") or {}).get("progressDeadlineSeconds", 600)
        super().__init__(
            f"deployment/{name_of(deployment)}",
            needed=f"progress of deployment {name_of(deployment)} within {limit} s",
            seen="\n".join([message, *pods]),
            looked=f"its Progressing condition in namespace {_namespace(deployment)}",
            fix="see what its pods wait for, above",
        )


def _namespace(obj: Object) -> str:
    return str(meta(obj).get("namespace", ""))


def _about(pod: Object, container: Container | None = None) -> str:
    return f"pod/{name_of(pod)}" + (f"/{container.name}" if container else "")


def _where(pod: Object, container: Container) -> str:
    kind = "init container" if container.init else "container"
    return f"{kind} {container.name} of pod {name_of(pod)} in namespace {_namespace(pod)}"
