"""Images that a chart runs and its project does not build."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from harness.chart import Chart
from harness.clusters.loading import name_images
from harness.elsewhere import ensure_from_elsewhere
from harness.kube.pods import whole_name
from harness.supply.bases import BaseUnknownError

_MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      initContainers: [{name: wait, image: "busybox:1.36"}]
      containers: [{name: api, image: "docker.io/library/shop-api:1"}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec: {template: {spec: {containers: [{name: db, image: "postgres:17"}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: asks
  annotations: {helm.sh/hook: test}
spec:
  containers: [{name: curl, image: curlimages/curl}, {name: wait, image: "busybox:1.36"}]
"""


def test_images_from_elsewhere_and_whether_they_are_needed() -> None:
    assert _Chart().images_from_elsewhere({"a": 1}, ["shop-api:1"]) == {
        "busybox:1.36": True,
        "postgres:17": True,
        "curlimages/curl": False,
    }


class _Chart(Chart):
    """A chart whose rendering is known."""

    def __init__(self) -> None:
        """Need nothing of a run."""

    def rendered(self, values: Mapping[str, Any], kube_version: str | None = None) -> str:
        return _MANIFEST if values == {"a": 1} else ""


def _deployment(unknown: str = "", guest: object = None) -> Any:
    def ensure(name: str) -> Any:
        if name == unknown:
            raise BaseUnknownError(name, "no such host")
        return SimpleNamespace(ref=f"local/{name}")

    return SimpleNamespace(
        guest=guest,
        images=lambda: {"api": SimpleNamespace(ref="shop-api:1")},
        chart=_Chart(),
        outside=SimpleNamespace(bases=SimpleNamespace(ensure=ensure)),
        settings=SimpleNamespace(project=SimpleNamespace(chart_path="/shop/chart")),
    )


def test_each_is_had_or_made_under_another_name() -> None:
    assert ensure_from_elsewhere(_deployment(), {"a": 1}) == {
        "busybox:1.36": "local/busybox:1.36",
        "postgres:17": "local/postgres:17",
        "curlimages/curl": "local/curlimages/curl",
    }


def test_one_that_only_tests_run_may_be_missing() -> None:
    found = ensure_from_elsewhere(_deployment("curlimages/curl"), {"a": 1})
    assert "curlimages/curl" not in found
    with pytest.raises(BaseUnknownError) as caught:
        ensure_from_elsewhere(_deployment("postgres:17"), {"a": 1})
    assert caught.value.__notes__ == ["the chart runs it: /shop/chart"]


def test_a_cluster_that_is_not_ours_pulls_by_itself() -> None:
    assert ensure_from_elsewhere(_deployment(guest=object()), {"a": 1}) == {}


def test_every_node_finds_them_by_the_charts_names() -> None:
    ran: list[tuple[str, ...]] = []
    nodes: Any = [SimpleNamespace(run=lambda *argv: ran.append(argv)) for _ in range(2)]
    name_images(nodes, {"postgres:17": "deploy-supply/postgres:17-abc", "shop:1": "shop:1"})
    tag = ("ctr", "--namespace=k8s.io", "images", "tag", "--force")
    names = ("docker.io/deploy-supply/postgres:17-abc", "docker.io/library/postgres:17")
    assert ran == [(*tag, *names)] * 2


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("a/b:1", "docker.io/a/b:1"),
        ("host.io/b:1", "host.io/b:1"),
        ("localhost:5000/b", "localhost:5000/b:latest"),
    ],
)
def test_a_whole_name(name: str, whole: str) -> None:
    assert whole_name(name) == whole
