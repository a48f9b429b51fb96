"""What `minikube start` is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.clusters.kind_config import ALONE, CONTROLLERS, SERVICES
from harness.ports import LOOPBACK

if TYPE_CHECKING:
    from harness.supply.nodes import NodeImage

# As for kind. The key of the third is a line of YAML, since Minikube writes key and value
# into the configuration of kube-proxy as they are, and this setting is one level down.
_EXTRA = (
    *(f"controller-manager.{key}={value}" for key, value in CONTROLLERS.items()),
    *(f"scheduler.{key}={value}" for key, value in ALONE.items()),
    "kube-proxy.iptables:\n  minSyncPeriod=100ms",
)
# An image that we made holds network, binaries, images and storage, in a version of
# Kubernetes that is newer than what Minikube knows of.
_OURS = (
    "--force",
    "--preload=false",
    "--cache-images=false",
    "--cni=false",
    "--install-addons=false",
    "--extra-config=kubeadm.skip-phases=preflight,kubelet-finalize",
)


def words(
    driver: str, image: NodeImage, published: Mapping[int, int], *, root: bool
) -> tuple[str, ...]:
    """Return the options of `minikube start` for a cluster of one node.

    Args:
        driver: Minikube's.
        image: what the node is made from.
        published: ports of the node, each with that of the loopback that leads to it.
        root: whether we are root, who has to insist.

    """
    ports = (f"{LOOPBACK}:{outer}:{inner}" for inner, outer in published.items())
    own = _OURS if image.stand_in else ("--force",) if root else ()
    return (
        f"--driver={driver}",
        "--interactive=false",
        "--auto-update-drivers=false",
        "--container-runtime=containerd",
        f"--base-image={image.ref.partition('@')[0]}",
        f"--kubernetes-version={image.kubernetes_version}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--listen-address={LOOPBACK}",
        "--embed-certs=true",
        "--cpus=no-limit",
        "--memory=no-limit",
        "--wait=none",  # it asks again and again; we watch
        "--disable-coredns-log=true",
        *(f"--ports={port}" for port in ports),
        *(f"--extra-config={setting}" for setting in _EXTRA),
        *own,
    )
