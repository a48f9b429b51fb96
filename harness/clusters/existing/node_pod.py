"""Programs on a node of a cluster that is not ours, where that was allowed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from harness.command import CommandFailedError, Completed
from harness.kube.errors import ConflictError
from harness.kube.exec import Exec
from harness.kube.replace import PodsReplaced
from harness.kube.resources import EVENT, POD, Object
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED, ROLE
from harness.redact import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from harness.kube.client import Kube

#: A namespace's label that lets privileged pods in, where pod security is enforced.
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
_READY = 60.0  # seconds


def run_on_node(
    client: Kube,
    kubectl: Path,
    namespace: str,
    image: str,
    node: str,
    argv: tuple[str, ...],
    timeout: float,
) -> Completed:
    """Run a program of a node, by a privileged pod on it that stays until its namespace goes.

    Args:
        client: of the cluster.
        kubectl: path of the program.
        namespace: one of ours.
        image: of the probe, as the cluster's nodes pull it.
        node: its name.
        argv: program and arguments.
        timeout: seconds.

    Raises:
        CommandFailedError: the program's exit code is not 0.
        DeployError: the pod does not run.

    """
    name, labels = f"deploy-node-{node}"[:63].rstrip("-."), {MANAGED: "true", ROLE: "node"}
    labels |= {f"{ROLE}.node": node[:63]}
    with Watcher(client, namespace, (POD, EVENT)) as watcher:
        with contextlib.suppress(ConflictError):  # it is there since the last time
            client.create(POD, _pod(name, image, node, labels), namespace)
        wait_for(PodsReplaced(labels, frozenset(), 1), watcher, _READY)
    done = Exec(client, kubectl).run(namespace, name, ("/probe", "host", *argv), timeout=timeout)
    completed = Completed(argv, done.exit_code, done.stdout, done.stderr, done.seconds)
    if done.exit_code != 0:
        raise CommandFailedError(completed, Redactor())
    return completed


def _pod(name: str, image: str, node: str, labels: dict[str, str]) -> Object:
    container = {
        "name": "node",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["sleep"],
        "securityContext": {"privileged": True, "runAsUser": 0},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "nodeName": node,
            "hostPID": True,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    }
