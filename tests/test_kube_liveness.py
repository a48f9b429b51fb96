"""Containers that a probe has condemned, and for how long one has to run to be safe of that."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.kube.liveness import condemned, liveness_judged_in

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T12:00:20Z"}


def pod(*probes: dict[str, Any], conditions: tuple[dict[str, str], ...] = (READY,)) -> Any:
    named = [{"name": f"c{n}", **({"livenessProbe": p} if p else {})} for n, p in enumerate(probes)]
    status = {"startTime": "2026-01-01T12:00:00Z", "conditions": list(conditions)}
    return {"kind": "Pod", "spec": {"containers": named}, "status": status}


@pytest.mark.parametrize(
    ("probes", "left"),
    [
        (({"periodSeconds": 5, "failureThreshold": 3},), 7),
        (({},), 0),
        (({"periodSeconds": 1, "failureThreshold": 1}, {"initialDelaySeconds": 10}), 32),
    ],
    ids=["ready for 10 s", "nothing asks", "the slowest counts, with Kubernetes' defaults"],
)
def test_seconds_left(probes: tuple[dict[str, Any], ...], left: float) -> None:
    assert liveness_judged_in(pod(*probes), NOW) == left


def test_pod_that_was_never_ready_counts_from_its_start() -> None:
    probe = {"periodSeconds": 5, "failureThreshold": 3}
    assert liveness_judged_in(pod(probe, conditions=()), NOW) == -13


class Events:
    """An API that has these events."""

    def __init__(self, *told: tuple[str, str]) -> None:
        self.told = told

    def list(self, *_: object) -> list[dict[str, Any]]:
        return [{"involvedObject": {"uid": uid}, "message": text} for uid, text in self.told]


def test_only_the_kubelets_own_words_about_these_pods_count() -> None:
    dead = "Container main failed liveness probe, will be restarted"
    api = Events(("u1", dead), ("u2", dead), ("u1", "Liveness probe failed: timeout"))
    pods = [SimpleNamespace(uid="u1", name="web")]
    assert condemned(cast("Any", api), "ns", cast("Any", pods)) == [f"web: {dead}"]
