"""A pod that runs one program to its end."""

from __future__ import annotations

from typing import Any

import pytest
from kube_support import pod, snapshot

from harness.kube.waits import Hopeless, Pending, Ready
from harness.probes.ended import Ended


@pytest.mark.parametrize(
    ("phase", "verdict"), [("Failed", Ready), ("Succeeded", Hopeless), ("Running", Pending)]
)
def test_end_is_the_one_that_is_wanted(phase: str, verdict: type) -> None:
    details: Any = None
    wait = Ended("web-1", "Failed")
    assert wait.describe() == "pod web-1 to have failed"
    assert isinstance(wait.evaluate(snapshot(pod(phase=phase)), details), verdict)


def test_pod_that_is_not_there_yet_is_waited_for() -> None:
    details: Any = None
    assert isinstance(Ended("web-9", "Failed").evaluate(snapshot(pod()), details), Pending)
