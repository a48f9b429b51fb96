"""What the tests of the chart share: Helm, rendering, and questions to a manifest."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cache import Cache
from harness.command import environment
from harness.helm import Helm, ReleaseObject, release_objects, values_from_paths

CHART = Path(__file__).parent.parent / "helm" / "todo-app"
RELEASE, NAMESPACE = "rel", "shop"
SECRETS = {
    "secrets.databaseUrl": "postgresql://app:pa55-of-app@db.internal:5432/todo?sslmode=require",
    "secrets.cohereApiKey": "cohere-key-of-a-test",
    "secrets.betterAuthSecret": "signing-key-of-a-test-0123456789",
}
EXISTING = {"secrets.existingSecret": "my-secret"}
INSIDE = {
    "postgresql.enabled": True,
    "secrets.postgresPassword": "pa55-of-postgres",
    "secrets.cohereApiKey": SECRETS["secrets.cohereApiKey"],
    "secrets.betterAuthSecret": SECRETS["secrets.betterAuthSecret"],
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": SECRETS,
    "existing secret": EXISTING,
    "database inside": INSIDE,
    "everything": {
        **INSIDE,
        "config.cohereBaseUrl": "http://cohere.internal:8080",
        "config.betterAuthUrl": "https://todo.internal",
        "postgresql.persistence.changeOwner": True,
        "frontend.service.nodePort": 30080,
        "backend.autoscaling.enabled": True,
        "frontend.autoscaling.enabled": True,
        "backend.podDisruptionBudget.enabled": True,
        "frontend.podDisruptionBudget.enabled": True,
        "ingress.enabled": True,
        "ingress.className": "nginx",
        "ingress.hosts": ["todo.internal"],
        "ingress.tls": [{"secretName": "todo-tls", "hosts": ["todo.internal"]}],
        "imagePullSecrets": ["pull"],
    },
    "names from the release": {
        **SECRETS,
        "backend.service.name": "",
        "frontend.service.name": "",
    },
    "other names": {
        **INSIDE,
        "nameOverride": "shop",
        "backend.service.name": "api",
        "backend.service.port": 9000,
        "backend.containerPort": 9001,
        "frontend.service.name": "web",
        "postgresql.service.name": "db",
        "postgresql.service.port": 5433,
    },
    "no replica": {**SECRETS, "backend.replicaCount": 0, "frontend.replicaCount": 0},
}


@functools.cache
def helm_binary() -> Path | None:
    """Helm in the cache of built tools, else on the PATH."""
    environ = environment()
    built = sorted(Cache.default(environ).root.glob("tools/helm-v*/helm"))
    found = built[-1] if built else shutil.which("helm", path=environ.get("PATH"))
    return Path(found) if found else None


@functools.cache
def helm() -> Helm:
    binary = helm_binary()
    if binary is None:
        pytest.skip("Helm is neither in the cache (`make prepare` puts it there) nor on the PATH")
    home = Cache.default(environment()).root / "tests"
    return Helm(binary, Path("unused"), "unused", home)


def render(
    paths: dict[str, Any] | None = None, release: str = RELEASE, namespace: str = NAMESPACE
) -> Manifest:
    """Render the chart with values by dotted path; those of SECRETS by default."""
    values = json.dumps(values_from_paths(SECRETS if paths is None else paths))
    return Manifest(_rendered(values, release, namespace))


@functools.cache
def _rendered(values: str, release: str, namespace: str) -> str:
    return helm().template(CHART, release, namespace, json.loads(values), kube_version="1.34.0")


class Manifest:
    """The objects of one rendering, by kind and name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.objects: list[ReleaseObject] = release_objects(text)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {item.name: item.body for item in self.objects if item.kind == kind}

    def one(self, kind: str, ending: str = "") -> dict[str, Any]:
        found = [body for name, body in self.of(kind).items() if name.endswith(ending)]
        assert len(found) == 1, f"{len(found)} of {kind} …{ending}: {list(self.of(kind))}"
        return found[0]

    def pods(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Yield name, metadata and spec of every pod, templates and the test's pod."""
        for item in self.objects:
            if item.kind == "Pod":
                yield item.name, item.body["metadata"], item.body["spec"]
            elif item.kind in ("Deployment", "StatefulSet"):
                template = item.body["spec"]["template"]
                yield item.name, template["metadata"], template["spec"]

    def containers(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, _, spec in self.pods():
            for container in (*spec.get("initContainers", ()), *spec["containers"]):
                yield f"{name}/{container['name']}", container

    def container(self, ending: str) -> dict[str, Any]:
        found = [body for name, body in self.containers() if name.endswith(ending)]
        assert len(found) == 1, f"{len(found)} containers …{ending}"
        return found[0]

    def data(self, kind: str) -> dict[str, dict[str, str]]:
        return {name: body.get("data") or {} for name, body in self.of(kind).items()}


def env(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in container.get("env", ())}


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def parameters() -> list[tuple[str, str, str]]:
    """Return path, default and meaning of each `# --` comment of values.yaml."""
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    found, folders, meaning = [], list[tuple[int, str]](), ""
    for line in text.splitlines():
        if comment := re.fullmatch(r" *# -- (.+)", line):
            assert not meaning, f"two comments for one value: {meaning!r}"
            meaning = comment[1]
        elif key := re.match(r"( *)([A-Za-z]+):", line):
            depth = len(key[1])
            folders = [entry for entry in folders if entry[0] < depth] + [(depth, key[2])]
            if meaning:
                path = ".".join(name for _, name in folders)
                found.append((path, json.dumps(value_at(values, path)), meaning))
                meaning = ""
    return found


def value_at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values[key]
    return values


def leaves(values: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted path of every value; an empty mapping is one."""
    if isinstance(values, dict) and values:
        for key, below in values.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    else:
        yield path
