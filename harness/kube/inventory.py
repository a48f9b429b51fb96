"""All objects of a cluster, of every kind that its API offers, at one moment."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from harness.kube.client import Kube
from harness.kube.errors import ApiRefusedError, NotFoundError
from harness.kube.jobs import hook_of
from harness.kube.namespaces import ours
from harness.kube.resources import Object, Resource, labels_of, meta, name_of, uid_of
from harness.labels import MANAGED

_AT_ONCE = 8  # requests
_PAUSE = 0.5  # seconds; every kind at once has no watch
_HELM_NAMESPACE = "meta.helm.sh/release-namespace"
# What an object is for, where it lies in no namespace itself.
_REFERENCES = ("claimRef", "parentRef")
# What others write without changing what an object is.
_BOOKKEEPING = ("managedFields", "resourceVersion")
_HELM_RECORD = "helm.sh/release.v1"
# What the cluster finds behind a Service: of these everything is like a status.
_FOUND = ("Endpoints", "EndpointSlice")


@dataclass(frozen=True)
class Item:
    """One object.

    Attributes:
        home: the namespace that it is in, or that it is there for; "" when nothing tells.

    """

    kind: str
    api: str
    name: str
    namespace: str
    home: str
    uid: str
    body: Object = field(repr=False, compare=False)

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where} ({self.api})"

    @property
    def is_record(self) -> bool:
        """Whether it is Helm's note of a revision."""
        return self.kind == "Secret" and self.body.get("type") == _HELM_RECORD

    @property
    def content(self) -> dict[str, str]:
        """A digest of each part of what the object is: its status and bookkeeping left out."""
        if self.kind in _FOUND:
            return {}
        parts = {
            key: value for key, value in self.body.items() if key not in ("status", "metadata")
        }
        described = {k: v for k, v in meta(self.body).items() if k not in _BOOKKEEPING}
        parts |= {f"metadata.{key}": value for key, value in described.items()}
        return {key: _digest(value) for key, value in parts.items()}


@dataclass(frozen=True)
class Inventory:
    """The objects of a cluster by uid. Events are no part of it: they go by themselves."""

    items: Mapping[str, Item] = field(repr=False)

    def of(self, namespace: str) -> dict[str, Item]:
        """Return those that are in a namespace, by uid."""
        return {uid: item for uid, item in self.items.items() if item.namespace == namespace}

    def left_since(self, before: Inventory, namespace: str) -> list[Item]:
        """Return what is new since then, apart from what other namespaces of ours hold.

        Objects of the cluster as a whole and of namespaces that nobody of us made (such
        as kube-system) count, whoever they belong to.

        Args:
            before: the earlier inventory.
            namespace: whose objects count in any case.

        """
        others = {
            item.name
            for inventory in (before, self)
            for item in inventory.items.values()
            if item.kind == "Namespace" and labels_of(item.body).get(MANAGED) == "true"
        } - {namespace}
        new = (item for uid, item in self.items.items() if uid not in before.items)
        return sorted((item for item in new if item.home not in others), key=str)

    def specifications(self, namespace: str) -> dict[str, str]:
        """Return a digest of what each object of a namespace was asked to be, by its name.

        Objects that others own, Helm's records, its hooks (which are run, and no part of what
        is there) and metadata are left out: what remains is what was applied.
        """
        return {
            str(item): _digest({k: v for k, v in item.content.items() if "metadata" not in k})
            for item in self.of(namespace).values()
            if not meta(item.body).get("ownerReferences")
            and not item.is_record
            and not hook_of(item.body)
            and item.kind not in _FOUND
        }

    def changes_since(self, before: Inventory, namespace: str) -> list[str]:
        """Return a line for each object of a namespace that came, went or was changed.

        A change of an object's status is none, nor is bookkeeping of the API or of Helm, nor
        which of its pods a Service has found to be ready.
        """
        old, new = (
            {uid: item for uid, item in inventory.of(namespace).items() if not item.is_record}
            for inventory in (before, self)
        )
        lines = [f"{old[uid]} is gone" for uid in old.keys() - new.keys()]
        lines += [f"{new[uid]} is new" for uid in new.keys() - old.keys()]
        for uid in old.keys() & new.keys():
            was, now = old[uid].content, new[uid].content
            parts = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
            if parts:
                lines.append(f"{new[uid]} has changed: {', '.join(parts)}")
        return sorted(lines)


def take_inventory(client: Kube, namespace: str | None = None) -> Inventory:
    """Return all that the cluster holds now, or all that is in one namespace.

    On a cluster that others use, too, only namespaces of the run are looked into, and of
    the cluster's own objects those count that name one of them: what others make meanwhile
    is not ours to judge, nor to read.

    Raises:
        ApiRefusedError, ApiUnreachableError: a kind cannot be listed, so that nothing can
            be said of it.

    """
    shared = client.tenancy.shared
    places = [namespace] if namespace or not shared else ours(client)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="inventory") as pool:
        kinds = [kind for kind in listable(client) if kind.namespaced or namespace is None]
        asked = [(k, place) for k in kinds for place in (places if k.namespaced else [None])]
        lists = list(pool.map(lambda one: list(_list(client, *one)), asked))
    found = [item for items in lists for item in items]
    if shared:
        named = [item for item in found if item.namespace or _names(item, places)]
        return Inventory({item.uid: item for item in named})
    return Inventory({item.uid: item for item in found})


def _names(item: Item, namespaces: Iterable[str | None]) -> bool:
    """Return whether an object of the cluster as a whole says one of these names anywhere."""
    text = json.dumps(item.body)
    return any(f'"{name}"' in text for name in namespaces if name)


def wait_for_nothing_left(
    client: Kube, before: Inventory, namespace: str, *, within: float
) -> list[Item]:
    """Look until nothing is left (see `Inventory.left_since`); return what is left then.

    What belongs to something that is gone is collected a moment later by the cluster.

    Args:
        client: where.
        before: the inventory to come back to.
        namespace: whose objects count in any case.
        within: seconds.

    """
    deadline = time.monotonic() + within
    while True:
        left = take_inventory(client).left_since(before, namespace)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE)


def listable(client: Kube) -> list[Resource]:
    """Return every kind that the API can list, each in its group's preferred version."""
    groups = client.json("GET", "/apis").get("groups") or []
    versions = ["v1", *(v["groupVersion"] for group in groups for v in _preferred_first(group))]
    found: dict[tuple[str, str], Resource] = {}
    for api in versions:
        group = api.rpartition("/")[0]
        try:
            offered = client.json("GET", f"/apis/{api}" if group else f"/api/{api}")
        except NotFoundError:
            continue  # it was withdrawn a moment ago
        for entry in offered.get("resources") or ():
            plural = str(entry["name"])
            if "/" in plural or "list" not in (entry.get("verbs") or ()):
                continue
            if entry["kind"] != "Event":
                resource = Resource(entry["kind"], api, plural, bool(entry.get("namespaced")))
                found.setdefault((group, plural), resource)
    return list(found.values())


def _preferred_first(group: Object) -> list[Object]:
    preferred = (group.get("preferredVersion") or {}).get("groupVersion")
    versions: list[Object] = group.get("versions") or []
    return sorted(versions, key=lambda version: version["groupVersion"] != preferred)


def _list(client: Kube, resource: Resource, namespace: str | None) -> Iterator[Item]:
    try:
        objects = client.list(resource, namespace)
    except NotFoundError:
        objects = []
    except ApiRefusedError as error:
        # What one may not see where others work, one has hardly made.
        if error.status != 403 or not client.tenancy.shared:
            raise
        objects = []
    for body in objects:
        if uid := uid_of(body):  # what has none is computed for the answer, and not kept
            within = str(meta(body).get("namespace") or "")
            home = within or _home(body)
            yield Item(resource.kind, resource.api, name_of(body), within, home, uid, body)


def _home(body: Object) -> str:
    if body.get("kind") == "Namespace":
        return name_of(body)
    annotations = meta(body).get("annotations") or {}
    spec = body.get("spec") or {}
    referred = [(spec.get(name) or {}).get("namespace") for name in _REFERENCES]
    return str(annotations.get(_HELM_NAMESPACE) or next(filter(None, referred), ""))


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
