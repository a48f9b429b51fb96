"""A rolled out Service that stays closed: its cause is asked for early, and ends the wait."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kube_support import FakeApi

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.services import Port, Service, ServiceAmbiguousError
from harness.ports import free_port
from harness.probes.opening import wait_until_open, why_closed
from harness.probes.outside import NotAnsweringError
from harness.probes.results import Dns, Http, Tcp
from harness.probes.unreachable import HttpRefusedError, NameUnknownError

WEB = Service(
    "web",
    "shop",
    "NodePort",
    (Port("metrics", 9090, "9090", None), Port("http", 80, "8000", 30080)),
    {},
    (),
    (),
)


@dataclass
class There:
    """A place that resolves every name, or none, and gets this answer."""

    answer: Http
    resolves: bool = True
    namespace: str = "shop"

    def dns(self, name: str) -> Dns:
        return Dns(ok=True) if self.resolves else Dns(ok=False, error="nxdomain", message=name)

    def tcp(self, host: str, port: int) -> Tcp:
        return Tcp(ok=(host, port) == ("web", 80))

    def http(self, method: str, url: str) -> Http:
        assert (method, url) == ("GET", "http://web:80/ready")
        return self.answer


@dataclass
class Shop:
    """A release with one role, whose Service is found or is not."""

    kube: Kube
    ambiguous: bool = False

    def service(self, role: str) -> Service:
        if self.ambiguous:
            raise ServiceAmbiguousError(role, "release shop", ["one", "other"])
        return WEB


@pytest.fixture
def kube(tmp_path: Path) -> Iterator[Kube]:
    api = FakeApi()
    api.objects = {"/api/v1/namespaces/shop/services": {}}
    with api.client(tmp_path) as client:
        yield client
    api.close()


def why(shop: Shop, place: There | DeployError) -> DeployError | None:
    @contextlib.contextmanager
    def there() -> Iterator[There]:
        if isinstance(place, DeployError):
            raise place
        yield place

    return why_closed(shop, "frontend", "/ready", there)


def test_what_it_answers_inside_is_the_cause(kube: Kube) -> None:
    cause = why(Shop(kube), There(Http(ok=True, status=503, body=b"no schema")))
    assert isinstance(cause, HttpRefusedError)
    assert "503: no schema" in cause.seen
    assert isinstance(why(Shop(kube), There(Http(ok=False), resolves=False)), NameUnknownError)


def test_services_that_are_mixed_up_are_the_cause(kube: Kube) -> None:
    well = There(Http(ok=True, status=200))
    assert isinstance(why(Shop(kube, ambiguous=True), well), ServiceAmbiguousError)


def test_nothing_is_known_when_all_is_well_inside_or_nobody_can_look(kube: Kube) -> None:
    assert why(Shop(kube), There(Http(ok=True, status=200))) is None
    nobody = DeployError(needed="a pod", seen="none", looked="here", fix="wait")
    assert why(Shop(kube), nobody) is None


def test_a_known_cause_ends_the_wait_and_an_unknown_one_does_not() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    known = DeployError(needed="a pod", seen="none", looked="here", fix="wait")
    with pytest.raises(DeployError) as caught:
        wait_until_open(url, lambda: known, early=0.1, within=600)
    assert caught.value is known
    assert isinstance(known.__cause__, NotAnsweringError)
    asked: list[str] = []
    with pytest.raises(NotAnsweringError):
        wait_until_open(url, lambda: asked.append("once"), early=0.1, within=0.3)
    assert asked == ["once"]
