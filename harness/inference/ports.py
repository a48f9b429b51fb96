"""On which port an image's program listens, and at which path it tells its health."""

from __future__ import annotations

import re

from harness.contract.code import Code
from harness.contract.finding import Place
from harness.inference.images import Dockerized

Told = tuple[str | int, str, Place | None, bool]  # value, why, where, sure

#: What people call the path of health, the likeliest first.
HEALTH = (
    *("/health", "/healthz", "/api/health", "/health/live", "/livez", "/live", "/api/healthz"),
    *("/healthcheck", "/actuator/health", "/ping", "/api/ping", "/status", "/up", "/_health"),
)
READY = ("/ready", "/readyz", "/health/ready", "/readiness", "/api/ready", "/api/readyz")
_PORT = (
    re.compile(r"(?:--port|-p|--bind|-b|--listen|--http)[ =](?:[\w.\[\]]*:)?(\d{2,5})\b"),
    re.compile(r"\b(?:0\.0\.0\.0|\[::\]):(\d{2,5})\b"),
)
_IN_CODE = (
    re.compile(r"\bport\s*[=:]\s*(?:int\()?[^\n]{0,60}?[\"']?\b(\d{4,5})\b"),
    re.compile(r"\blisten\(\s*(?:[^)\n]{0,60}?\b)?(\d{4,5})\b"),
    re.compile(r"\bPORT\b[^\n]{0,20}?(?:\|\||\?\?|,|:-)\s*[\"']?(\d{4,5})\b"),
)
_ASKED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::[\w${}-]+)?(/[\w./-]*)")
#: Ports on which servers listen that are not told another, by a word of what starts them.
_USUAL = {"uvicorn": 8000, "gunicorn": 8000, "flask": 5000, "next": 3000, "nginx": 80, "httpd": 80}


def port_of(image: Dockerized, sources: dict[str, str], container: tuple[int, str] | None) -> Told:
    """Return the port of a program.

    Asked are, in this order: EXPOSE (by the chart's own when there are several), the chart's
    containerPort, PORT and the command of the Dockerfile, Compose, the code, the server's habit.
    """
    stage = image.stage
    if stage and stage.ports:
        port = next(iter(stage.ports))
        if container and container[0] in stage.ports:
            port = container[0]
        return port, f"EXPOSE {port}", Place(image.file, stage.ports[port]), True
    if container:
        return container[0], f"{container[1]} declares this containerPort", None, True
    if stage:
        told = stage.env.get("PORT", "")
        if told.isdecimal():
            return int(told), "ENV PORT", Place(image.file, stage.env_lines["PORT"]), True
        words = " ".join(stage.words)
        for pattern in _PORT:
            if match := pattern.search(words):
                one = stage.command or stage.entrypoint
                place = Place(image.file, one.line if one else None)
                return int(match[1]), "its command says so", place, True
    if image.composed and image.composed.ports:
        return image.composed.ports[0], "its port in Compose", image.composed.place, True
    for file, text in sources.items():
        for pattern in _IN_CODE:
            if match := pattern.search(text):
                line = text.count("\n", 0, match.start()) + 1
                return int(match[1]), "the code listens there", Place(file, line), False
    started = f"{' '.join(stage.words)} {stage.base}" if stage else ""
    for word, usual in _USUAL.items():
        if re.search(rf"\b{word}\b", started):
            return usual, f"{word} listens there by default", image.place, False
    return 8080, "nothing names a port", image.place, False


def health_of(image: Dockerized, code: Code, probe: tuple[str, str] | None) -> Told:
    """Return the path of a program's health: as probed, routed, or asked by HEALTHCHECK."""
    routes = {route.path: route.place for route in code.routes if route.fixed}
    if probe and (probe[0] in routes or not routes):
        return probe[0], f"{probe[1]} asks it", routes.get(probe[0]), True
    for path in HEALTH:
        if path in routes:
            return path, "a route of that name", routes[path], True
    for one in image.parsed.instructions:
        if one.word == "HEALTHCHECK" and (match := _ASKED.search(one.rest)):
            return match[1], "HEALTHCHECK asks it", Place(image.file, one.line), True
    if probe:
        return probe[0], f"{probe[1]} asks it", None, False
    return "/", "nothing names a path of health", image.place, False
