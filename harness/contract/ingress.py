"""Ingresses that keep paths as they are, and open only what is public."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.contract.finding import Notes
from harness.contract.production import SERVER
from harness.contract.program import Program
from harness.contract.rendering import Rendered, Rendering
from harness.contract.subject import Subject

_REWRITE = re.compile(r"rewrite-target|rewrite\.path|replace-?path|strip-?prefix", re.IGNORECASE)
_GROUP = re.compile(r"(?<!\\)\((?!\?)")


def check(subject: Subject, notes: Notes) -> None:
    """No rewrite collapses paths; what is behind an Ingress is described as public."""
    for rendering in subject.renderings:
        public = {
            container.image
            for container in subject.containers(rendering)
            if any(
                s.public and s.image == container.image for s in subject.project.services.values()
            )
        }
        for item in rendering.of("Ingress"):
            notes.saw(str(item))
            for key, target in item.annotations.items():
                if _REWRITE.search(key) and (seen := _collapse(str(target), _paths(item.spec))):
                    notes.found(
                        subject.chart.where(item.source, key, key.rpartition("/")[2]),
                        needed="an Ingress that hands on each path as it came",
                        seen=seen,
                        fix="leave the rewrite out, or keep the rest of the path by a group",
                    )
            for seen, word in _uncovered(subject, rendering, item):
                notes.found(
                    subject.chart.where(item.source, word, "path:"),
                    needed="an Ingress that leads all paths of a role to it",
                    seen=seen,
                    fix="write `path: /` with `pathType: Prefix`",
                )
            for name in _services(item.spec):
                service = rendering.find("Service", name)
                if service is not None and not _is_public(subject, rendering, service, public):
                    notes.found(
                        subject.chart.where(item.source, name, "service:"),
                        needed="an Ingress that leads to public roles only",
                        seen=f"it opens {service} to the outside",
                        fix="lead it to the public role, which calls the others",
                    )
    for file, text in subject.chart.templates.items():
        if re.search(r"^kind:\s*Ingress\s*$", text, re.MULTILINE):
            notes.saw(file)
            for match in re.finditer(r"[\w./-]*rewrite-target[\"']?:\s*[\"']?(/[^\s\"']*)", text):
                line = text.count("\n", 0, match.start()) + 1
                if not re.search(r"\$\d", match[1]):
                    notes.found(
                        subject.chart.place(file, line),
                        needed="an Ingress that hands on each path as it came",
                        seen=f"by its rewrite every path becomes {match[1]}",
                        fix="leave the rewrite out, or keep the rest of the path by a group",
                    )


def _uncovered(subject: Subject, rendering: Rendering, item: Rendered) -> Iterator[tuple[str, str]]:
    """Yield routes of programs that no path of a rule covers."""
    for rule in item.spec.get("rules") or ():
        paths = (rule.get("http") or {}).get("paths") or ()
        for name in {
            str(((p.get("backend") or {}).get("service") or {}).get("name")) for p in paths
        }:
            service = rendering.find("Service", name)
            images = _images(subject, rendering, service) if service else set()
            for image in images & set(subject.programs):
                program = subject.programs[image]
                if _files(program) and all(_front_page(path) for path in paths):
                    yield "nothing leads there but /; pathType: Exact", "pathType"
                for route in program.code.routes:
                    if route.fixed and not any(_covers(path, route.path) for path in paths):
                        kinds = {str(path.get("pathType")) for path in paths}
                        types = ", ".join(kinds)
                        yield f"nothing leads {route.path} there; pathType: {types}", "pathType"
                        break


def _files(program: Program) -> bool:
    """Say whether a program is a server of files, which stand at paths of their own."""
    return program.stage is not None and bool(SERVER.search(program.stage.base))


def _front_page(path: dict[str, Any]) -> bool:
    return path.get("pathType") == "Exact" and path.get("path") == "/"


def _covers(path: dict[str, Any], route: str) -> bool:
    prefix = str(path.get("path") or "/")
    if path.get("pathType") == "Exact":
        return route == prefix
    if re.search(r"[(*\\]", prefix):
        return True  # a pattern of the controller's own
    return route == prefix.rstrip("/") or route.startswith(prefix.rstrip("/") + "/")


def _collapse(target: str, paths: list[str]) -> str:
    groups = [int(number) for number in re.findall(r"\$(\d)", target)]
    if not groups:
        return f"by its rewrite every path becomes {target}"
    for path in paths:
        if max(groups) > len(_GROUP.findall(path)):
            return f"its rewrite loses paths: {path} has no group for {target}"
    return ""


def _rules(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for rule in spec.get("rules") or ():
        yield from (rule.get("http") or {}).get("paths") or ()


def _paths(spec: dict[str, Any]) -> list[str]:
    return [str(each.get("path") or "/") for each in _rules(spec)]


def _services(spec: dict[str, Any]) -> set[str]:
    backends = [each.get("backend") or {} for each in _rules(spec)]
    backends.append(spec.get("defaultBackend") or {})
    names = ((backend.get("service") or {}).get("name") for backend in backends)
    return {str(name) for name in names if name}


def _is_public(
    subject: Subject, rendering: Rendering, service: Rendered, public: set[str | None]
) -> bool:
    images = _images(subject, rendering, service)
    return not images or bool(images & public)


def _images(subject: Subject, rendering: Rendering, service: Rendered) -> set[str]:
    """Return the project's images that a Service leads to."""
    selector = {k: str(v) for k, v in (service.spec.get("selector") or {}).items()}
    pods = rendering.selected(selector)
    found = (c.image for c in subject.containers(rendering) if c.pod in pods and c.main)
    return {image for image in found if image}
