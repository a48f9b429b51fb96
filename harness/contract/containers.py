"""Containers of a rendering, with every variable that they are given resolved."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.contract.rendering import PodTemplate, Rendered, Rendering
from harness.project import Project

_EXPANSION = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True)
class Setting:
    """A variable of a container. `value` is None when no rendering can tell it.

    Attributes:
        origin: `plain`, or kind and name of what holds it.
        key: its key there.

    """

    name: str
    value: str | None = field(repr=False)
    origin: str = "plain"
    key: str = ""

    @property
    def secret(self) -> bool:
        """Whether a Secret holds it."""
        return self.origin.startswith("Secret ")


@dataclass(frozen=True)
class Container:
    """A container of a pod. `image` is the project's name of what it runs, if it is ours."""

    pod: PodTemplate
    body: Mapping[str, Any] = field(repr=False)
    image: str | None
    init: bool
    settings: tuple[Setting, ...] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.pod.owner} ({self.body.get('name')})"

    @property
    def owner(self) -> Rendered:
        """Return the object that it belongs to."""
        return self.pod.owner

    @property
    def main(self) -> bool:
        """Whether it is the program itself: it lasts, as the image starts it."""
        return self.pod.lasting and not self.init

    @property
    def words(self) -> list[str]:
        """Return command and arguments, with variables filled in."""
        known = {s.name: s.value for s in self.settings if s.value is not None}
        words = [*(self.body.get("command") or ()), *(self.body.get("args") or ())]
        return [expanded(str(word), known) for word in words]

    @property
    def ports(self) -> dict[str, int]:
        """Return its ports by name; one without is named by its number."""
        ports = self.body.get("ports") or ()
        return {
            str(port.get("name") or port["containerPort"]): int(port["containerPort"])
            for port in ports
        }

    def security(self, key: str) -> Any:
        """Return a setting of its security context, or of its pod's."""
        own = self.body.get("securityContext") or {}
        pods = self.pod.spec.get("securityContext") or {}
        return own[key] if key in own else pods.get(key)


def containers(rendering: Rendering, project: Project) -> list[Container]:
    """Return all containers, those that run before the others first."""
    found = []
    for pod in rendering.pods:
        for kind in ("initContainers", "containers"):
            for body in pod.spec.get(kind) or ():
                init = kind == "initContainers" and body.get("restartPolicy") != "Always"
                image = _image(str(body.get("image") or ""), project)
                settings = tuple(settings_of(body, rendering))
                found.append(Container(pod, body, image, init, settings))
    return found


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Replace each `$(NAME)` that is known, as Kubernetes does."""
    return _EXPANSION.sub(lambda match: known.get(match[1], match[0]), text)


def data_of(item: Rendered) -> dict[str, str]:
    """Return the keys of a Secret or ConfigMap with their texts."""
    data = {key: str(value) for key, value in (item.body.get("data") or {}).items()}
    if item.kind == "Secret":
        data = {key: _decoded(value) for key, value in data.items()}
        data |= {k: str(v) for k, v in (item.body.get("stringData") or {}).items()}
    return data | dict.fromkeys(item.body.get("binaryData") or {}, "")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text  # not encoded at all, or no text


def _image(reference: str, project: Project) -> str | None:
    repository = reference.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    repositories = {image.repository: name for name, image in project.images.items()}
    return repositories.get(repository)


def settings_of(body: Mapping[str, Any], rendering: Rendering) -> Iterator[Setting]:
    """Yield the variables of a container, with all that the rendering tells of their values."""
    known: dict[str, str] = {}
    for setting in (*_from_whole(body, rendering), *_from_env(body, rendering)):
        value = setting.value
        if value is not None and setting.origin == "plain":
            value = expanded(value, known)
        if value is not None:
            known[setting.name] = value
        yield Setting(setting.name, value, setting.origin, setting.key)


def _from_whole(body: Mapping[str, Any], rendering: Rendering) -> Iterator[Setting]:
    for entry in body.get("envFrom") or ():
        for kind, reference in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            name = (entry.get(reference) or {}).get("name")
            item = rendering.find(kind, str(name)) if name else None
            for key, value in data_of(item).items() if item else ():
                yield Setting(f"{entry.get('prefix') or ''}{key}", value, f"{kind} {name}", key)


def _from_env(body: Mapping[str, Any], rendering: Rendering) -> Iterator[Setting]:
    for entry in body.get("env") or ():
        name, source = str(entry.get("name")), entry.get("valueFrom") or {}
        for kind, reference in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if reference in source:
                holder, key = str(source[reference].get("name")), str(source[reference].get("key"))
                item = rendering.find(kind, holder)
                value = data_of(item).get(key) if item else None
                yield Setting(name, value, f"{kind} {holder}", key)
                break
        else:
            value = None if source else str(entry.get("value", ""))
            yield Setting(name, value, "field" if source else "plain")
