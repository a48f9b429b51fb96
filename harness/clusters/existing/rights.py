"""What the user of a kubeconfig has to be allowed, asked before anything is made."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.kube.client import Kube

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_AT_ONCE = 8  # requests
_ALL = ("get", "list", "watch", "create", "patch", "update", "delete")


@dataclass(frozen=True)
class Right:
    """To do something with a kind of object; `namespaced` if in namespaces of our own only."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespaced: bool = True

    def describe(self, namespace: str) -> str:
        """Return it for a sentence: which verb, on what, where."""
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        where = f"in namespace {namespace}" if self.namespaced else "in the whole cluster"
        return f"{self.verb} {what}{f' ({self.group})' if self.group else ''} {where}"


def _rights() -> tuple[Right, ...]:
    kinds = {
        "": ("pods", "services", "secrets", "configmaps", "serviceaccounts"),
        "apps": ("deployments", "statefulsets"),
        "rbac.authorization.k8s.io": ("roles", "rolebindings"),
        "coordination.k8s.io": ("leases",),
    }
    looked_at = {
        "": ("events", "endpoints", "persistentvolumeclaims", "resourcequotas"),
        "apps": ("replicasets", "daemonsets"),
        "batch": ("jobs",),
        "discovery.k8s.io": ("endpointslices",),
    }
    found = [Right(v, "", "namespaces", namespaced=False) for v in ("get", "list", "watch")]
    found += [Right(v, "", "namespaces", namespaced=False) for v in ("create", "patch", "delete")]
    found += [Right("list", "", kind, namespaced=False) for kind in ("nodes", "pods")]
    found += [Right(v, group, kind) for group, ks in kinds.items() for kind in ks for v in _ALL]
    found += [
        Right(v, group, kind)
        for group, ks in looked_at.items()
        for kind in ks
        for v in ("get", "list", "watch")
    ]
    found += [Right("get", "", "pods", "log")]
    # A web socket begins with GET; newer servers want `create` for it, as for a POST.
    found += [Right(v, "", "pods", s) for s in ("exec", "portforward") for v in ("get", "create")]
    found += [Right("create", "", "serviceaccounts", "token")]
    return tuple(found)


#: What the harness does itself. What a chart brings besides, Helm's refusal names.
RIGHTS = _rights()


def missing(client: Kube, namespace: str, rights: Iterable[Right] = RIGHTS) -> list[str]:
    """Return the rights that are missing, each as a sentence.

    Args:
        client: of the cluster, with the user's credentials.
        namespace: one that a run would make; it need not be there.
        rights: to ask for.

    """

    def lacks(right: Right) -> str:
        asked = {"verb": right.verb, "group": right.group, "resource": right.resource}
        if right.subresource:
            asked["subresource"] = right.subresource
        if right.namespaced:
            asked["namespace"] = namespace
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        allowed = client.json("POST", _REVIEW, body=body)["status"].get("allowed")
        return "" if allowed else right.describe(namespace)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rights") as pool:
        return [line for line in pool.map(lacks, rights) if line]


def who(client: Kube) -> str:
    """Return the name by which the cluster knows the user."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    told = client.json("POST", _WHO, body=body).get("status") or {}
    return str((told.get("userInfo") or {}).get("username") or "")
