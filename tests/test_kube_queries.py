"""What steps ask of a cluster: Services by role, namespaces of ours, replaced pods, bundles."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kube_support import (
    CONTEXT,
    FakeApi,
    FakeDetails,
    deployment,
    endpoints,
    event,
    pod,
    service,
    snapshot,
    until,
    waiting,
)

from harness.errors import DeployError
from harness.kube import causes, diagnosis
from harness.kube.client import Kube
from harness.kube.cluster import DnsReady, NodesReady, node_ready
from harness.kube.details import Details
from harness.kube.errors import ApiRefusedError
from harness.kube.logs import logs
from harness.kube.namespaces import (
    ForeignNamespaceError,
    delete_namespace,
    ensure_namespace,
    ours,
    temporary_namespace,
)
from harness.kube.pods import containers, pod_of, pods_of_release
from harness.kube.replace import NothingToReplaceError, replace_pods
from harness.kube.resources import DEPLOYMENT
from harness.kube.restarts import restart_counts, restarts
from harness.kube.selection import INSTANCE, OfRelease, query, words
from harness.kube.services import (
    ImageNotRunningError,
    ServiceAmbiguousError,
    ServiceNotFoundError,
    service_for_image,
    services_of_release,
)
from harness.kube.tenancy import Tenancy
from harness.kube.waits import Pending, Ready, Verdict, WaitTimeoutError
from harness.labels import MANAGED
from harness.redact import MASK, Redactor
from harness.release import Release

BASE = "/api/v1/namespaces/shop"
PODS, SERVICES, EVENTS = f"{BASE}/pods", f"{BASE}/services", f"{BASE}/events"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
SPACES = "/api/v1/namespaces"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, SERVICES: {}, SLICES: {}, EVENTS: {}, SPACES: {}}
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def test_service_is_found_by_the_image_behind_it(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod(ready=True))
    api.put(PODS, pod("db-1", ready=True, container={"image": "db:1"}, labels={"app": "db"}))
    api.put(SERVICES, service("web-svc", type="NodePort", ports=[{"port": 80, "nodePort": 30080}]))
    api.put(SERVICES, service("db-svc", selector={"app": "db"}))
    api.put(SLICES, endpoints("web-svc", "10.0.0.1"))
    found = service_for_image(client, "shop", "shop", "shop-api:1")
    assert (found.name, found.type, found.ready) == ("web-svc", "NodePort", ("10.0.0.1",))
    assert (found.ports[0].port, found.ports[0].target, found.ports[0].node_port) == (
        80,
        "80",
        30080,
    )
    assert found.fqdn == "web-svc.shop.svc"
    assert found.images == {"shop-api:1"}


def test_service_that_mixes_two_deployments_shows_it(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod(ready=True))
    api.put(PODS, pod("b", container={"image": "other:1"}))
    api.put(SERVICES, service())
    assert services_of_release(client, "shop", "shop")[0].images == {"shop-api:1", "other:1"}


def test_service_of_a_role_that_cannot_be_told(api: FakeApi, client: Kube) -> None:
    with pytest.raises(ImageNotRunningError, match="no pod at all"):
        service_for_image(client, "shop", "shop", "shop-api:1")
    api.put(PODS, pod(ready=True))
    api.put(SERVICES, service("db", selector={"app": "db"}))
    with pytest.raises(ServiceNotFoundError, match="db: selector"):
        service_for_image(client, "shop", "shop", "shop-api:1")
    for name in ("one", "two"):
        api.put(SERVICES, service(name))
    with pytest.raises(ServiceAmbiguousError, match="one, two"):
        service_for_image(client, "shop", "shop", "shop-api:1")


def test_pods_tell_what_a_step_asserts_on(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod(ready=True, restarts=2))
    (found,) = pods_of_release(client, "shop", "shop")
    assert (found.phase, found.ready, found.restarts) == ("Running", True, 2)
    assert found.images == ("shop-api:1",)
    assert found.containers[0].image_id == "sha256:1"
    asked = [path for method, path in api.requests if method == "GET"]
    assert f"labelSelector=%21{MANAGED}" in asked[-1]


def test_what_is_not_labelled_belongs_to_the_release(api: FakeApi, client: Kube) -> None:
    def labelled(name: str, labels: dict[str, str]) -> dict[str, Any]:
        made = pod(name)
        made["metadata"]["labels"] = labels
        return made

    api.put(PODS, labelled("plain", {"app": "web"}))
    api.put(PODS, labelled("ours", {MANAGED: "true", INSTANCE: "shop"}))
    api.put(PODS, labelled("theirs", {INSTANCE: "bank"}))
    of_job = labelled("job", {"app": "web"})
    of_job["metadata"]["ownerReferences"] = [{"kind": "Job", "uid": "j", "name": "j"}]
    api.put(PODS, of_job)
    assert [found.name for found in pods_of_release(client, "shop", "shop")] == ["plain"]
    there = [labelled("plain", {}), labelled("theirs", {INSTANCE: "bank"})]
    assert [p["metadata"]["name"] for p in snapshot(*there).pods(OfRelease("shop"))] == ["plain"]
    assert words(OfRelease("shop")) == "what belongs to release shop"
    assert (words({"a": "b"}), query({"a": "b", "c": "d"})) == ("a=b", "a=b,c=d")


def namespace(name: str, *, managed: bool = True, phase: str = "Active") -> dict[str, Any]:
    labels = {MANAGED: "true"} if managed else {}
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": phase}}


def with_account(api: FakeApi, name: str) -> None:
    api.put(f"{SPACES}/{name}/serviceaccounts", {"metadata": {"name": "default"}})


def test_who_is_stricter_with_the_pods_of_a_namespace_stays_so(
    api: FakeApi, tmp_path: Path
) -> None:
    key = "pod-security.kubernetes.io/enforce"
    tenancy = Tenancy(labels={key: "baseline", "a": "b"})
    client = Kube(api.kubeconfig(tmp_path), CONTEXT, timeout=5, tenancy=tenancy)
    there = namespace("mine")
    there["metadata"]["labels"][key] = "restricted"
    api.put(SPACES, there)
    with_account(api, "mine")
    ensure_namespace(client, "mine")
    assert api.objects[SPACES]["mine"]["metadata"]["labels"] == {
        **{MANAGED: "true", key: "restricted"},
        "a": "b",
    }
    ensure_namespace(client, "mine", labels={key: "privileged"})
    assert api.objects[SPACES]["mine"]["metadata"]["labels"][key] == "privileged"


def test_namespace_is_made_with_our_label(api: FakeApi, client: Kube) -> None:
    api.objects[f"{SPACES}/mine/serviceaccounts"] = {}
    threading.Timer(0.1, with_account, (api, "mine")).start()
    assert ensure_namespace(client, "mine", labels={"a": "b"}) is True
    assert api.objects[SPACES]["mine"]["metadata"]["labels"] == {"a": "b", MANAGED: "true"}
    assert ensure_namespace(client, "mine") is False
    assert ours(client) == ["mine"]


def test_namespace_of_somebody_else_is_left_alone(api: FakeApi, client: Kube) -> None:
    api.put(SPACES, namespace("theirs", managed=False))
    with pytest.raises(ForeignNamespaceError, match="theirs"):
        ensure_namespace(client, "theirs")
    with pytest.raises(ForeignNamespaceError, match="delete it"):
        delete_namespace(client, "theirs")
    assert "theirs" in api.objects[SPACES]


def test_namespace_that_is_going_is_waited_for(api: FakeApi, client: Kube) -> None:
    api.put(SPACES, namespace("mine", phase="Terminating"))
    with_account(api, "mine")
    threading.Timer(0.2, api.remove, (SPACES, "mine")).start()
    assert ensure_namespace(client, "mine") is True


def test_namespace_lives_for_a_block(api: FakeApi, client: Kube) -> None:
    with_account(api, "mine")
    with temporary_namespace(client, "mine"):
        assert "mine" in api.objects[SPACES]
    assert "mine" not in api.objects[SPACES]
    assert delete_namespace(client, "mine") == 0.0


def test_namespace_that_does_not_go_says_what_holds_it(api: FakeApi, client: Kube) -> None:
    stuck = namespace("mine", phase="Terminating")
    words = "Some content has finalizers: shop.example/guard"
    kind = "NamespaceFinalizersRemaining"
    stuck["status"]["conditions"] = [{"type": kind, "status": "True", "message": words}]
    api.put(SPACES, stuck)
    with pytest.raises(WaitTimeoutError, match=r"shop\.example/guard"):
        ensure_namespace(client, "mine", timeout=0.2)


def test_pods_are_replaced_and_timed(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod("old", ready=True))
    api.put(PODS, pod("other", ready=True, labels={"app": "db"}))

    def succeed() -> None:
        until(lambda: "old" not in api.objects[PODS])
        api.put(PODS, pod("new"))
        api.put(PODS, pod("new", ready=True))

    thread = threading.Thread(target=succeed)
    thread.start()
    found = replace_pods(client, "shop", {"app": "web"}, timeout=20)
    thread.join()
    assert ([p.name for p in found.old], [p.name for p in found.new]) == (["old"], ["new"])
    assert 0 < found.seconds < 20
    assert "other" in api.objects[PODS]


def test_replacement_that_is_hopeless_ends_at_once(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod("old", ready=True))

    def fail() -> None:
        until(lambda: "old" not in api.objects[PODS])
        api.put(PODS, pod("new", state=waiting("ErrImageNeverPull")))

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(causes.ImagePullError):
        replace_pods(client, "shop", {"app": "web"}, timeout=60)
    thread.join()


def test_nothing_to_replace(client: Kube) -> None:
    with pytest.raises(NothingToReplaceError, match="ghost"):
        replace_pods(client, "shop", {"app": "ghost"})


def test_restart_is_told_with_its_reason_and_last_words() -> None:
    last = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:00Z"}
    pods = [pod_of(pod("calm", ready=True)), pod_of(pod(ready=True, restarts=2, last=last))]
    details: Any = FakeDetails("allocating", "more")
    (found,) = restarts(pods, details)
    assert (found.pod, found.container, found.count) == ("web-1", "main", 2)
    assert (found.exit_code, found.reason, found.log) == (137, "OOMKilled", ("allocating", "more"))
    assert "restarted 2 times, last at 2026-01-01T00:00:00Z: OOMKilled" in found.describe()
    assert "| more" in found.describe()


def test_restarts_from_before_are_not_told_again() -> None:
    last = {"exitCode": 255, "reason": "Unknown", "finishedAt": "2026-01-01T00:00:00Z"}
    details: Any = FakeDetails("shutting down")
    known = restart_counts([pod_of(pod(ready=True, restarts=3, last=last))])
    assert known == {("uid-web-1", "main"): 3}
    assert restarts([pod_of(pod(ready=True, restarts=3, last=last))], details, known) == []
    again = pod_of(pod(ready=True, restarts=4, last=last))
    (found,) = restarts([again], details, known)
    assert found.count == 1
    assert "restarted once, last at 2026-01-01T00:00:00Z: Unknown" in found.describe()
    (found,) = restarts([pod_of(pod("new", ready=True, restarts=2, last=last))], details, known)
    assert (found.pod, found.count) == ("new", 2)


def test_release_tells_the_restarts_of_its_run(api: FakeApi, client: Kube) -> None:
    project: Any = None  # not needed to find the pods
    before = restart_counts([pod_of(pod("old", ready=True, restarts=5))])
    release = Release(
        client,
        project,
        "shop",
        "shop",
        {},
        rollout_seconds=1,
        total_seconds=2,
        restarts_before=before,
        redact=Redactor({"t0psecret"}),
    )
    api.put(PODS, pod("old", ready=True, restarts=5))
    api.put(PODS, pod("new", ready=True))
    assert release.restarts() == []
    last = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}
    api.put(PODS, pod("new", ready=True, restarts=1, last=last))
    api.texts[f"{PODS}/new/log"] = "cannot open t0psecret\n"
    (found,) = release.restarts()
    assert (found.pod, found.container, found.count) == ("new", "main", 1)
    assert found.log[0].startswith("cannot open ")
    assert "t0psecret" not in found.describe()


def test_lag_of_a_watch_is_seen(api: FakeApi, client: Kube) -> None:
    labels = {"app.kubernetes.io/instance": "shop"}
    folder = "/apis/apps/v1/namespaces/shop/deployments"
    api.put(folder, deployment())
    details = Details(client)
    assert details.behind(snapshot(deployment()), [DEPLOYMENT], labels) == ""
    api.put(folder, deployment(generation=2))
    assert details.behind(snapshot(deployment()), [DEPLOYMENT], labels) == "deployment web"
    assert details.behind(snapshot(), [DEPLOYMENT], labels) == "deployment web"
    api.remove(folder, "web")
    assert details.behind(snapshot(deployment()), [DEPLOYMENT], labels) == "deployment web"


def test_log(api: FakeApi, client: Kube) -> None:
    api.texts[f"{PODS}/web-1/log"] = "line\n"
    assert logs(client, "shop", "web-1", "main", tail=5, previous=True) == "line\n"
    assert "tailLines=5" in api.requests[-1][1]
    assert "previous=true" in api.requests[-1][1]
    with pytest.raises(ApiRefusedError, match="no such run"):
        logs(client, "shop", "web-2")


def test_diagnosis_tells_causes_first_and_no_secret(
    api: FakeApi, client: Kube, tmp_path: Path
) -> None:
    broken = pod(state=waiting("CrashLoopBackOff"), restarts=1, last={"exitCode": 3})
    api.put(PODS, broken)
    api.put(SERVICES, service())
    api.put(EVENTS, event(broken, "BackOff", "restarting, with t0psecret"))
    api.put(EVENTS, event(broken, "Scheduled", "assigned", seconds=30))
    api.texts[f"{PODS}/web-1/log"] = "boom t0psecret\n"
    data = {"metadata": {"name": "s"}, "data": {"key": "dmFsdWU="}}
    api.put(f"{BASE}/secrets", data)
    api.refusals["/apis/apps/v1/namespaces/shop/deployments"] = 403
    error = DeployError(needed="all", seen="t0psecret", looked="-", fix="-")
    found = diagnosis.write(
        tmp_path / "d", client, "shop", redact=Redactor(["t0psecret"]), error=error
    )
    summary = (tmp_path / "d/summary.txt").read_text()
    order = [
        "THE ERROR",
        "CAUSES",
        "exit code 3",
        "PODS",
        "NO READY ENDPOINT",
        "assigned",
        "restarting",
    ]
    places = [summary.index(words) for words in order]
    assert places == sorted(places)
    assert any("exit code 3" in cause for cause in found.causes)
    assert any(line.startswith("deployments: ") for line in found.unread), "left out in silence"
    assert "deployments: " in summary
    secret = (tmp_path / "d/objects/secret-s.yaml").read_text()
    assert MASK in secret
    assert "dmFsdWU=" not in secret
    assert (tmp_path / "d/logs/web-1-main.log").read_text() == f"boom {MASK}\n"
    assert (tmp_path / "d/logs/web-1-main-previous.log").exists()
    everything = "".join(f.read_text() for f in (tmp_path / "d").rglob("*") if f.is_file())
    assert "t0psecret" not in everything


def test_diagnosis_of_a_cluster_that_is_gone_still_says_so(
    api: FakeApi, client: Kube, tmp_path: Path
) -> None:
    api.close()
    found = diagnosis.write(tmp_path / "d", client, "shop", redact=Redactor())
    assert len(found.unread) > 5
    assert "COULD NOT BE READ" in (tmp_path / "d/summary.txt").read_text()


def node(status: str, heartbeat: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    ready = {
        "type": "Ready", "status": status, "message": "cni is not there",
        "lastHeartbeatTime": heartbeat,
    }  # fmt: skip
    return {"kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": [ready]}}


def judge(wait: Any, *objects: dict[str, Any]) -> Verdict:
    found: Verdict = wait.evaluate(snapshot(*objects), FakeDetails())
    return found


def test_nodes_are_ready_by_fresh_news_only() -> None:
    assert isinstance(judge(NodesReady()), Pending)
    assert "cni" in judge(NodesReady(), node("False")).seen  # type: ignore[union-attr]
    assert isinstance(judge(NodesReady(), node("True")), Ready)
    started = datetime(2026, 1, 2, tzinfo=UTC)
    assert "no word since" in judge(NodesReady(started), node("True")).seen  # type: ignore[union-attr]
    news = node("True", "2026-01-02T00:00:01Z")
    assert isinstance(judge(NodesReady(started), news), Ready)


def test_dns_is_ready_by_fresh_pods_only() -> None:
    dns = pod("coredns", ready=True, labels={"k8s-app": "kube-dns"})
    assert "none yet" in judge(DnsReady()).seen  # type: ignore[union-attr]
    assert isinstance(judge(DnsReady(), dns), Ready)
    assert isinstance(judge(DnsReady(datetime(2026, 1, 3, tzinfo=UTC)), dns), Pending)


def test_api_that_has_just_started_refuses_for_a_moment(api: FakeApi, client: Kube) -> None:
    api.texts["/readyz"] = "ok"
    api.put("/api/v1/nodes", node("True"))
    api.refusals["/api/v1/nodes"] = 403
    threading.Timer(0.3, api.refusals.clear).start()
    node_ready(client, 10)


def test_api_that_never_answers_is_said(api: FakeApi, client: Kube) -> None:
    api.refusals["/readyz"] = 401
    with pytest.raises(ApiRefusedError, match="401"):
        node_ready(client, 30)
    api.refusals["/readyz"] = 503
    with pytest.raises(ApiRefusedError, match="503"):
        node_ready(client, 0.3)


def test_images_of_the_same_repository_that_a_node_has(api: FakeApi, client: Kube) -> None:
    names = [
        "registry.test/library/shop:2",
        "registry.test/library/shop@sha256:1",
        "me/shop:3",
        "shopper:1",
    ]
    status = {"images": [{"names": names}]}
    api.put("/api/v1/nodes", {"metadata": {"name": "n"}, "status": status})
    assert Details(client).images_like("shop:1") == ["registry.test/library/shop:2"]
    assert Details(client).images_like("me/shop") == ["me/shop:3"]
    assert Details(client).images_like("reg:5000/shop:1") == []


def test_keys_that_are_there_instead_of_a_missing_one(api: FakeApi, client: Kube) -> None:
    api.put(f"{BASE}/secrets", {"metadata": {"name": "db"}, "data": {"uri": "eA==", "a": "eA=="}})
    about = pod()
    words = "couldn't find key url in Secret shop/db"
    assert Details(client).keys_beside(about, words) == ["a", "uri"]
    assert Details(client).keys_beside(about, words.replace("db", "gone")) == []
    assert Details(client).keys_beside(about, 'secret "db" not found') == []


def test_last_words_are_those_of_the_run_that_ended_last(api: FakeApi, client: Kube) -> None:
    api.texts[f"{PODS}/web-1/log"] = "words\n"
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}

    def asked(obj: dict[str, Any]) -> str:
        api.requests.clear()
        assert Details(client).last_words(obj, containers(obj)[0]) == ["words"]
        return api.requests[-1][1]

    assert "previous" not in asked(pod(state={"terminated": ended}))
    assert "previous=true" in asked(pod(state=waiting("CrashLoopBackOff"), last=ended))
    api.texts[f"{PODS}/web-1/log"] = "failed to try resolving symlinks in path: lstat: no such file"
    about = pod(state={"terminated": ended})
    assert Details(client).last_words(about, containers(about)[0]) == [], "a log that is gone"
