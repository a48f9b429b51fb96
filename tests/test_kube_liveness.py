"""For how long a container has to run until its liveness probe could have ended it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.kube.liveness import liveness_judged_in

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
