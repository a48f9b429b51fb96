"""Names that are taken on a cluster that exists."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from test_existing_checks import Shared
from test_existing_leftovers import LEASES, NOW, SPACES, lease, namespace, put_run

from harness.cache import Cache
from harness.clusters.existing.errors import NamespaceInUseError
from harness.clusters.existing.lease import EXPIRES
from harness.clusters.existing.options import Existing
from harness.clusters.existing.provider import ExistingProvider
from harness.kube.namespaces import ForeignNamespaceError
from harness.kube.tenancy import KEPT
from harness.progress import Progress


class Registry:
    """Takes whatever it is brought, and notes that it was asked."""

    pull = push = "registry.test"
    login = None
    hosts = ("registry.test",)

    def __init__(self) -> None:
        self.checked: list[str] = []

    def check(self, repository: str) -> None:
        self.checked.append(repository)


@pytest.fixture
def api() -> Iterator[Shared]:
    api = Shared()
    api.objects[SPACES] = {}
    api.answers[SPACES] = lambda _: {"metadata": {"creationTimestamp": NOW.isoformat()}}
    yield api
    api.close()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def provider(api: Shared, registry: Registry, tmp_path: Path) -> ExistingProvider:
    options = Existing(
        kubeconfig=api.kubeconfig(tmp_path),
        context="fake",
        registry="registry.test",
        registry_push="registry.test",
        registry_config=None,
        host_address="",
        url="",
        disruptive=False,
    )
    progress = Progress(stream=io.StringIO())
    return ExistingProvider(
        options,
        "mine",
        "app",
        cast("Any", registry),
        "shop",
        Cache(tmp_path),
        progress,
        tmp_path / "kubectl",
        lambda: "registry.test/probe:1",
    )


def test_cluster_and_registry_are_asked_before_anything_is_made(
    api: Shared, registry: Registry, provider: ExistingProvider
) -> None:
    provider.check()
    assert registry.checked == ["shop"]
    assert provider.version == "v1.34.4+cloud.1"
    assert api.objects[SPACES] == {}
    assert provider.delete() == []
    assert provider.keep() == []


@pytest.mark.parametrize("name", ["app", "app-tools"])
def test_a_namespace_of_somebody_else_is_refused(
    api: Shared, registry: Registry, provider: ExistingProvider, name: str
) -> None:
    api.put(SPACES, {"metadata": {"name": name, "labels": {"team": "theirs"}}})
    with pytest.raises(ForeignNamespaceError, match=name):
        provider.check()
    assert registry.checked == []


def test_a_namespace_of_a_run_at_work_is_refused(api: Shared, provider: ExistingProvider) -> None:
    put_run(api, "other", 500, 5)
    api.put(SPACES, namespace("app", "other", 500))
    with pytest.raises(NamespaceInUseError) as caught:
        provider.check()
    assert "ada_desk" in caught.value.seen
    assert "5 s ago" in caught.value.seen


def test_a_namespace_that_is_kept_is_refused(api: Shared, provider: ExistingProvider) -> None:
    api.put(SPACES, namespace("app", "other", 5000, **{KEPT: "true"}))
    with pytest.raises(NamespaceInUseError):
        provider.check()


def test_a_namespace_of_a_dead_run_is_removed_first(
    api: Shared, provider: ExistingProvider
) -> None:
    api.put(SPACES, namespace("app", "other", 5000))
    api.put(LEASES.format("app"), lease(EXPIRES + 5))
    provider.check()
    assert "app" not in api.objects[SPACES]
