"""Watching: nothing is missed over broken streams and forgotten versions."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kube_support import CONTEXT, FakeApi, until

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.errors import (
    ApiRefusedError,
    ApiUnreachableError,
    ConflictError,
    KubeconfigError,
    NotFoundError,
)
from harness.kube.resources import EVENT, POD, name_of
from harness.kube.waits import Hopeless, Pending, Ready, Verdict, WaitTimeoutError, wait_for
from harness.kube.watch import NotListedError, Watcher

PODS = "/api/v1/namespaces/shop/pods"
EVENTS = "/api/v1/namespaces/shop/events"


def named(name: str, **more: object) -> dict[str, object]:
    return {"metadata": {"name": name}, **more}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, EVENTS: {}}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def names(watcher: Watcher) -> list[str]:
    return sorted(map(name_of, watcher.state.snapshot()[0].all(POD)))


def test_importing_costs_no_kubernetes() -> None:
    code = (
        "import sys, harness.kube.release, harness.kube.replace, harness.kube.services, "
        "harness.clusters.kind, harness.probes.pod; "
        "sys.exit('kubernetes' in sys.modules or 'pykube' in sys.modules)"
    )
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


def test_client_speaks_to_the_named_context_only(api: FakeApi, tmp_path: Path) -> None:
    file = api.kubeconfig(tmp_path)
    with pytest.raises(KubeconfigError, match="another-one"):
        Kube(file, "another-one")
    with pytest.raises(KubeconfigError, match="no such file"):
        Kube(tmp_path / "missing", CONTEXT)


def test_client_gives_each_refusal_its_class(api: FakeApi, client: Kube) -> None:
    api.put(PODS, named("a"))
    with pytest.raises(NotFoundError) as missing:
        client.get(POD, "b", "shop")
    assert missing.value.status == 404
    assert "/pods/b" in missing.value.needed
    with pytest.raises(ConflictError, match="AlreadyExists"):
        client.create(POD, named("a"), "shop")
    api.refusals[PODS] = 403
    with pytest.raises(ApiRefusedError, match="as told"):
        client.list(POD, "shop")


def test_client_says_that_nobody_answers(api: FakeApi, client: Kube) -> None:
    api.close()
    with pytest.raises(ApiUnreachableError, match=str(api.port)):
        client.list(POD, "shop")


def test_client_adds_what_the_machine_knows(api: FakeApi, client: Kube) -> None:
    api.close()
    asking = Kube(client.kubeconfig, client.context, witness=lambda: "the node is stopped")
    with pytest.raises(ApiUnreachableError) as error:
        asking.list(POD, "shop")
    assert error.value.__notes__ == ["the node is stopped"]


def test_client_tries_a_refused_connection_again(api: FakeApi, client: Kube) -> None:
    patient = Kube(client.kubeconfig, client.context, patience=10)
    api.close()
    late = threading.Timer(0.4, api.reopen)
    late.start()
    try:
        assert patient.list(POD, "shop") == []
    finally:
        late.join()


def test_client_sends_nothing_twice(api: FakeApi, client: Kube) -> None:
    patient = Kube(client.kubeconfig, client.context, patience=10, timeout=0.2)
    api.answers[PODS] = lambda obj: time.sleep(0.5) or obj
    with pytest.raises(ApiUnreachableError):
        patient.create(POD, named("a"), "shop")
    assert [method for method, _ in api.requests] == ["POST"]


def test_list_names_what_a_list_leaves_out(api: FakeApi, client: Kube) -> None:
    assert client.list(POD, "shop") == [], "items: null is an empty list"
    api.put(PODS, named("a"))
    assert client.list(POD, "shop")[0]["kind"] == "Pod"


def test_watch_sees_changes_in_order(api: FakeApi, client: Kube) -> None:
    api.put(PODS, named("a"))
    with Watcher(client, "shop", (POD, EVENT)) as watcher:
        assert names(watcher) == ["a"]
        api.put(PODS, named("b"))
        api.put(PODS, named("b", spec={}))
        api.remove(PODS, "a")
        until(lambda: len(watcher.state.history) == 3)
        told = [(change.type, change.name) for change in watcher.state.history]
        assert told == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
        assert names(watcher) == ["b"]
        assert watcher.state.snapshot()[0].before == {"uid-a"}
    assert not [t for t in threading.enumerate() if t.name.startswith("watch-")]


def test_watch_goes_on_where_a_broken_stream_ended(api: FakeApi, client: Kube) -> None:
    with Watcher(client, "shop", (POD,)) as watcher:
        until(lambda: api.asked(PODS, watch=True) == 1)
        api.cut()
        api.put(PODS, named("a"))
        until(lambda: names(watcher) == ["a"])
        assert api.asked(PODS) == 1, "it was listed again, though its version was good"


def test_watch_lists_again_when_its_version_is_gone(api: FakeApi, client: Kube) -> None:
    api.put(PODS, named("old"))
    api.put(PODS, named("kept"))
    with Watcher(client, "shop", (POD,)) as watcher:
        until(lambda: api.asked(PODS, watch=True) == 1)
        api.remove(PODS, "old")
        until(lambda: names(watcher) == ["kept"])
        api.objects[PODS].pop("kept")  # while nobody looks
        api.put(PODS, named("new"))
        api.compact()
        api.cut()
        until(lambda: names(watcher) == ["new"])
        assert api.asked(PODS) == 2
        told = [(change.type, change.name) for change in watcher.state.history]
        assert told.count(("DELETED", "kept")) == 1
        assert told.count(("ADDED", "new")) == 1


def test_watch_is_stopped_at_once_while_it_waits_for_a_line(api: FakeApi, client: Kube) -> None:
    watcher = Watcher(client, "shop", (POD, EVENT)).__enter__()
    until(lambda: api.asked(PODS, watch=True) == 1 and api.asked(EVENTS, watch=True) == 1)
    started = time.monotonic()
    watcher.stop()
    assert time.monotonic() - started < 3, "a stream was waited for"


def test_watch_does_not_spin_on_a_server_that_ends_it(api: FakeApi, client: Kube) -> None:
    with Watcher(client, "shop", (POD,)):
        for _ in range(5):
            api.cut()
            time.sleep(0.04)
        assert api.asked(PODS, watch=True) < 6


def test_watch_of_what_may_not_be_read_fails(api: FakeApi, client: Kube) -> None:
    api.refusals[PODS] = 403
    with pytest.raises(ApiRefusedError, match="as told"):
        Watcher(client, "shop", (POD,)).__enter__()


def test_watch_of_an_unknown_kind_is_empty(api: FakeApi, client: Kube) -> None:
    del api.objects[EVENTS]
    with Watcher(client, "shop", (POD, EVENT)) as watcher:
        assert watcher.state.snapshot()[0].all(EVENT) == []


def test_watch_that_cannot_begin_says_what_it_tried(api: FakeApi, client: Kube) -> None:
    api.refusals[PODS] = 500
    with pytest.raises(NotListedError, match="500"):
        Watcher(client, "shop", (POD,), timeout=0.4).__enter__()


@dataclass(frozen=True)
class Has:
    """Waits for a pod; a pod named `doom` makes it hopeless."""

    name: str
    recheck: float = float("inf")

    def describe(self) -> str:
        return f"pod {self.name}"

    def evaluate(self, snapshot: object, details: object) -> Verdict:
        found = {name_of(p) for p in snapshot.all(POD)}  # type: ignore[attr-defined]
        if "doom" in found:
            other = DeployError(needed="b", seen="too", looked="-", fix="-")
            return Hopeless(DeployError(needed="a", seen="it", looked="-", fix="-"), [other])
        return Ready() if self.name in found else Pending(f"{sorted(found)}", self.recheck)


def test_wait_ends_when_it_is_ready(api: FakeApi, client: Kube) -> None:
    seen: list[str] = []
    with Watcher(client, "shop", (POD,)) as watcher:
        threading.Timer(0.1, api.put, (PODS, named("a"))).start()
        threading.Timer(0.2, api.put, (PODS, named("b"))).start()
        waited = wait_for(Has("b"), watcher, 10, on_pending=seen.append)
    assert waited.seconds < 5
    assert seen == ["[]", "['a']"]


def test_wait_ends_at_once_when_it_is_hopeless(api: FakeApi, client: Kube) -> None:
    with Watcher(client, "shop", (POD,)) as watcher:
        threading.Timer(0.1, api.put, (PODS, named("doom"))).start()
        with pytest.raises(DeployError, match="it") as caught:
            wait_for(Has("b"), watcher, 30)
    assert caught.value.__notes__ == ["also: b: too"]


def test_wait_that_times_out_tells_all_it_knows(api: FakeApi, client: Kube) -> None:
    spec = {"containers": [{"name": "main"}]}
    pod = api.put(PODS, {"metadata": {"name": "a", "namespace": "shop"}, "spec": spec})
    gone = {"kind": "Pod", "name": "x", "uid": "uid-x"}
    about = {"kind": "Pod", "name": "a", "uid": pod["metadata"]["uid"]}
    api.put(EVENTS, named("e", reason="Pulled", message="it is here", involvedObject=about))
    api.put(EVENTS, named("f", reason="Killed", message="long ago", involvedObject=gone))
    api.texts[f"{PODS}/a/log"] = "first\nlast\n"
    with (
        Watcher(client, "shop", (POD, EVENT)) as watcher,
        pytest.raises(WaitTimeoutError) as caught,
    ):
        wait_for(Has("b"), watcher, 0.1)
    assert "pod b within 0 s" in caught.value.needed
    for words in ("['a']", "Pulled Pod/a: it is here", "last lines of a/main", "  last"):
        assert words in caught.value.seen
    assert "long ago" not in caught.value.seen, "what is gone only distracts"


def test_wait_is_ended_from_another_thread(api: FakeApi, client: Kube) -> None:
    error = DeployError(needed="Helm", seen="refused", looked="-", fix="-")
    with Watcher(client, "shop", (POD,)) as watcher:
        threading.Timer(0.1, watcher.state.interrupt, (error,)).start()
        with pytest.raises(DeployError, match="refused"):
            wait_for(Has("b"), watcher, 30)


def test_wait_gives_up_on_an_api_that_is_silent(
    api: FakeApi, client: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.kube.waits._UNREACHABLE", 0.3)
    with Watcher(client, "shop", (POD,)) as watcher:
        until(lambda: api.asked(PODS, watch=True) == 1)
        api.close()
        with pytest.raises(ApiUnreachableError):
            wait_for(Has("b"), watcher, 30)
