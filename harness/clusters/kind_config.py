"""What kind is told to make."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.ports import LOOPBACK

SERVICES = "10.96.0.0/16"  # kind's default, named here because we rely on it
API_SERVICE, API_PORT = "10.96.0.1", 6443  # the first address of these; where it listens
PATCHES = "/kind/deploy-patches"  # in the node
#: Where volumes lie on a node that we build; one process, on the control plane, makes them.
VOLUMES = "/var/local-volumes"
_SINCE = (1, 32)  # kubeadm can patch CoreDNS before its first rollout
# Checks of a machine that a node image passes by its making, and the rotation of a
# certificate that lives longer than any of our clusters.
_SKIPPED = ("preflight", "kubelet-finalize")
# Alone there is nobody to be elected against. The controllers begin by making a service
# account each; at the usual 20 requests a second that alone takes seconds. And a node
# counts when it was looked at, by default every 5 s.
ALONE = {"leader-elect": "false", "kube-api-qps": "200", "kube-api-burst": "400"}
CONTROLLERS = {**ALONE, "node-monitor-period": "1s"}
_COREDNS: dict[str, Any] = {
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {"containers": [{"name": "coredns", "readinessProbe": {"periodSeconds": 1}}]}
        },
    }
}


# Among several nodes the DNS stays on the one that is never taken away.
_ON_CONTROL_PLANE = {"node-role.kubernetes.io/control-plane": ""}


def config(
    name: str,
    *,
    image: str,
    published: Mapping[int, int],
    patches: Path | None,
    workers: int = 0,
    volumes: Path | None = None,
) -> dict[str, Any]:
    """Return the kind configuration of a cluster of one control plane and some workers.

    Each port of the control plane in `published` is reachable at that of the loopback, and
    nowhere else. All nodes share the folder `volumes`.
    """
    node: dict[str, Any] = {
        "role": "control-plane",
        "image": image,
        "extraPortMappings": [
            {
                "listenAddress": LOOPBACK,
                "hostPort": host_port,
                "containerPort": node_port,
                "protocol": "TCP",
            }
            for node_port, host_port in published.items()
        ],
    }
    nodes = [node, *({"role": "worker", "image": image} for _ in range(workers))]
    if volumes is not None:
        for one in nodes:
            one["extraMounts"] = [{"hostPath": str(volumes), "containerPath": VOLUMES}]
    found: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "networking": {"apiServerAddress": LOOPBACK, "serviceSubnet": SERVICES},
        "nodes": nodes,
    }
    if patches is not None:
        mount = {"hostPath": str(patches), "containerPath": PATCHES, "readOnly": True}
        node["extraMounts"] = [mount, *node.get("extraMounts", ())]
        node["kubeadmConfigPatches"] = [
            yaml.safe_dump(
                {
                    "kind": "InitConfiguration",
                    "patches": {"directory": PATCHES},
                    "skipPhases": list(_SKIPPED),
                }
            ),
            # Making RSA keys is what most of kubeadm's own time on the processor goes to.
            yaml.safe_dump(
                {"kind": "ClusterConfiguration", "featureGates": {"PublicKeysECDSA": True}}
            ),
            # Of the version that kind writes: the next one has lists in their place.
            yaml.safe_dump(
                {
                    "kind": "ClusterConfiguration",
                    "apiVersion": "kubeadm.k8s.io/v1beta3",
                    "controllerManager": {"extraArgs": CONTROLLERS},
                    "scheduler": {"extraArgs": ALONE},
                }
            ),
            # What a Service leads to is known to the node at once, not a second later.
            yaml.safe_dump(
                {"kind": "KubeProxyConfiguration", "iptables": {"minSyncPeriod": "100ms"}}
            ),
        ]
    return found


def write(
    folder: Path, name: str, *, image: str, published: Mapping[int, int], workers: int = 0
) -> Path:
    """Write the configuration of a cluster into its folder and return the file.

    One replica of CoreDNS with a probe each second is ready seconds sooner than two with
    kubeadm's defaults, and set before the first rollout it costs no second one.
    """
    patches = None
    if (version := version_of(image)) is not None and version >= _SINCE:
        patches = folder / "patches"
        patches.mkdir(exist_ok=True)
        (patches / "corednsdeployment+strategic.yaml").write_text(_coredns(workers))
    file = folder / "kind.yaml"
    volumes = volumes_of(folder) if workers else None
    if volumes is not None:
        volumes.mkdir(exist_ok=True)
    text = config(
        name,
        image=image,
        published=published,
        patches=patches,
        workers=workers,
        volumes=volumes,
    )
    file.write_text(yaml.safe_dump(text, sort_keys=False))
    return file


def volumes_of(folder: Path) -> Path:
    """Return the folder below a cluster's own that its nodes share."""
    return folder / "volumes"


def _coredns(workers: int) -> str:
    change = copy.deepcopy(_COREDNS)
    if workers:
        change["spec"]["template"]["spec"]["nodeSelector"] = _ON_CONTROL_PLANE
    return yaml.safe_dump(change)


def version_of(image: str) -> tuple[int, int] | None:
    """Return major and minor version of Kubernetes from a node image's tag, if it tells."""
    found = re.search(r":v?(\d+)\.(\d+)", image)
    return (int(found[1]), int(found[2])) if found else None
