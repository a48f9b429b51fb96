"""Which containers are given which secret, as their pods and the Secrets there say."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.kube.errors import NotFoundError
from harness.kube.resources import CONFIG_MAP, SECRET, Object, meta

if TYPE_CHECKING:
    from harness.kube.client import Kube


def given(client: Kube, pod: Object, container: Mapping[str, Any]) -> dict[str, str]:
    """Return what a container is given, by where: variables, and files of Secrets."""
    held = _Held(client, str(meta(pod)["namespace"]))
    found = dict(_variables(container, held))
    mounted = {mount["name"] for mount in container.get("volumeMounts") or ()}
    for volume in pod["spec"].get("volumes") or ():
        if volume["name"] in mounted:
            sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
            for secret in (one.get("secret") for one in sources):
                if secret:
                    name = str(secret.get("secretName") or secret.get("name"))
                    for key, value in held.of(SECRET, name).items():
                        found[f"file {key} of Secret {name}"] = value
    return found


def _variables(container: Mapping[str, Any], held: _Held) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or ():
        prefix = str(source.get("prefix") or "")
        for key, resource in (("secretRef", SECRET), ("configMapRef", CONFIG_MAP)):
            if key in source:
                for name, value in held.of(resource, str(source[key]["name"])).items():
                    yield f"variable {prefix}{name}", value
    for entry in container.get("env") or ():
        where, value = f"variable {entry['name']}", str(entry.get("value") or "")
        origin = entry.get("valueFrom") or {}
        for key, resource in (("secretKeyRef", SECRET), ("configMapKeyRef", CONFIG_MAP)):
            if key in origin:
                value = held.of(resource, str(origin[key]["name"])).get(origin[key]["key"], "")
        yield where, value


class _Held:
    """What Secrets and ConfigMaps of a namespace hold, each asked for once."""

    def __init__(self, client: Kube, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def of(self, resource: Any, name: str) -> dict[str, str]:
        """Return it as text; nothing when there is no such object."""
        key = (resource.kind, name)
        if key not in self._known:
            try:
                data = self._client.get(resource, name, self._namespace).get("data") or {}
            except NotFoundError:
                data = {}
            if resource is SECRET:
                data = {k: base64.b64decode(v).decode(errors="replace") for k, v in data.items()}
            self._known[key] = data
        return self._known[key]
