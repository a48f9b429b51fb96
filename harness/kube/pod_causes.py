"""Why a pod does not become ready: one class a cause, each with the four parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.errors import Fault
from harness.kube.cause import Cause, about_pod, restarted, where
from harness.kube.pods import Container
from harness.kube.quantity import NAMES, Capacity, requests_of, show
from harness.kube.resources import Object, name_of


class ImagePullError(Cause):
    """The node does not have the image and cannot get it.

    `there` are images of that repository that a node has.
    """

    def __init__(self, pod: Object, container: Container, there: Sequence[str] = ()) -> None:
        message = container.waiting_message or "no further words"
        told = [f"{container.waiting}: {message}"]
        # The reason stands at the end of a chain of what failed because of it.
        if (why := message.rpartition('": ')[2]) != message:
            told.insert(0, f"{container.waiting}: {why}")
        told += [f"a node has {', '.join(there)}"] if there else []
        if _REGISTRY_AWAY.search(message):
            self.fault = Fault.MACHINE
        super().__init__(
            about_pod(pod, container),
            needed=f"the image {container.image} on the node",
            seen="\n".join(told),
            looked=where(pod, container),
            fix="load the image into the cluster, or correct its repository and tag in the "
            "values; with a pull policy of Always a loaded image is not used",
        )


_REGISTRY_AWAY = re.compile(
    r"dial tcp|no such host|i/o timeout|connection re(?:fused|set)|x509:|toomanyrequests"
    r"|TLS handshake|deadline exceeded|no space left"
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
            about_pod(pod, container),
            needed=f"container {container.name} to keep running",
            seen=f"it ended with exit code {container.last_exit}, "
            f"{container.last_reason or 'no reason given'}{words}{restarted(container)}",
            looked=where(pod, container),
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
    """The kernel killed the container at its memory limit (OOMKilled).

    `started` is False when that happened before its command began; `told` when the runtime
    only says that it was killed, and nothing else can have done it.
    """

    def __init__(
        self,
        pod: Object,
        container: Container,
        limit: str,
        log: Sequence[str],
        *,
        started: bool = True,
        told: bool = True,
    ) -> None:
        when = "" if started else ", before its command began"
        what = "OOMKilled" if told else "killed (exit code 137), most likely for its memory,"
        super().__init__(
            about_pod(pod, container),
            needed=f"container {container.name} to live within its memory limit",
            seen=f"{what} at a limit of {limit or 'the node'}{when}{restarted(container)}",
            looked=where(pod, container),
            fix="raise resources.limits.memory in the values, or have the application use less",
            log=log,
        )


class ContainerStartError(Cause):
    """The runtime could not start the container's command."""

    def __init__(self, pod: Object, container: Container) -> None:
        crashed = container.waiting == "CrashLoopBackOff"  # its words are about the pause
        words = (not crashed and container.waiting_message) or container.last_message
        super().__init__(
            about_pod(pod, container),
            needed=f"the command of container {container.name} to be started",
            seen=f"{(not crashed and container.waiting) or container.last_reason}: {words}",
            looked=where(pod, container),
            fix="see the image's entry point, the chart's command and arguments, and the "
            "security context (user, read-only file system)",
        )


class ContainerConfigError(Cause):
    """What the container's environment refers to is not there.

    `there` are the names that are there instead: the keys of the Secret or ConfigMap.

    Attributes:
        missing: the Secret, ConfigMap or key, as far as the kubelet named it.

    """

    def __init__(self, pod: Object, container: Container, there: Sequence[str] = ()) -> None:
        self.missing = missing_from(container.waiting_message)
        told = [f"{container.waiting}: {container.waiting_message}"]
        told += [f"it has {', '.join(there)}"] if there else []
        super().__init__(
            about_pod(pod, container),
            needed=f"{self.missing or 'all'} that container {container.name} refers to",
            seen="\n".join(told),
            looked=where(pod, container),
            fix="give the Secret or ConfigMap that key, or correct the reference in the chart"
            if self.missing.startswith("key ")
            else "have the chart create it under that very name, or correct the reference to it"
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
        room = "Insufficient" in message or "Too many pods" in message
        if room or "node.kubernetes.io/" in message:  # a larger or a healthy cluster could tell
            self.fault = Fault.MACHINE
        super().__init__(
            about_pod(pod),
            needed=f"a node for pod {name_of(pod)}, which asks for {wants}",
            seen=message + (f"\n{free}" if free else ""),
            looked="the scheduler's condition of the pod, and what each node has left",
            fix="ask for less in the chart's resources.requests, free room, or give the "
            "cluster more"
            if room
            else "see the node selector, tolerations, affinity and volume claims of the pod",
        )


class VolumeMountError(Cause):
    """A volume of the pod cannot be mounted."""

    def __init__(self, pod: Object, message: str) -> None:
        missing = missing_from(message)
        super().__init__(
            about_pod(pod),
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
        asked = "runtime for" in message or "RuntimeHandler" in message
        self.fault = Fault.PROJECT if asked else Fault.MACHINE
        super().__init__(
            about_pod(pod),
            needed=f"a sandbox and a network for pod {name_of(pod)}",
            seen=message,
            looked="the pod's FailedCreatePodSandBox events",
            fix="correct the pod's runtimeClassName, or install that runtime on the node"
            if asked
            else "this is the node's fault, not the chart's: see its container runtime and CNI",
        )
