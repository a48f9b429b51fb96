"""Pods of namespaces that go: told to end once each, those that come meanwhile, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from kube_support import FakeApi, FakeDetails, deployment, pod, snapshot

from harness.kube.client import Kube
from harness.kube.emptying import EndedOrNew, end_pods
from harness.kube.waits import Pending, Ready

PODS = "/api/v1/namespaces/shop/pods"
MAKERS = "/apis/apps/v1/namespaces/shop"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, f"{MAKERS}/deployments": {}, f"{MAKERS}/statefulsets": {}}
    yield api
    api.close()


@pytest.fixture
def kube(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def ended(api: FakeApi) -> list[str]:
    return [
        path.rpartition("/")[2].partition("?")[0] for way, path in api.requests if way == "DELETE"
    ]


def test_makers_and_then_pods_are_ended(api: FakeApi, kube: Kube) -> None:
    api.put(f"{MAKERS}/deployments", deployment("web"))
    api.put(PODS, pod("web-1"))
    api.put(PODS, pod("web-2"))
    assert end_pods(kube, ["shop"])
    assert ended(api) == ["web", "web-1", "web-2"]
    assert api.asked(PODS) == 1  # then it is watched


def test_a_namespace_without_pods_is_not_waited_for(api: FakeApi, kube: Kube) -> None:
    assert end_pods(kube, ["shop"])
    assert end_pods(kube, [])
    assert ended(api) == []


def test_one_that_comes_while_others_end_is_ended_too(
    api: FakeApi, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put(PODS, pod("web-1"))
    goes = api.remove

    def lingers(collection: str, name: str) -> None:
        """The first goes only after its successor was there."""
        if name == "web-1":
            Timer(0.1, lambda: api.put(PODS, pod("web-2"))).start()
            Timer(0.3, lambda: goes(collection, name)).start()
        else:
            goes(collection, name)

    monkeypatch.setattr(api, "remove", lingers)
    assert end_pods(kube, ["shop"])
    assert ended(api) == ["web-1", "web-2"]


def test_one_that_does_not_end_is_told_once_and_not_waited_for_long(
    api: FakeApi, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.put(PODS, pod("web-1"))
    monkeypatch.setattr(api, "remove", lambda *_: None)
    assert not end_pods(kube, ["shop"], within=0.3)
    assert ended(api) == ["web-1"]


def test_the_wait_says_what_is_left() -> None:
    there, details = snapshot(pod("web-1")), FakeDetails()
    assert isinstance(EndedOrNew().evaluate(there, details), Ready)  # type: ignore[arg-type]
    verdict = EndedOrNew(frozenset({"uid-web-1"})).evaluate(there, details)  # type: ignore[arg-type]
    assert isinstance(verdict, Pending)
    assert "web-1" in verdict.seen
    gone = EndedOrNew(frozenset({"uid-web-1"})).evaluate(snapshot(), details)  # type: ignore[arg-type]
    assert isinstance(gone, Ready)
