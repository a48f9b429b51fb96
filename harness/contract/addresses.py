"""Addresses that programs are given lead to a Service, and port, of the same release."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.contract.containers import Container
from harness.contract.finding import Notes
from harness.contract.rendering import Rendered, Rendering
from harness.contract.subject import Subject
from harness.project import REFERENCE

_URL = re.compile(r"\b(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s\"'<>,;|)]+)")
_HOST_NAME = re.compile(r"(?:^|_)(?:PGHOST|(?:\w+_)?(?:HOST|ADDR|ADDRESS|ENDPOINT|SERVER))$")
_BIND = re.compile(r"(HOST|HOSTNAME|BIND\w*|LISTEN\w*|UVICORN_HOST|SERVER_HOST|NEXT_HOST)")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0")
_PORTS = {
    "http": 80, "https": 443, "ws": 80, "wss": 443, "postgres": 5432, "postgresql": 5432,
    "mysql": 3306, "redis": 6379, "amqp": 5672, "mongodb": 27017,
}  # fmt: skip
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Address:
    """A host, and a port if one is told, under the name of the variable or argument."""

    name: str
    scheme: str
    host: str
    port: int | None


def check(subject: Subject, notes: Notes) -> None:
    """No address leads nowhere, to the pod itself, or to a Service of other names."""
    everywhere = {item.name for rendering in subject.renderings for item in rendering.of("Service")}
    for rendering in subject.renderings:
        for container in subject.containers(rendering):
            for address in _addresses(container):
                notes.saw(f"{address.host} in {address.name} of {container}")
                _judge(subject, notes, rendering, container, address, everywhere)


def _addresses(container: Container) -> list[Address]:
    found = []
    for setting in container.settings:
        if setting.value:
            found += _in_text(setting.name, setting.value)
            if (
                _HOST_NAME.search(setting.name)
                and not _BIND.fullmatch(setting.name)
                and "://" not in setting.value
            ):
                host, _, port = setting.value.partition(":")
                if _HOST.fullmatch(host):
                    found.append(
                        Address(setting.name, "", host, int(port) if port.isdecimal() else None)
                    )
    for word in container.words:
        found += _in_text("its command", word)
    return found


def _in_text(name: str, text: str) -> list[Address]:
    found = []
    for match in _URL.finditer(text):
        try:
            parts = urlsplit(match[0])
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host and "{" not in host and "$" not in host:
            scheme = match["scheme"].partition("+")[0]
            found.append(Address(name, scheme, host, port or _PORTS.get(scheme)))
    return found


def _judge(
    subject: Subject,
    notes: Notes,
    rendering: Rendering,
    container: Container,
    address: Address,
    everywhere: set[str],
) -> None:
    source, fix = container.owner.source, "build the host by the template that names the Service"
    needed = f"{address.name} of {container} to lead to a Service of its release"

    def found(seen: str, *words: str) -> None:
        place = subject.chart.where(source, *words, address.host, address.name)
        notes.found(place, needed=needed, seen=seen, fix=fix)

    if _LOOPBACK.fullmatch(address.host):
        if address.port not in _beside(container):
            found(f"`{address.host}` is the pod itself, which has no such server")
        return
    name = _service_name(address.host, rendering, everywhere)
    if name is None:
        _outside(subject, notes, container, address)
        return
    namespace = address.host.split(".")[1:2]
    if namespace and namespace != [rendering.installation.namespace]:
        found(
            f"`{address.host}` is in the namespace {namespace[0]}, but the release"
            f" {rendering.installation.release} is in {rendering.installation.namespace}"
        )
        return
    service = rendering.find("Service", name)
    if service is None:
        there = ", ".join(item.name for item in rendering.of("Service")) or "none"
        found(
            f"there is no Service `{name}` in the release {rendering.installation.release};"
            f" Services: {there}"
        )
        return
    _port(found, container, rendering, address, service)


def _port(
    found: object,
    container: Container,
    rendering: Rendering,
    address: Address,
    service: Rendered,
) -> None:
    assert callable(found)
    ports = {int(p["port"]): p for p in service.spec.get("ports") or () if "port" in p}
    if address.port is not None and address.port not in ports:
        shown = ", ".join(str(port) for port in ports) or "none"
        found(f"{service} has no port {address.port}; its ports: {shown}", str(address.port))
        return
    port = ports.get(address.port or 0, {})
    words = f"{port.get('name', '')} {port.get('appProtocol', '')} {address.port}"
    if address.scheme in ("https", "wss") and not re.search(r"https|tls|443", words):
        found(f"https is asked of the port {address.port} of {service}, which is plain http")
    pods = rendering.selected(service.spec.get("selector") or {})
    own = [pod for pod in pods if pod.owner is container.owner]
    if own and len(own) == len(pods) and container.main:
        found(f"{service} leads back to {container.owner} itself")


def _beside(container: Container) -> set[int]:
    """Return the ports that containers of the same pod declare."""
    return {
        int(port["containerPort"])
        for each in container.pod.spec.get("containers") or ()
        for port in each.get("ports") or ()
    }


def _service_name(host: str, rendering: Rendering, everywhere: set[str]) -> str | None:
    """Return the name of the Service that a host means, None when it is outside."""
    parts = host.lower().removesuffix(".").split(".")
    if len(parts) == 1:
        return parts[0]
    inside = parts[2:3] == ["svc"] or (
        len(parts) == 2 and (parts[0] in everywhere or parts[1] == rendering.installation.namespace)
    )
    return parts[0] if inside and not host.replace(".", "").isdecimal() else None


def _outside(subject: Subject, notes: Notes, container: Container, address: Address) -> None:
    """An address outside is wrong where the description names one inside."""
    image = subject.project.images.get(container.image or "")
    example = image.env.get(address.name, "") if image else ""
    host = urlsplit(example).hostname if "://" in example else None
    if host and "." not in host and not REFERENCE.search(example):
        notes.found(
            subject.chart.where(container.owner.source, address.host, address.name),
            needed=f"{address.name} of {container} to lead to a Service of its release",
            seen=f"`{address.host}` is outside the cluster",
            fix="build the host by the template that names the Service",
        )
