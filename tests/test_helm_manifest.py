"""The objects of a manifest."""

from __future__ import annotations

import pytest
import yaml

from harness.helm.manifest import differences, release_objects

MANIFEST = """\
---
# Source: shop/templates/a.yaml
apiVersion: v1
kind: Service
metadata:
  name: api
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: other}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
---
apiVersion: v1
kind: Pod
metadata:
  name: check
  annotations: {helm.sh/hook: test}
"""


def test_objects_are_told_in_order_with_the_members_of_lists() -> None:
    objects = release_objects(MANIFEST)
    assert [(o.kind, o.name, o.namespace) for o in objects] == [
        ("Service", "api", None),
        ("Deployment", "api", "other"),
        ("ConfigMap", "one", None),
        ("ConfigMap", "two", None),
        ("Pod", "check", None),
    ]
    assert [o.hook for o in objects] == [None, None, None, None, "test"]
    assert str(objects[1]) == "Deployment api in other"
    assert objects[1].api_version == "apps/v1"


def test_an_empty_manifest_has_no_objects() -> None:
    assert release_objects("") == []


def test_what_is_no_yaml_is_told() -> None:
    with pytest.raises(yaml.YAMLError):
        release_objects("a: [")


def test_what_two_manifests_do_not_have_alike() -> None:
    text = "kind: A\nmetadata: {name: x}\nspec: %d\n---\nkind: B\nmetadata: {name: %s}\n"
    one, other = release_objects(text % (1, "y")), release_objects(text % (2, "z"))
    assert differences(one, one) == []
    assert differences(one, other) == [
        "A x is not the same",
        "B y is in one only",
        "B z is in one only",
    ]
