"""Every cause on a real cluster once: its class, its words, and soon enough."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from defects_catalogue import Defect, defects
from defects_support import Outcome, Producer, record

from harness.kube.errors import NotFoundError
from harness.kube.namespaces import delete_namespace, ensure_namespace
from harness.kube.resources import Resource
from harness.kube.rules import rules
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.deployment import Deployment

pytestmark = [pytest.mark.engine, pytest.mark.cluster, pytest.mark.timeout(600)]

IMAGE = "python:3.12-slim"
RUNTIME_CLASS = Resource("RuntimeClass", "node.k8s.io/v1", "runtimeclasses", namespaced=False)
# Seconds from a fatal event to its report, or from a death until it is seen. The goals of 10 s
# and 1.2 s are the benchmark's: a busy machine takes longer to tell what happens on it.
LATEST = 20.0
ALL = defects()


@pytest.fixture(scope="module")
def produced(deployment: Deployment, settings: Settings) -> Iterator[dict[str, Outcome]]:
    """All of them, rolled out side by side once, and removed again."""
    kube, helm = deployment.kube(), deployment.helm()
    image = deployment.sources.builder.bases.ensure(IMAGE).ref
    deployment.provider.load([image])
    plain, strict = (f"{settings.namespace}-{name}"[:63] for name in ("causes", "strict"))
    chosen = defects(runtime=plain)

    def remove() -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: delete_namespace(kube, name), (plain, strict)))
        with contextlib.suppress(NotFoundError):
            kube.delete(RUNTIME_CLASS, plain)

    remove()  # what an interrupted run has left
    try:
        ensure_namespace(kube, plain)
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        ensure_namespace(kube, strict, labels=labels)
        outcomes = Producer(kube, helm, image, (plain, strict)).produce(chosen)
        record(settings.artifacts / "causes.json", chosen, outcomes)
        yield outcomes
    finally:
        remove()


@pytest.mark.parametrize("defect", ALL, ids=[defect.name for defect in ALL])
def test_cause(produced: dict[str, Outcome], defect: Defect) -> None:
    outcome = produced[defect.name]
    if defect.cause is None:
        assert outcome.error is None, f"it may recover, and yet:\n{outcome.error}"
    else:
        assert type(outcome.error) is defect.cause, outcome.said
        assert outcome.seconds <= LATEST, f"{outcome.seconds:.1f} s after the event"
    for words in defect.words:
        assert words in outcome.said, outcome.said


def test_every_cause_is_produced() -> None:
    assert {rule.cause for rule in rules()} == {d.cause for d in ALL if d.cause}


def test_deaths_are_seen(produced: dict[str, Outcome]) -> None:
    seen = sorted(after for outcome in produced.values() for after in outcome.seen_after)
    assert seen, "no container told when it ended"
    assert seen[-1] <= LATEST, f"the deaths were seen after {seen} s"


def test_a_flap_is_not_missed(produced: dict[str, Outcome]) -> None:
    assert [death.exit_code for death in produced["flap"].deaths] == [3]
