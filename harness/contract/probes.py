"""Probes: there, of paths that exist, patient enough, and liveness without the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.contract.containers import Container
from harness.contract.finding import Notes, Place
from harness.contract.rendering import Rendering
from harness.contract.subject import Subject
from harness.project import Project

KINDS = ("startupProbe", "livenessProbe", "readinessProbe")
_START = 20  # seconds that a start may take at least before the kubelet kills
_HANG = 9  # seconds that a program must have been silent before it is killed
_REACT = 60  # seconds after which a pod that cannot serve is out of its Service at the latest


def probes_of(container: Container) -> dict[str, dict[str, Any]]:
    """Return the probes of a container by kind."""
    return {kind: container.body[kind] for kind in KINDS if container.body.get(kind)}


def path_of(probe: dict[str, Any]) -> str | None:
    """Return the path that a probe asks, without a query; None when it asks none."""
    get = probe.get("httpGet")
    return str(get.get("path") or "/").partition("?")[0] if get else None


def _main(subject: Subject) -> Iterator[tuple[Rendering, Container]]:
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            if container.main:
                yield rendering, container


def _place(subject: Subject, container: Container, *words: str) -> Place:
    return subject.chart.where(container.owner.source, *words)


def check(subject: Subject, notes: Notes) -> None:
    """Each container that serves has a liveness and a readiness probe, of one of its ports."""
    for _, container in _main(subject):
        probes = probes_of(container)
        for kind in ("livenessProbe", "readinessProbe"):
            notes.saw(f"{kind} of {container}")
            if kind not in probes:
                notes.found(
                    _place(subject, container, kind, "containers:"),
                    needed=f"a {kind} of {container}",
                    seen="there is none, so that "
                    + ("a hanging program is never replaced" if kind[0] == "l" else
                       "requests reach a pod that cannot serve them yet"),
                    fix=f"add a {kind}",
                )  # fmt: skip
        for kind, probe in probes.items():
            asked = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
            port = asked.get("port")
            ports = container.ports
            if port is not None and port not in ports and port not in ports.values():
                notes.found(
                    _place(subject, container, str(port), kind),
                    needed=f"the {kind} of {container} to ask one of its ports",
                    seen=f"it asks {port}; ports: {ports or 'none'}",
                    fix="name a port of the container",
                )


def paths(subject: Subject, notes: Notes) -> None:
    """Each path that a probe asks is a route of the program."""
    for _, container in _main(subject):
        if container.image is None:
            continue
        program = subject.programs[container.image]
        routes = {route.path for route in program.code.routes if route.fixed}
        described = _described(subject.project, container.image)
        for kind, probe in probes_of(container).items():
            path = path_of(probe)
            if path is None:
                continue
            notes.saw(f"{path} of {container}")
            allowed = routes or described
            if path not in allowed and path.rstrip("/") not in allowed:
                shown = ", ".join(sorted(routes & described or allowed)[:12])
                notes.found(
                    _place(subject, container, path, kind),
                    needed=f"the path of the {kind} of {container} to be a route of the program",
                    seen=f"nothing in {program.image.context} answers {path}; there is {shown}",
                    fix="ask a path that the program answers",
                )
    for role, service in subject.project.services.items():
        program = subject.programs[service.image]
        routes = {route.path for route in program.code.routes if route.fixed}
        for path in {service.health, program.image.health} if routes else ():
            notes.saw(f"{path} of {role}")
            if path not in routes:
                notes.found(
                    subject.described(),
                    needed=f"the described path {path} of {role} to be a route of the program",
                    seen=f"nothing in {program.image.context} answers it",
                    fix="correct the path in the description or the route in the code",
                )


def _described(project: Project, image: str) -> set[str]:
    roles = [service for service in project.services.values() if service.image == image]
    return {project.images[image].health, *(role.health for role in roles)}


def times(subject: Subject, notes: Notes) -> None:
    """No probe kills a program that is only starting or slow for a moment."""
    for _, container in _main(subject):
        probes = probes_of(container)
        for kind, probe in probes.items():
            notes.saw(f"{kind} of {container}")
            period = float(probe.get("periodSeconds") or 10)
            failures = float(probe.get("failureThreshold") or 3)
            start = float(probe.get("initialDelaySeconds") or 0)
            total = period * failures
            problem = ""
            if kind == "startupProbe" and start + total < _START:
                problem = f"a start may take {start + total:g} s only, then it is killed"
            elif (
                kind == "livenessProbe" and "startupProbe" not in probes and start + total < _START
            ):
                problem = f"it kills {start + total:g} s after the start: no startup probe waits"
            if kind == "livenessProbe" and not problem and (total < _HANG or failures < 2):
                problem = f"{failures:g} slow answer(s) within {total:g} s are enough to be killed"
            if kind == "readinessProbe" and total > _REACT:
                problem = f"a pod that cannot serve stays in its Service for {total:g} s"
            if problem:
                notes.found(
                    _place(subject, container, kind, "failureThreshold"),
                    needed=f"a {kind} of {container} with sane times",
                    seen=problem,
                    fix="change periodSeconds or failureThreshold, or add a startup probe",
                )


def database(subject: Subject, notes: Notes) -> None:
    """Liveness does not depend on the database; readiness does (EC-5)."""
    project = subject.project
    for _, container in _main(subject):
        image = project.images.get(container.image or "")
        if image is None or project.database is None or project.database.env not in image.env:
            continue
        roles = [s for s in project.services.values() if s.image == container.image]
        ready = {role.health for role in roles if role.health != image.health}
        code = subject.programs[container.image or ""].code
        constant = {r.path: r for r in code.routes if r.constant and r.fixed}
        needs = {r.path: r for r in code.routes if r.database}
        for kind, probe in probes_of(container).items():
            path = path_of(probe)
            if path is None:
                continue
            notes.saw(f"{kind} of {container}")
            lives = kind != "readinessProbe"
            if lives and path in ready:
                _depends(subject, notes, container, kind, path)
            elif lives and path in needs:
                route = needs[path]
                notes.found(
                    route.place,
                    needed=f"the {kind} of {container} not to depend on the database",
                    seen=f"the handler of {path} depends on one: `{route.database}`",
                    fix="let liveness say only that the program serves",
                )
            elif not lives and path in constant:
                notes.found(
                    constant[path].place,
                    needed=f"the readinessProbe of {container} to depend on the database",
                    seen=f"the handler of {path} gives the same answer whatever the database does",
                    fix="ask the database, and answer 503 when it is away",
                )
            elif not lives and ready and path == image.health:
                notes.found(
                    _place(subject, container, kind, path),
                    needed=f"the readinessProbe of {container} to depend on the database",
                    seen=f"it asks {path}, which answers without the database",
                    fix=f"ask {' or '.join(sorted(ready))}",
                )


def _depends(subject: Subject, notes: Notes, container: Container, kind: str, path: str) -> None:
    notes.found(
        _place(subject, container, kind, path),
        needed=f"the {kind} of {container} not to depend on the database",
        seen=f"it asks {path}, the path of readiness: without a database the pod would restart",
        fix=f"ask {subject.project.images[container.image or ''].health}",
    )
