"""Services: found by role, called by name from inside and by address from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given, parsers, then

from harness.evidence import call

if TYPE_CHECKING:
    from fixtures.evidence import Evidence
    from harness.deployment import Deployment
    from harness.kube.services import Service
    from harness.probes.pod import ProbePod
    from harness.release import Release

_NOBODY = "nobody-has-this-name"


@given("a place inside the cluster to look from")
def look_from(inside: ProbePod) -> None:
    assert inside.name


@then(parsers.parse("the Service of the {role} is of type {kind}"), target_fixture="service")
def service_type(release: Release, role: str, kind: str) -> Service:
    service = release.service(role)
    assert service.type == kind, f"{service.name} is of type {service.type}"
    return service


@then(parsers.parse("it leads to every pod of the {role}"))
def leads_to_every_pod(release: Release, service: Service, role: str) -> None:
    wanted = {pod.ip for pod in release.pods(role)}
    assert wanted == set(service.ready), (
        f"{service.name} leads to {sorted(service.ready)}; the {role}'s pods are {sorted(wanted)}"
    )
    assert service.images == {release.image(role).ref}, (
        f"{service.name} mixes the pods of {sorted(service.images)}"
    )


@then(parsers.parse("the {role} answers from outside the cluster"))
def answers_outside(
    release: Release, deployment: Deployment, role: str, evidence: Evidence
) -> None:
    import httpx

    from harness.tunnels.nodes import NodesOutOfReachError

    described = release.project.services[role]
    try:
        app_url = deployment.entrance.direct(release)
    except NodesOutOfReachError as error:
        pytest.skip(f"{error.headline}; {error.seen}")
    answer = httpx.get(app_url + described.health, timeout=20, trust_env=False)
    assert answer.status_code == 200, (
        f"{app_url}{described.health} answers {answer.status_code}: {answer.text[:300]}"
    )
    evidence.facts("call", call("outside", role, f"HTTP 200 at {described.health}"))


@then(parsers.parse("its port lies between {least:d} and {most:d}"))
def port_lies_between(release: Release, least: int, most: int) -> None:
    open_ports = [port.node_port for s in release.services() for port in s.ports if port.node_port]
    assert open_ports, "no Service has a port on the node"
    assert all(least <= port <= most for port in open_ports), f"the ports are {open_ports}"


@then("no other Service is open to the outside")
def no_other_open(release: Release) -> None:
    public = {role for role, service in release.project.services.items() if service.public}
    allowed = {release.service(role).name for role in public}
    strangers = [
        f"{service.name} ({service.type})"
        for service in release.services()
        if service.type in ("NodePort", "LoadBalancer") and service.name not in allowed
    ]
    assert not strangers, f"open as well: {', '.join(strangers)}"


def _cluster_ip(release: Release, role: str) -> tuple[Service, str]:
    from harness.kube.resources import SERVICE

    service = release.service(role)
    obj = release.kube.get(SERVICE, service.name, release.namespace)
    return service, str(obj["spec"]["clusterIP"])


@then(parsers.parse("the short name of the {role} leads to its Service"))
def short_name(release: Release, inside: ProbePod, role: str, evidence: Evidence) -> None:
    service, address = _cluster_ip(release, role)
    found = inside.dns(service.name)
    assert found.addresses == (address,), f"{service.name}: {found}; the Service has {address}"
    evidence.facts("call", call("inside", role, f"found by the name {service.name}"))


@then(parsers.parse("the full name of the {role} leads to its Service"))
def full_name(release: Release, inside: ProbePod, role: str) -> None:
    service, address = _cluster_ip(release, role)
    name = f"{service.fqdn}.cluster.local"
    found = inside.dns(name)
    assert found.addresses == (address,), f"{name}: {found}; the Service has {address}"


@then("a name that nobody has leads nowhere")
def no_such_name(release: Release, inside: ProbePod) -> None:
    for name in (_NOBODY, f"{_NOBODY}.{release.namespace}.svc.cluster.local"):
        found = inside.dns(name)
        assert found.error == "nxdomain", f"{name}: {found}"


@then(parsers.parse("the {role} answers at its name"))
def answers_at_its_name(release: Release, inside: ProbePod, role: str, evidence: Evidence) -> None:
    service, described = release.service(role), release.project.services[role]
    assert described.port in {port.port for port in service.ports}, (
        f"{service.name} offers {[p.port for p in service.ports]}, not {described.port}"
    )
    for name in (service.name, f"{service.fqdn}.cluster.local"):
        url = f"http://{name}:{described.port}{described.health}"
        found = inside.http("GET", url)
        assert found.status == 200, f"{url}: {found}"
        evidence.facts("call", call("inside", role, f"HTTP 200 at {url}"))


@then(parsers.parse("nobody answers at a port that the {role} does not offer"))
def nobody_answers(release: Release, inside: ProbePod, role: str) -> None:
    service = release.service(role)
    port = max(port.port for port in service.ports) + 1
    found = inside.tcp(service.name, port)
    assert not found.ok, f"{service.name}:{port} accepts a connection"
