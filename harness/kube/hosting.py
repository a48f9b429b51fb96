"""What a pod shares with the node that it runs on."""

from __future__ import annotations

from collections.abc import Iterator

from harness.kube.resources import Object


def shared_with_node(pod: Object) -> Iterator[str]:
    """Yield each thing, in words; nothing when the pod is kept apart from its node.

    These are what the baseline of the Pod Security Standards forbids:
    https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
    """
    spec = pod["spec"]
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"it shares its node's {key.removeprefix('host')} ({key})"
    for volume in spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"it can reach {(volume['hostPath'] or {}).get('path')} of its node (hostPath)"
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        if (container.get("securityContext") or {}).get("privileged"):
            yield f"{container['name']} is privileged"
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield f"{container['name']} takes its node's port {port['hostPort']} (hostPort)"
