"""Runs that died, told from those that live, by the cluster's clock."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi

from harness.clusters.existing.lease import EXPIRES, NAME, Heartbeat, seen_at
from harness.clusters.existing.leftovers import TOOLS, runs, sweep
from harness.kube.client import Kube
from harness.kube.namespaces import (
    ForeignNamespaceError,
    delete_namespace,
    ensure_namespace,
    ours,
)
from harness.kube.tenancy import KEPT, OWNER, RUN, Tenancy
from harness.labels import MANAGED, ROLE

SPACES = "/api/v1/namespaces"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def stamp(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def namespace(name: str, run: str, age: float, **labels: str) -> dict[str, Any]:
    ours = {MANAGED: "true", RUN: run, OWNER: "ada_desk"} | labels
    return {"metadata": {"name": name, "labels": ours, "creationTimestamp": stamp(age)}}


def lease(age: float) -> dict[str, Any]:
    written = [{"manager": "x", "time": stamp(age)}]
    return {
        "metadata": {
            "name": NAME,
            "labels": {MANAGED: "true"},
            "creationTimestamp": stamp(5000),
            "managedFields": written,
        },
        # What the run's own clock says is of no account.
        "spec": {"renewTime": stamp(-100000)},
    }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects[SPACES] = {}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Kube:
    return Kube(
        api.kubeconfig(tmp_path),
        "fake",
        timeout=5,
        tenancy=Tenancy(labels={RUN: "mine", OWNER: "ada"}, shared=True),
    )


def put_run(api: FakeApi, run: str, age: float, sign: float | None, **labels: str) -> None:
    api.put(SPACES, namespace(f"{run}-app", run, age, **labels))
    api.put(SPACES, namespace(f"{run}-tools", run, age, **{ROLE: TOOLS}))
    if sign is not None:
        api.put(LEASES.format(f"{run}-tools"), lease(sign))
    else:
        api.objects[LEASES.format(f"{run}-tools")] = {}


def test_only_what_a_dead_run_has_left_is_removed(api: FakeApi, client: Kube) -> None:
    put_run(api, "dead", 5000, EXPIRES + 1)
    put_run(api, "alive", 5000, EXPIRES - 1)
    put_run(api, "young", EXPIRES - 1, None)
    put_run(api, "killed-early", EXPIRES + 1, None)
    put_run(api, "kept", 5000, 5000, **{KEPT: "true"})
    put_run(api, "mine", 5000, 5000)
    api.put(SPACES, {"metadata": {"name": "theirs", "labels": {}, "creationTimestamp": stamp(9e6)}})
    api.put(
        SPACES,
        {
            "metadata": {
                "name": "of-another-kind",
                "labels": {MANAGED: "true"},
                "creationTimestamp": stamp(9e6),
            }
        },
    )
    removed = sweep(client, NOW)
    assert sorted(removed) == ["dead-app", "dead-tools", "killed-early-app", "killed-early-tools"]
    left = {name.partition("-")[0] for name in api.objects[SPACES]}
    assert left == {"alive", "young", "kept", "mine", "theirs", "of"}


def test_a_run_is_told_of(api: FakeApi, client: Kube) -> None:
    put_run(api, "other", 500, 20)
    (run,) = runs(client)
    assert (run.name, run.owner, run.kept) == ("other", "ada_desk", False)
    assert run.silent(NOW) == 20


def test_the_last_writing_counts() -> None:
    assert seen_at(lease(7)) == NOW - timedelta(seconds=7)
    assert seen_at(namespace("a", "b", 9)) == NOW - timedelta(seconds=9)


def test_signs_of_life_are_given_until_the_end(api: FakeApi, client: Kube) -> None:
    path = LEASES.format("mine-tools")
    heartbeat = Heartbeat(client, "mine-tools", "ada", every=0.05)
    heartbeat.start()
    first = api.objects[path][NAME]["metadata"]["resourceVersion"]
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while api.objects[path][NAME]["metadata"]["resourceVersion"] == first:
        assert datetime.now(UTC) < deadline
    heartbeat.stop()
    last = api.objects[path][NAME]["metadata"]["resourceVersion"]
    assert api.objects[path][NAME]["spec"]["holderIdentity"] == "ada"
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())
    assert api.objects[path][NAME]["metadata"]["resourceVersion"] == last


def test_a_namespace_of_another_run_is_foreign(api: FakeApi, client: Kube) -> None:
    api.put(SPACES, namespace("other-app", "other", 10))
    with pytest.raises(ForeignNamespaceError):
        ensure_namespace(client, "other-app")
    with pytest.raises(ForeignNamespaceError):
        delete_namespace(client, "other-app")
    assert ours(client) == []


def test_a_namespace_bears_the_labels_of_the_run(api: FakeApi, client: Kube) -> None:
    api.put(f"{SPACES}/mine-app/serviceaccounts", {"metadata": {"name": "default"}})
    assert ensure_namespace(client, "mine-app")
    labels = api.objects[SPACES]["mine-app"]["metadata"]["labels"]
    assert labels == {MANAGED: "true", RUN: "mine", OWNER: "ada"}
    assert ours(client) == ["mine-app"]
