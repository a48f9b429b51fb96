"""Whom the application calls, and what it shares with the machine that it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, then, when

from harness.plan.foresight import skips_when

if TYPE_CHECKING:
    from fixtures.evidence import Evidence
    from harness.deployment import Deployment
    from harness.egress.guard import Guard
    from harness.probes.pod import ProbePod
    from harness.probes.results import Tcp
    from harness.release import Release
    from harness.settings import Settings

#: An address that is kept for documents, and nobody's: https://www.rfc-editor.org/rfc/rfc5737
_NOBODY, _PORT = "198.51.100.7", 443
_AT_ONCE = 2.0  # seconds; a packet that is only dropped is waited for much longer


def _is_open(settings: Settings) -> str:
    from harness.egress.making import why_open

    error = why_open(settings)
    return error.headline if error else ""


@pytest.fixture
@skips_when(_is_open)
def guard(deployment: Deployment) -> Guard:
    """The guard of the cluster's way out, if that is closed."""
    from harness.egress.errors import EgressOpenError

    try:
        return deployment.egress()
    except EgressOpenError as error:
        pytest.skip(error.headline)


@given("a cluster with no way out but to whom the application is described to use")
def closed(guard: Guard) -> None:
    assert guard.where()


@when("somebody else outside is called from there", target_fixture="call_outside")
def call_somebody_else(inside: ProbePod) -> Tcp:
    return inside.tcp(_NOBODY, _PORT)


@then("the call is refused at once, and noticed")
def refused_and_noticed(guard: Guard, call_outside: Tcp) -> None:
    called = f"a call of {_NOBODY}:{_PORT}"
    assert call_outside.error == "refused", f"{called} ended with {call_outside}"
    assert call_outside.seconds < _AT_ONCE, f"{called} took {call_outside.seconds:.1f} s"
    seen = {str(one.destination) for one in guard.tried()}
    assert f"{_NOBODY}:{_PORT}/tcp" in seen, f"the nodes have noticed {sorted(seen)}"


@then(
    "the application has called nobody outside but its database and the services that it is "
    "described to use"
)
def called_nobody_else(guard: Guard, release: Release, evidence: Evidence) -> None:
    from harness.egress.attempt import CalledOutsideError

    assert release.pods(), "there is no pod, so nothing was proven"
    found = guard.attempts()
    told = "\n".join(attempt.describe() for attempt in found) or "none"
    evidence.text("calls-outside.txt", f"looked at: {guard.where()}\nfound: {told}")
    if found:
        raise CalledOutsideError(found, guard.where())


@then("no pod has a part of the machine that it runs on")
def no_part_of_the_machine(release: Release) -> None:
    from harness.kube.hosting import shared_with_node

    pods = release.pods()
    assert pods, "there is no pod, so nothing was proven"
    told = [f"{pod.name}: {what}" for pod in pods for what in shared_with_node(pod.obj)]
    assert not told, "\n".join(told)
