"""How namespaces are made on a cluster that others use as well."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.kube.errors import ConflictError, NotFoundError
from harness.kube.resources import SECRET, SERVICE_ACCOUNT, Object, labels_of
from harness.labels import MANAGED, PREFIX, ROLE

if TYPE_CHECKING:
    from harness.kube.client import Kube

#: Labels of a namespace: the run and process that made it, for whom, when (UTC), and that
#: it stays when they have ended.
RUN = PREFIX + "run"
OWNER = PREFIX + "owner"
CREATED = PREFIX + "created"
KEPT = PREFIX + "kept"
#: Labels of a namespace whose pods share neither network, processes nor files of their node.
#: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
KEPT_FROM_HOST = {"pod-security.kubernetes.io/enforce": "baseline"}
_DEFAULT = "default"
_ATTEMPTS = 5


@dataclass(frozen=True)
class PullSecret:
    """A secret with which images are pulled: `content` is a docker configuration in JSON."""

    content: str = field(repr=False)
    name: str = "deploy-registry"

    def manifest(self) -> Object:
        """Return the Secret."""
        data = base64.b64encode(self.content.encode()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": self.name, "labels": {MANAGED: "true", ROLE: "pull"}},
            "data": {".dockerconfigjson": data},
        }


@dataclass(frozen=True)
class Tenancy:
    """What every namespace of a run gets.

    Attributes:
        labels: by which its namespaces are told from those of other runs.
        pull: what its pods pull images with, None when the registry asks for nothing.
        shared: whether others use the cluster, so that only what is ours may be judged.

    """

    labels: Mapping[str, str] = field(default_factory=dict)
    pull: PullSecret | None = None
    shared: bool = False

    def owns(self, namespace: Object) -> bool:
        """Return whether a namespace is one of this run's."""
        has = labels_of(namespace)
        same = self.labels.get(RUN) == has.get(RUN) if self.shared else True
        return same and has.get(MANAGED) == "true"

    def furnish(self, client: Kube, namespace: str) -> None:
        """Let pods of a namespace pull images, unless they have an account of their own."""
        if self.pull is None:
            return
        try:
            client.create(SECRET, self.pull.manifest(), namespace)
        except ConflictError:
            client.patch(SECRET, self.pull.name, self.pull.manifest(), namespace)
        self._allow(client, namespace, _DEFAULT)

    def admit(self, client: Kube, namespace: str, account: Object, release: str) -> None:
        """Let pods of an account that a chart brings pull images, from the first on.

        A pod takes its account's pull secrets when it is made, and Helm makes accounts and
        pods in one go. So the account is there before, marked as Helm marks its own: Helm
        takes such an object over and leaves alone what the chart does not name.
        https://helm.sh/docs/topics/charts_hooks and `helm install --help` on ownership.

        Args:
            client: of the cluster.
            namespace: where the chart is installed.
            account: the ServiceAccount as the chart renders it.
            release: the release's name.

        """
        if self.pull is None:
            return
        described = account["metadata"]
        mine = {
            "name": described["name"],
            "labels": {
                **(described.get("labels") or {}),
                "app.kubernetes.io/managed-by": "Helm",
            },
            "annotations": {
                **(described.get("annotations") or {}),
                "meta.helm.sh/release-name": release,
                "meta.helm.sh/release-namespace": namespace,
            },
        }
        made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": mine}
        secrets = [{"name": self.pull.name}]
        try:
            client.create(SERVICE_ACCOUNT, made | {"imagePullSecrets": secrets}, namespace)
        except ConflictError:
            self._allow(client, namespace, described["name"])

    def _allow(self, client: Kube, namespace: str, account: str) -> None:
        assert self.pull is not None
        for attempt in range(_ATTEMPTS):
            there = client.get(SERVICE_ACCOUNT, account, namespace)
            secrets = there.get("imagePullSecrets") or []
            if self.pull.name in {entry.get("name") for entry in secrets}:
                return
            change = {
                "metadata": {"resourceVersion": there["metadata"]["resourceVersion"]},
                "imagePullSecrets": [*secrets, {"name": self.pull.name}],
            }
            try:
                client.patch(SERVICE_ACCOUNT, account, change, namespace)
            except (ConflictError, NotFoundError):
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


def docker_config(login: tuple[str, str], *hosts: str) -> str:
    """Return a docker configuration in JSON that logs in at these registries."""
    auth = base64.b64encode(":".join(login).encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth} for host in hosts}})
