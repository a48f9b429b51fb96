"""Stand-ins as pods of a cluster, where nothing beside the cluster is reached from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.kube.errors import ConflictError
from harness.kube.replace import PodsReplaced
from harness.kube.resources import DEPLOYMENT, EVENT, POD, SECRET, SERVICE, Object, Resource
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED, ROLE
from harness.standins import KEY_VARIABLE, RunningStandIn, StandIn

if TYPE_CHECKING:
    from harness.kube.client import Kube

_READY = 120.0  # seconds, with the pull of its image


@dataclass(frozen=True)
class InsideStandIns:
    """The stand-ins of one process of a run, in a namespace of its own beside the release.

    Args:
        client: of the cluster.
        namespace: one of ours.

    """

    client: Kube
    namespace: str

    def ensure(self, standin: StandIn, image: str, key: str) -> RunningStandIn:
        """Have it run, and return where pods reach it.

        Args:
            standin: as the project describes it.
            image: as the cluster's nodes pull it.
            key: that its clients must show.

        Raises:
            DeployError: the cause for which its pod does not become Ready.

        """
        name = f"standin-{standin.name}"
        labels = {MANAGED: "true", ROLE: name}
        with Watcher(self.client, self.namespace, (POD, EVENT)) as watcher:
            for resource, content in _objects(name, labels, standin, image, key):
                self._apply(resource, name, content)
            wait_for(PodsReplaced(labels, frozenset(), 1), watcher, _READY)
        host = f"{name}.{self.namespace}.svc"
        return RunningStandIn(
            name=standin.name,
            host=host,
            port=standin.port,
            url_in_cluster=f"http://{host}:{standin.port}",
            url_on_host="",
            image=image,
            adopted=False,
            key=key,
        )

    def _apply(self, resource: Resource, name: str, content: Object) -> None:
        try:
            self.client.create(resource, content, self.namespace)
        except ConflictError:
            self.client.patch(resource, name, content, self.namespace)


def _objects(
    name: str, labels: dict[str, str], standin: StandIn, image: str, key: str
) -> list[tuple[Resource, Object]]:
    metadata = {"name": name, "labels": labels}
    reference = {"secretKeyRef": {"name": name, "key": "key"}}
    env: list[Any] = [{"name": k, "value": v} for k, v in sorted(standin.env.items())]
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [
            {
                "name": "standin",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "env": [*env, {"name": KEY_VARIABLE, "valueFrom": reference}],
                "ports": [{"containerPort": standin.port}],
                "readinessProbe": {
                    "httpGet": {"path": standin.health, "port": standin.port},
                    "periodSeconds": 1,
                },
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
                "resources": {
                    "requests": {"cpu": "10m", "memory": "48Mi"},
                    "limits": {"cpu": "500m", "memory": "256Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    port = {"port": standin.port, "targetPort": standin.port}
    return [
        (SECRET, _object(SECRET, metadata, stringData={"key": key})),
        (SERVICE, _object(SERVICE, metadata, spec={"selector": labels, "ports": [port]})),
        (DEPLOYMENT, _object(DEPLOYMENT, metadata, spec=spec)),
    ]


def _object(resource: Resource, metadata: Object, **content: Any) -> Object:
    return {"apiVersion": resource.api, "kind": resource.kind, "metadata": metadata, **content}
