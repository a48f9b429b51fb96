"""Services: of the right type, leading to the pods of their role, at a port that these have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.rendering import Rendered, Rendering
from harness.contract.subject import Subject
from harness.project import Service

_NODE_PORTS = range(30000, 32768)


def check(subject: Subject, notes: Notes) -> None:
    """Each Service leads to one workload, at ports of its containers."""
    for rendering in subject.renderings:
        for service in rendering.of("Service"):
            if service.spec.get("type") == "ExternalName" or "selector" not in service.spec:
                continue
            notes.saw(str(service))
            selector = {k: str(v) for k, v in (service.spec.get("selector") or {}).items()}
            pods = rendering.selected(selector)
            owners = {str(pod.owner) for pod in pods}
            shown = ", ".join(f"{key}={value}" for key, value in selector.items()) or "nothing"
            if len(owners) != 1:
                notes.found(
                    subject.chart.where(service.source, "selector:"),
                    needed=f"{service} to lead to the pods of one workload",
                    seen=f"its selector {shown} matches {', '.join(sorted(owners)) or 'none'}",
                    fix="give selector and pods the same labels, and each workload its own",
                )
                continue
            containers = [c for c in subject.containers(rendering) if c.pod in pods and c.main]
            for seen, word in _ports(service, containers):
                notes.found(
                    subject.chart.where(service.source, word, "targetPort", "ports:"),
                    needed=f"the ports of {service} to be ports of its pods",
                    seen=seen,
                    fix="name a port of the container as targetPort",
                )


def _ports(service: Rendered, containers: list[Container]) -> Iterator[tuple[str, str]]:
    named = {name: port for container in containers for name, port in container.ports.items()}
    for port in service.spec.get("ports") or ():
        target = port.get("targetPort", port.get("port"))
        if target not in named and target not in named.values():
            there = ", ".join(f"{name} ({number})" for name, number in named.items()) or "none"
            yield f"targetPort {target} is none of them: {there}", str(target)
        node = port.get("nodePort")
        if node is not None and int(node) not in _NODE_PORTS:
            yield f"nodePort {node} is outside of 30000-32767", str(node)


def roles(subject: Subject, notes: Notes) -> None:
    """Each described role has its Service, of its type and port; no other is open (FR-007)."""
    if subject.main is None:
        return
    public = set()
    for role, described in subject.project.services.items():
        notes.saw(role)
        leading = list(_leading(subject, subject.main, described.image))
        if len(leading) != 1:
            names = ", ".join(str(service) for service in leading) or "none"
            notes.found(
                subject.chart.where(leading[0].source if leading else "", "selector:"),
                needed=f"one Service that leads to the {role}",
                seen=names,
                fix="give the Service the labels of the pods as selector",
            )
            continue
        service = leading[0]
        kind = str(service.spec.get("type") or "ClusterIP")
        if described.public:
            public.add(service.name)
        if kind != described.type:
            notes.found(
                subject.chart.where(service.source, kind, "type:"),
                needed=f"the Service of the {role} of type {described.type}",
                seen=f"{service} is of type {kind}",
                fix="correct the type in the values or the template",
            )
        ports = [port.get("port") for port in service.spec.get("ports") or ()]
        if described.port not in ports:
            notes.found(
                subject.chart.where(service.source, "port:"),
                needed=f"port {described.port} of the Service of the {role}",
                seen=f"{service} has {', '.join(map(str, ports)) or 'none'}",
                fix="correct the port in the values, or the description",
            )
        _replicas(subject, notes, role, described)
        _container_port(subject, notes, described.image)
    for service in (s for rendering in subject.renderings for s in rendering.of("Service")):
        name = subject.aliases.get(service.name, service.name)
        if service.spec.get("type") in ("NodePort", "LoadBalancer") and name not in public:
            notes.found(
                subject.chart.where(service.source, str(service.spec["type"]), "type:"),
                needed="no Service open to the outside but the described public ones",
                seen=f"{service} is of type {service.spec['type']}",
                fix="make it ClusterIP",
            )


def _leading(subject: Subject, rendering: Rendering, image: str) -> Iterator[Rendered]:
    pods = [c.pod for c in subject.containers(rendering) if c.image == image and c.main]
    for service in rendering.of("Service"):
        selector = {k: str(v) for k, v in (service.spec.get("selector") or {}).items()}
        if any(pod in pods for pod in rendering.selected(selector)):
            yield service


def _replicas(subject: Subject, notes: Notes, role: str, described: Service) -> None:
    assert subject.main is not None
    for container in subject.containers(subject.main):
        if container.image != described.image or not container.main:
            continue
        number = container.owner.spec.get("replicas", 1)
        if described.replicas is not None and number != described.replicas:
            notes.found(
                subject.chart.where(container.owner.source, "replicas"),
                needed=f"{described.replicas} pod(s) of the {role} by default, as described",
                seen=f"{container.owner} has replicas: {number}",
                fix="correct the value, or the description",
            )


def _container_port(subject: Subject, notes: Notes, image: str) -> None:
    """The port that a container declares is the one that its program listens on."""
    assert subject.main is not None
    port = subject.project.images[image].port
    for container in subject.containers(subject.main):
        if container.image != image or not container.main:
            continue
        told = {s.name: s.value for s in container.settings}.get("PORT")
        text = "".join(subject.chart.templates.values())
        movable = re.search(r"containerPort:\s*\{\{", text)
        if told is None and movable and subject.programs[image].code.read("PORT"):
            notes.found(
                subject.chart.where(container.owner.source, "containerPort", "env:"),
                needed=f"{container} to be told the port on which to listen",
                seen="containerPort is a value, but PORT is not set from it",
                fix="set the variable PORT to the same value",
            )
        listens = int(told) if told and told.isdecimal() else port
        if listens not in container.ports.values():
            notes.found(
                subject.chart.where(container.owner.source, "containerPort"),
                needed=f"{container} to declare the port {listens} on which its program listens",
                seen=f"it declares {', '.join(map(str, container.ports.values())) or 'none'}",
                fix="correct containerPort, or set PORT to it",
            )
