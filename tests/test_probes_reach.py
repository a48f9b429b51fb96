"""Why one place does not reach a Service: each cause with its layer, place and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_support import FakeApi, endpoints, pod, service

from harness.kube.client import Kube
from harness.probes import unreachable
from harness.probes.reach import Reach
from harness.probes.results import Dns, Http, Tcp

BASE = "/api/v1/namespaces/shop"
PODS, SERVICES = f"{BASE}/pods", f"{BASE}/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
FOUND, OPEN = Dns(ok=True, addresses=("10.96.0.7",)), Tcp(ok=True)
REFUSED = Tcp(ok=False, error="refused", message="connection refused")


class There:
    """A place whose probes have these results."""

    namespace = "shop"

    def __init__(self, dns: Dns = FOUND, tcp: Tcp = OPEN, http: Http | None = None) -> None:
        self.found = (dns, tcp, http or Http(ok=True, status=200, body=b"well"))

    def dns(self, name: str) -> Dns:
        self.asked = name
        return self.found[0]

    def tcp(self, host: str, port: int) -> Tcp:
        assert (host, port) == (self.asked, port)
        return self.found[1]

    def http(self, method: str, url: str) -> Http:
        assert method == "GET"
        self.url = url
        return self.found[2]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    api = FakeApi()
    api.objects = {PODS: {}, SERVICES: {}, SLICES: {}}
    api.put(SERVICES, service("web"))
    api.put(SLICES, endpoints("web", "10.0.0.1"))
    named = {"ports": [{"containerPort": 8000}]}
    api.put(PODS, pod(ready=True, container=named))
    yield api
    api.close()


@pytest.fixture
def client(api: FakeApi, tmp_path: Path) -> Iterator[Kube]:
    with api.client(tmp_path) as client:
        yield client


def why(client: Kube, place: There, host: str = "web", port: int = 80) -> Any:
    with pytest.raises(unreachable.UnreachableError) as raised:
        Reach(place, client).call(host, port, "/ready")
    error = raised.value
    assert f"{host}:{port}" in error.needed
    assert error.seen.startswith(f"{error.layer}: ")
    assert error.looked
    assert error.fix
    return error


def test_a_call_that_is_answered(client: Kube) -> None:
    place = There()
    assert Reach(place, client).call("web", 80, "/ready").text == "well"
    assert place.url == "http://web:80/ready"


def test_a_name_that_nobody_has(client: Kube) -> None:
    nobody = Dns(ok=False, error="nxdomain")
    error = why(client, There(nobody), "api.shop.svc.cluster.local", 8000)
    assert isinstance(error, unreachable.NameUnknownError)
    assert (error.layer, error.service) == ("DNS", "api")
    assert "Services there: web" in error.seen


def test_a_dns_that_does_not_answer(client: Kube) -> None:
    error = why(client, There(Dns(ok=False, error="timeout", message="i/o timeout")))
    assert isinstance(error, unreachable.DnsSilentError)
    assert "i/o timeout" in error.seen


def test_a_port_that_the_service_does_not_offer(client: Kube) -> None:
    error = why(client, There(tcp=REFUSED), port=8000)
    assert isinstance(error, unreachable.PortNotOfferedError)
    assert "it offers 80" in error.seen


def test_a_selector_that_matches_nothing(api: FakeApi, client: Kube) -> None:
    api.put(SERVICES, service("web", selector={"app": "wbe"}))
    api.put(SLICES, endpoints("web"))
    error = why(client, There(tcp=REFUSED))
    assert isinstance(error, unreachable.NoEndpointsError)
    assert "no endpoints: no pod has the labels that it selects (app=wbe)" in error.seen
    assert "web-1: {" in error.seen
    assert error.service == "web"


def test_pods_that_are_not_ready(api: FakeApi, client: Kube) -> None:
    api.put(PODS, pod())
    api.put(SLICES, endpoints("web", "10.0.0.1", ready=False))
    error = why(client, There(tcp=REFUSED))
    assert isinstance(error, unreachable.NoEndpointsError)
    assert "no pod that it selects is Ready" in error.seen
    assert "web-1: Running; not ready" in error.seen


def test_a_target_port_where_nobody_listens(api: FakeApi, client: Kube) -> None:
    api.put(SERVICES, service("web", ports=[{"port": 80, "targetPort": 8001}]))
    error = why(client, There(tcp=REFUSED))
    assert isinstance(error, unreachable.NobodyListensError)
    assert "refused: it leads to port 8001 of its pods" in error.seen
    assert "its containers name port 8000" in error.seen


def test_packets_that_are_dropped(client: Kube) -> None:
    error = why(client, There(tcp=Tcp(ok=False, error="timeout", message="i/o timeout")))
    assert isinstance(error, unreachable.PacketsDroppedError)
    assert error.seen.startswith("TCP: denied: timeout")
    assert "10.0.0.1" in error.seen
    assert "NetworkPolicies" in error.fix


def test_a_host_outside(client: Kube) -> None:
    error = why(client, There(tcp=REFUSED), "database.example.internal", 5432)
    assert isinstance(error, unreachable.HostRefusedError)


def test_a_connection_without_an_answer(client: Kube) -> None:
    error = why(client, There(http=Http(ok=False, error="reset", message="EOF")))
    assert isinstance(error, unreachable.HttpBrokenError)
    assert "reset: EOF" in error.seen


@pytest.mark.parametrize(("status", "word"), [(403, "denied"), (503, "refused")])
def test_an_answer_that_is_a_refusal(client: Kube, status: int, word: str) -> None:
    error = why(client, There(http=Http(ok=True, status=status, body=b"not today")))
    assert isinstance(error, unreachable.HttpRefusedError)
    assert error.status == status
    assert f"HTTP: {word}: status {status}: not today" in error.seen
