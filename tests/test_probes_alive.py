"""Liveness probes, asked as the kubelet asks them."""

from __future__ import annotations

from typing import Any

import pytest
from kube_support import pod

from harness.kube.pods import Pod, pod_of
from harness.probes.alive import Liveness, NotAliveError, check_alive, liveness
from harness.probes.results import Http


class There:
    """A place whose requests have this result."""

    def __init__(self, answer: Http) -> None:
        self.answer, self.asked = answer, list[tuple[str, float]]()

    def http(self, method: str, url: str, *, timeout: float) -> Http:
        assert method == "GET"
        self.asked.append((url, timeout))
        return self.answer


def made(**probe: Any) -> Pod:
    ports = [{"name": "http", "containerPort": 8000}]
    obj = pod(ready=True, container={"ports": ports, "livenessProbe": probe} if probe else None)
    obj["status"]["podIP"] = "10.0.0.1"
    return pod_of(obj)


PROBED = made(httpGet={"path": "/health", "port": "http"}, timeoutSeconds=4)


def test_a_named_port_is_the_containers() -> None:
    assert liveness(PROBED) == [Liveness("main", "http://10.0.0.1:8000/health", 4)]


def test_defaults_are_the_clusters() -> None:
    [found] = liveness(made(httpGet={"port": 9000, "scheme": "HTTPS"}))
    assert (found.url, found.timeout) == ("https://10.0.0.1:9000/", 1)


def test_a_pod_without_such_a_probe() -> None:
    assert check_alive(There(Http(ok=True, status=500)), made()) == 0
    assert liveness(made(exec={"command": ["true"]})) == []


def test_an_answer_in_time_is_life() -> None:
    place = There(Http(ok=True, status=200, seconds=0.1))
    assert check_alive(place, PROBED) == 1
    assert place.asked == [("http://10.0.0.1:8000/health", 5)]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Http(ok=True, status=503, body=b"no database"), "status 503: no database"),
        (Http(ok=False, error="timeout", message="deadline exceeded"), "deadline exceeded"),
        (Http(ok=True, status=200, seconds=4.5), "4.5 s, longer than its 4 s"),
    ],
)
def test_what_would_be_restarted_is_told(answer: Http, words: str) -> None:
    with pytest.raises(NotAliveError) as raised:
        check_alive(There(answer), PROBED)
    assert words in raised.value.seen
    assert "web-1/main" in raised.value.needed
    assert "process alone" in raised.value.fix
