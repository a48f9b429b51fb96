"""What a cluster holds, of every kind, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi

from harness.kube.client import Kube
from harness.kube.errors import ApiRefusedError
from harness.kube.inventory import (
    Inventory,
    Item,
    listable,
    take_inventory,
    wait_for_nothing_left,
)
from harness.kube.tenancy import RUN, Tenancy
from harness.labels import MANAGED

Object = dict[str, Any]


def kind(name: str, plural: str, *verbs: str, namespaced: bool = True) -> Object:
    return {
        "kind": name,
        "name": plural,
        "namespaced": namespaced,
        "verbs": list(verbs or ("get", "list")),
    }


CORE = [
    kind("ConfigMap", "configmaps"),
    kind("Secret", "secrets"),
    kind("Namespace", "namespaces", namespaced=False),
    kind("PersistentVolume", "persistentvolumes", namespaced=False),
    kind("Event", "events"),
    kind("Binding", "bindings", "create"),
    kind("Pod", "pods/log", "get"),
]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    version = {"groupVersion": "shop.io/v2", "version": "v2"}
    old = {"groupVersion": "shop.io/v1", "version": "v1"}
    group = {"name": "shop.io", "versions": [old, version], "preferredVersion": version}
    offers = {
        "/api/v1": {"resources": CORE},
        "/apis": {"groups": [group]},
        "/apis/shop.io/v2": {"resources": [kind("Gadget", "gadgets", namespaced=False)]},
        "/apis/shop.io/v1": {"resources": [kind("Gadget", "gadgets"), kind("Widget", "widgets")]},
    }
    for path, body in offers.items():
        folder, _, name = path.rpartition("/")
        api.objects.setdefault(folder, {})[name] = body
    for plural in ("configmaps", "secrets", "namespaces", "persistentvolumes"):
        api.objects[f"/api/v1/{plural}"] = {}
    for path in ("v2/gadgets", "v1/widgets"):
        api.objects[f"/apis/shop.io/{path}"] = {}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Kube:
    return api.client(tmp_path)


def put(api: FakeApi, plural: str, name: str, namespace: str = "", **rest: Any) -> None:
    metadata = {"name": name, "uid": f"uid-{namespace}-{name}", **rest.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    api.put(f"/{plural}", {"metadata": metadata, **rest})


def managed(api: FakeApi, name: str) -> None:
    put(api, "api/v1/namespaces", name, metadata={"labels": {MANAGED: "true"}})


def test_every_kind_that_can_be_listed_counts_once(client: Kube) -> None:
    found = {(resource.api, resource.plural) for resource in listable(client)}
    assert found == {
        ("v1", "configmaps"),
        ("v1", "secrets"),
        ("v1", "namespaces"),
        ("v1", "persistentvolumes"),
        ("shop.io/v2", "gadgets"),
        ("shop.io/v1", "widgets"),
    }


def test_what_is_left_is_named(api: FakeApi, client: Kube) -> None:
    managed(api, "mine")
    put(api, "api/v1/configmaps", "kube-root-ca.crt", "mine")
    before = take_inventory(client)
    assert take_inventory(client).left_since(before, "mine") == []
    put(api, "api/v1/secrets", "forgotten", "mine")
    put(api, "apis/shop.io/v1/widgets", "odd", "kube-system")
    put(api, "apis/shop.io/v2/gadgets", "global")
    put(api, "api/v1/persistentvolumes", "pv", spec={"claimRef": {"namespace": "mine"}})
    left = take_inventory(client).left_since(before, "mine")
    assert [str(item) for item in left] == [
        "Gadget global (shop.io/v2)",
        "PersistentVolume pv (v1)",
        "Secret forgotten in mine (v1)",
        "Widget odd in kube-system (shop.io/v1)",
    ]


def test_what_others_of_ours_do_meanwhile_is_not_held_against_it(
    api: FakeApi, client: Kube
) -> None:
    managed(api, "mine")
    managed(api, "theirs")
    before = take_inventory(client)
    managed(api, "theirs-too")
    put(api, "api/v1/secrets", "one", "theirs")
    put(api, "api/v1/secrets", "two", "theirs-too")
    put(api, "api/v1/persistentvolumes", "pv", spec={"claimRef": {"namespace": "theirs"}})
    put(
        api,
        "apis/shop.io/v2/gadgets",
        "g",
        metadata={"annotations": {"meta.helm.sh/release-namespace": "theirs"}},
    )
    assert take_inventory(client).left_since(before, "mine") == []


def test_a_namespace_of_nobody_is_left(api: FakeApi, client: Kube) -> None:
    before = take_inventory(client)
    put(api, "api/v1/namespaces", "extra")
    assert [item.name for item in take_inventory(client).left_since(before, "mine")] == ["extra"]


def test_changes_are_told_by_their_place(api: FakeApi, client: Kube) -> None:
    put(api, "api/v1/configmaps", "same", "mine", data={"a": "1"}, status={"seen": 1})
    put(api, "api/v1/configmaps", "other", "mine", data={"a": "1"})
    put(api, "api/v1/configmaps", "gone", "mine")
    put(api, "api/v1/configmaps", "elsewhere", "other", data={"a": "1"})
    before = take_inventory(client)
    assert take_inventory(client).changes_since(before, "mine") == []
    put(api, "api/v1/configmaps", "same", "mine", data={"a": "1"}, status={"seen": 2})
    put(
        api,
        "api/v1/configmaps",
        "other",
        "mine",
        data={"a": "secret"},
        metadata={"annotations": {"x": "y"}},
    )
    put(api, "api/v1/configmaps", "elsewhere", "other", data={"a": "2"})
    put(api, "api/v1/secrets", "new", "mine")
    api.remove("/api/v1/configmaps", "gone")
    changes = take_inventory(client).changes_since(before, "mine")
    assert changes == [
        "ConfigMap gone in mine (v1) is gone",
        "ConfigMap other in mine (v1) has changed: data, metadata.annotations",
        "Secret new in mine (v1) is new",
    ]


def test_what_a_service_finds_is_no_change() -> None:
    def inventory(addresses: list[str]) -> Inventory:
        body = {"metadata": {"name": "s-1"}, "endpoints": [{"addresses": addresses}]}
        found = Item("EndpointSlice", "discovery.k8s.io/v1", "s-1", "mine", "mine", "u", body)
        return Inventory({"u": found})

    assert inventory(["10.0.0.2"]).changes_since(inventory([]), "mine") == []
    assert Inventory({}).changes_since(inventory([]), "mine") == [
        "EndpointSlice s-1 in mine (discovery.k8s.io/v1) is gone"
    ]


def test_a_kind_that_may_not_be_read_is_no_empty_one(api: FakeApi, client: Kube) -> None:
    api.refusals["/api/v1/secrets"] = 403
    with pytest.raises(ApiRefusedError):
        take_inventory(client)


def test_what_goes_a_moment_later_is_waited_for(api: FakeApi, client: Kube) -> None:
    before = take_inventory(client)
    put(api, "api/v1/secrets", "late", "mine")
    (left,) = wait_for_nothing_left(client, before, "mine", within=0.1)
    assert left.name == "late"
    api.remove("/api/v1/secrets", "late")
    assert wait_for_nothing_left(client, before, "mine", within=5) == []


def test_one_namespace_alone(api: FakeApi, client: Kube) -> None:
    managed(api, "mine")
    put(api, "apis/shop.io/v2/gadgets", "global")
    api.objects["/api/v1/namespaces/mine/configmaps"] = {}
    put(api, "api/v1/namespaces/mine/configmaps", "one", "mine")
    assert [item.name for item in take_inventory(client, "mine").items.values()] == ["one"]


def test_helms_notes_are_left_behind_but_are_no_change(api: FakeApi, client: Kube) -> None:
    before = take_inventory(client)
    put(api, "api/v1/secrets", "sh.helm.release.v1.x.v1", "mine", type="helm.sh/release.v1")
    now = take_inventory(client)
    assert now.changes_since(before, "mine") == []
    assert now.specifications("mine") == {}
    assert [item.kind for item in now.left_since(before, "mine")] == ["Secret"]


def test_specifications_are_what_was_applied(api: FakeApi, client: Kube) -> None:
    put(api, "api/v1/configmaps", "one", "mine", data={"a": "1"}, status={"x": 1})
    owner = [{"kind": "X", "uid": "u"}]
    put(api, "api/v1/configmaps", "owned", "mine", metadata={"ownerReferences": owner})
    was = take_inventory(client).specifications("mine")
    assert list(was) == ["ConfigMap one in mine (v1)"]
    marked = {"annotations": {"revision": "2"}}
    put(api, "api/v1/configmaps", "one", "mine", data={"a": "1"}, metadata=marked)
    assert take_inventory(client).specifications("mine") == was
    put(api, "api/v1/configmaps", "one", "mine", data={"a": "2"})
    assert take_inventory(client).specifications("mine") != was


def test_where_others_work_only_what_is_ours_is_judged(api: FakeApi, tmp_path: Path) -> None:
    labels = {MANAGED: "true", RUN: "mine"}
    for name, has in (("mine-app", labels), ("theirs", {}), ("ours-too", labels | {RUN: "other"})):
        api.put("/api/v1/namespaces", {"metadata": {"name": name, "uid": name, "labels": has}})
    for name, claim in (("volume-mine", "mine-app"), ("volume-theirs", "theirs")):
        api.put(
            "/api/v1/persistentvolumes",
            {
                "metadata": {"name": name, "uid": name},
                "spec": {"claimRef": {"namespace": claim}},
            },
        )
    for namespace in ("mine-app", "theirs", "ours-too"):
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        uid = f"of-{namespace}"
        api.put(path, {"metadata": {"name": "c", "namespace": namespace, "uid": uid}})
    api.refusals["/apis/shop.io/v2/gadgets"] = 403
    tenancy = Tenancy(labels={RUN: "mine"}, shared=True)
    client = Kube(api.kubeconfig(tmp_path), "fake", timeout=5, tenancy=tenancy)
    assert set(take_inventory(client).items) == {"mine-app", "volume-mine", "of-mine-app"}
    asked = [path for method, path in api.requests if "/configmaps" in path]
    assert asked == ["/api/v1/namespaces/mine-app/configmaps"], "others' are not read"
    with pytest.raises(ApiRefusedError):
        take_inventory(api.client(tmp_path))
