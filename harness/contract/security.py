"""Containers without privileges."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.rendering import Rendering
from harness.contract.subject import Subject


def check(subject: Subject, notes: Notes) -> None:
    """No container is root, can write its own files, or gains privileges."""
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            notes.saw(str(container))
            problems = [*_process(container), *_host(container)]
            if _token(rendering, container):
                problems.append(
                    (
                        "automountServiceAccountToken",
                        "it is given a token of the cluster's API",
                        "set automountServiceAccountToken: false",
                    )
                )
            for word, seen, fix in problems:
                notes.found(
                    subject.chart.where(container.owner.source, word, "securityContext"),
                    needed=f"{container} without privileges",
                    seen=f"{seen} ({word})",
                    fix=fix,
                )


def _process(container: Container) -> Iterator[tuple[str, str, str]]:
    own = container.body.get("securityContext") or {}
    if container.security("runAsNonRoot") is not True:
        yield "runAsNonRoot", "it may run as root", "set runAsNonRoot: true"
    if container.security("runAsUser") == 0:
        yield "runAsUser", "its user is 0, which is root", "give another user's number"
    if own.get("privileged"):
        yield "privileged", "it is privileged", "leave `privileged` out"
    if own.get("allowPrivilegeEscalation") is not False:
        yield (
            "allowPrivilegeEscalation",
            "its process can gain privileges",
            "set allowPrivilegeEscalation: false",
        )
    if own.get("readOnlyRootFilesystem") is not True:
        yield (
            "readOnlyRootFilesystem",
            "its root file system can be written",
            "set readOnlyRootFilesystem: true, and mount an emptyDir where it writes",
        )
    capabilities = own.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield "capabilities", "it keeps capabilities", "set capabilities.drop: [ALL]"
    for name in capabilities.get("add") or ():
        if name not in ("NET_BIND_SERVICE", "CHOWN"):
            yield str(name), f"it is given the capability {name}", "leave it out"
    if (container.security("seccompProfile") or {}).get("type") not in (
        "RuntimeDefault",
        "Localhost",
    ):
        yield (
            "seccompProfile",
            "its system calls are not filtered",
            "set seccompProfile.type: RuntimeDefault",
        )


def _token(rendering: Rendering, container: Container) -> bool:
    """Say whether a pod is given a token of the cluster's API without any right to use it."""
    if rendering.of("RoleBinding", "ClusterRoleBinding"):
        return False
    told = container.pod.spec.get("automountServiceAccountToken")
    account = rendering.find("ServiceAccount", str(container.pod.spec.get("serviceAccountName")))
    if told is None and account is not None:
        told = account.body.get("automountServiceAccountToken")
    return told is not False


def _host(container: Container) -> Iterator[tuple[str, str, str]]:
    spec = container.pod.spec
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key, f"its pod shares the node's {key.removeprefix('host')}", f"leave {key} out"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            path = (volume["hostPath"] or {}).get("path")
            yield "hostPath", f"it can reach {path} of the node", "use an emptyDir or a claim"
    for port in container.body.get("ports") or ():
        if port.get("hostPort"):
            yield "hostPort", f"it takes the node's port {port['hostPort']}", "use a Service"
