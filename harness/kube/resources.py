"""The kinds of objects that the harness reads, and where the API serves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Object = dict[str, Any]
"""One object as the API gives it: plain JSON."""
Objects = list[Object]


@dataclass(frozen=True)
class Resource:
    """A kind, its API group and version (`v1`, `apps/v1`), and its plural in paths."""

    kind: str
    api: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """Return the API path of a collection, an object, or an object's subresource."""
        parts = ["/api" if "/" not in self.api else "/apis", self.api]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if sub:
            parts.append(sub)
        return "/".join(parts)


NODE = Resource("Node", "v1", "nodes", namespaced=False)
NAMESPACE = Resource("Namespace", "v1", "namespaces", namespaced=False)
POD = Resource("Pod", "v1", "pods")
SERVICE = Resource("Service", "v1", "services")
SECRET = Resource("Secret", "v1", "secrets")
CONFIG_MAP = Resource("ConfigMap", "v1", "configmaps")
VOLUME_CLAIM = Resource("PersistentVolumeClaim", "v1", "persistentvolumeclaims")
EVENT = Resource("Event", "v1", "events")
QUOTA = Resource("ResourceQuota", "v1", "resourcequotas")
SERVICE_ACCOUNT = Resource("ServiceAccount", "v1", "serviceaccounts")
ENDPOINT_SLICE = Resource("EndpointSlice", "discovery.k8s.io/v1", "endpointslices")
DEPLOYMENT = Resource("Deployment", "apps/v1", "deployments")
STATEFUL_SET = Resource("StatefulSet", "apps/v1", "statefulsets")
DAEMON_SET = Resource("DaemonSet", "apps/v1", "daemonsets")
REPLICA_SET = Resource("ReplicaSet", "apps/v1", "replicasets")
JOB = Resource("Job", "batch/v1", "jobs")
CRON_JOB = Resource("CronJob", "batch/v1", "cronjobs")
ROLE = Resource("Role", "rbac.authorization.k8s.io/v1", "roles")
ROLE_BINDING = Resource("RoleBinding", "rbac.authorization.k8s.io/v1", "rolebindings")
LEASE = Resource("Lease", "coordination.k8s.io/v1", "leases")
INGRESS = Resource("Ingress", "networking.k8s.io/v1", "ingresses")

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB)
RELEASE = (*WORKLOADS, REPLICA_SET, POD, SERVICE, ENDPOINT_SLICE, VOLUME_CLAIM, EVENT)
"""All that a wait for a release looks at."""


def meta(obj: Object) -> Object:
    """Return an object's metadata."""
    found: Object = obj.get("metadata") or {}
    return found


def name_of(obj: Object) -> str:
    """Return an object's name."""
    return str(meta(obj).get("name", ""))


def uid_of(obj: Object) -> str:
    """Return an object's uid."""
    return str(meta(obj).get("uid", ""))


def labels_of(obj: Object) -> dict[str, str]:
    """Return an object's labels."""
    return dict(meta(obj).get("labels") or {})


def status_of(obj: Object) -> Object:
    """Return an object's status, empty when it has none yet."""
    found: Object = obj.get("status") or {}
    return found


def owner_uids(obj: Object) -> set[str]:
    """Return the uids of the objects that own this one."""
    return {str(ref.get("uid")) for ref in meta(obj).get("ownerReferences") or ()}


def condition(obj: Object, kind: str) -> Object | None:
    """Return the condition of that type, None when it is not there."""
    for entry in status_of(obj).get("conditions") or ():
        if entry.get("type") == kind:
            found: Object = entry
            return found
    return None


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Return whether an equality selector matches labels; an empty one matches nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
