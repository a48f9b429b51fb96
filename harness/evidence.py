"""What a run finds, as facts for its record: images, and the system as it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.kube.pods import Pod
    from harness.kube.services import Service
    from harness.project import Image
    from harness.release import Release


def image(name: str, described: Image, size: int, compressed: int) -> Mapping[str, Any]:
    """Return the facts of an image; sizes in bytes, budgets in MB."""
    return {
        "name": name,
        "bytes": size,
        "packed": compressed,
        "limit_mb": described.max_mb,
        "goal_mb": described.goal_mb,
    }


def call(source: str, target: str, how: str) -> Mapping[str, Any]:
    """Return the facts of a call that was answered.

    Args:
        source: `outside` (this machine), `inside` (a probe in the cluster), or a role.
        target: a role, `database`, or the name of what stands outside.
        how: by what it was seen.

    """
    return {"from": source, "to": target, "how": how}


def system(deployment: Deployment, release: Release, moment: str) -> Mapping[str, Any]:
    """Return what the cluster holds of a release now, and what is beside it.

    Args:
        deployment: whose.
        release: in it.
        moment: when that is, for a reader.

    Raises:
        DeployError: the cluster does not tell.

    """
    access, outside = deployment.cluster(), deployment.outside
    restarted: dict[str, list[str]] = {}
    for restart in release.restarts():
        restarted.setdefault(restart.pod, []).append(restart.describe().partition("\n")[0])
    roles = {release.image(role).ref: role for role in release.project.services}
    return {
        "moment": moment,
        "cluster": {"name": access.name, "version": access.kubernetes_version},
        "namespace": release.namespace,
        "release": release.name,
        "url": deployment.entrance.url,
        "services": [_service(service, roles) for service in release.services()],
        "pods": [_pod(pod, roles, restarted.get(pod.name, [])) for pod in release.pods()],
        "database": outside.described(),
        "standins": [
            {"name": name, "made_up": outside.standins.get(name) is not None}
            for name in release.project.standins
        ],
    }


def _service(service: Service, roles: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "name": service.name,
        "role": next((role for ref, role in roles.items() if ref in service.images), ""),
        "type": service.type,
        "ports": [
            {"port": port.port, "target": port.target, "node_port": port.node_port}
            for port in service.ports
        ],
        "ready": list(service.ready),
    }


def _pod(pod: Pod, roles: Mapping[str, str], restarted: list[str]) -> Mapping[str, Any]:
    return {
        "name": pod.name,
        "role": next((role for ref, role in roles.items() if ref in pod.images), ""),
        "phase": pod.phase,
        "ready": pod.ready,
        "restarts": sum(container.restarts for container in pod.containers),
        "restarted": restarted,
    }
