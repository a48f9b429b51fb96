"""An account of the cluster that may look after one namespace, and touch nothing else."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.resources import ROLE, ROLE_BINDING, SERVICE_ACCOUNT
from harness.labels import MANAGED
from harness.redact import Redactor

_LIFETIME = 3600  # seconds that its token is valid
_LOOK = ["get", "list", "watch"]
_RULES = [
    {
        "apiGroups": [""],
        "resources": ["pods", "pods/log", "events", "services", "endpoints", "configmaps"],
        "verbs": _LOOK,
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": _LOOK},
    {
        "apiGroups": ["apps"],
        "resources": ["deployments", "deployments/scale", "replicasets", "statefulsets"],
        "verbs": [*_LOOK, "patch", "update"],
    },
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _LOOK},
]


@dataclass(frozen=True)
class Access:
    """How the account reaches the cluster: a kubeconfig of its own, mode 0600."""

    kubeconfig: Path
    context: str
    namespace: str

    def client(self) -> Kube:
        """Return a client with these rights."""
        return Kube(self.kubeconfig, self.context)


@contextlib.contextmanager
def access_to(client: Kube, namespace: str, folder: Path, redact: Redactor) -> Iterator[Access]:
    """Make an account with rights to one namespace only; it is gone on exit, with its token.

    It may see no Secret, start no pod, run nothing in one, and give itself no rights.

    Args:
        client: of the cluster, with rights to give some away.
        namespace: what it may look after.
        folder: where its kubeconfig is written.
        redact: learns the token.

    """
    name = f"operator-{secrets.token_hex(4)}"
    meta = {"name": name, "labels": {MANAGED: "true"}}
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    role = {"apiGroup": group, "kind": "Role", "name": name}
    objects: list[tuple[Any, dict[str, Any]]] = [
        (SERVICE_ACCOUNT, {}),
        (ROLE, {"rules": _RULES}),
        (ROLE_BINDING, {"roleRef": role, "subjects": [subject]}),
    ]
    try:
        for resource, content in objects:
            head = {"apiVersion": resource.api, "kind": resource.kind, "metadata": meta}
            client.create(resource, head | content, namespace)
        token = _token(client, namespace, name)
        redact.add(token)
        yield _written(client, namespace, name, token, folder)
    finally:
        for resource, _ in reversed(objects):
            with contextlib.suppress(NotFoundError):
                client.delete(resource, name, namespace)


def _token(client: Kube, namespace: str, name: str) -> str:
    wanted = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _LIFETIME},
    }
    path = SERVICE_ACCOUNT.path(namespace, name, "token")
    return str(client.json("POST", path, body=wanted)["status"]["token"])


def _written(client: Kube, namespace: str, name: str, token: str, folder: Path) -> Access:
    whole = yaml.safe_load(client.kubeconfig.read_text(encoding="utf-8"))
    contexts = {context["name"]: context["context"] for context in whole["contexts"]}
    used = contexts[client.context]["cluster"]
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster for cluster in whole["clusters"] if cluster["name"] == used],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [
            {"name": name, "context": {"cluster": used, "user": name, "namespace": namespace}}
        ],
        "current-context": name,
    }
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Access(path, name, namespace)
