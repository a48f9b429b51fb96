"""What is described of a Service: its type, port, and the path at which it is ready."""

from __future__ import annotations

import re

from harness.contract.code import Code
from harness.inference.known import Known
from harness.inference.ports import READY
from harness.inference.running import Image


def describe_role(known: Known, name: str, image: Image | None, code: Code) -> None:
    """Describe the Service that leads to an image's pods."""
    rendering = known.probed.rendering if known.probed else None
    if image is None or rendering is None:
        return
    run, facts = image.main, known.facts
    leading = []
    for service in rendering.of("Service"):
        selector = {k: str(v) for k, v in (service.spec.get("selector") or {}).items()}
        if any(pod.owner == run.pod.owner for pod in rendering.selected(selector)):
            leading.append(service)
    leading.sort(key=lambda service: service.spec.get("clusterIP") == "None")
    if not leading:
        if run.main:
            facts.remark(f"no Service leads to {run}, so {name} has no role in [services]")
        return
    service, key = leading[0], ("services", name)
    chart = known.probed.chart if known.probed else None
    place = chart.where(service.source, "kind: Service", "type:") if chart else None
    facts.add(
        *key,
        "image",
        value=name,
        why=f"the selector of {service} matches {run.pod.owner}",
        place=place,
    )
    kind = str(service.spec.get("type") or "ClusterIP")
    if kind not in ("ClusterIP", "NodePort", "LoadBalancer"):
        kind = "ClusterIP"
    facts.add(*key, "type", value=kind, why=f"the type of {service}", place=place)
    ports = [p for p in service.spec.get("ports") or () if isinstance(p, dict)]
    if ports:
        facts.add(
            *key, "port", value=ports[0].get("port"), why=f"the port of {service}", place=place
        )
    else:
        facts.add(
            *key,
            "port",
            value=facts.get("images", name, "port"),
            why="its Service has none",
            sure=False,
        )
    ready = probed_path(image, "readinessProbe")
    routes = {route.path: route.place for route in code.routes if route.fixed}
    routed = next((path for path in READY if path in routes), None)
    if ready:
        facts.add(
            *key, "health", value=ready[0], why=f"{ready[1]} asks it", place=routes.get(ready[0])
        )
    elif routed:
        facts.add(*key, "health", value=routed, why="a route of that name", place=routes[routed])
    facts.add(*key, "health", value=facts.get("images", name, "health"), why="as of its image")
    if kind != "ClusterIP":
        facts.add(*key, "public", value=True, why=f"{service} is of type {kind}", place=place)
    elif ingress := _ingress(known, service.name):
        facts.add(*key, "public", value=True, why=f"{ingress} leads to it")
    owner = run.pod.owner
    replicas = owner.spec.get("replicas")
    if isinstance(replicas, int) and replicas > 0:
        facts.add(*key, "replicas", value=replicas, why=f"as of {owner}")
    resources = run.body.get("resources") or {}
    for part in ("requests", "limits"):
        told = {k: str(v) for k, v in (resources.get(part) or {}).items()}
        if told:
            facts.add(*key, part, value=told, why=f"as of {run}")


def _ingress(known: Known, service: str) -> str:
    rendering = known.probed.rendering if known.probed else None
    for item in rendering.of("Ingress", "HTTPRoute") if rendering else ():
        if re.search(rf"'name': '{re.escape(service)}'", str(item.spec)):
            return str(item)
    return ""


def probed_path(image: Image | None, kind: str) -> tuple[str, str] | None:
    """Return the path that a probe asks, and which probe that is."""
    run = image.main if image else None
    told = run.body.get(kind) if run else None
    get = told.get("httpGet") if isinstance(told, dict) else None
    if not isinstance(get, dict):
        return None
    path = str(get.get("path") or "/").partition("?")[0]
    return (path, f"the {kind} of {run}") if path.startswith("/") else None
