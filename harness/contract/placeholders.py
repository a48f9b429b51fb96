"""Facts of the right shape for a run that has no cluster, no database and no stand-in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.helm import values_from_paths
from harness.project import REFERENCE, Project, fill

Facts = dict[str, str | int]
NODE_PORT = 30777


def facts(project: Project, seed: str = "first") -> Facts:
    """Return what each `${…}` of the description stands for.

    Every text is like no other, so that it can be found again in what is rendered.
    Another `seed` gives other secrets and addresses; images and ports stay the same.
    """
    known: Facts = {"cluster.node_port": NODE_PORT}
    for name, image in project.images.items():
        tag = f"contract-{name}"
        known |= {
            f"images.{name}.repository": image.repository,
            f"images.{name}.tag": tag,
            f"images.{name}.ref": f"{image.repository}:{tag}",
        }
    for name, standin in project.standins.items():
        known[f"standins.{name}.url"] = f"http://{seed}-{name}.outside.test:8080{standin.path}"
        known[f"standins.{name}.key"] = _random(f"{seed} key {name}", 24)
    for name, secret in project.secrets.items():
        known[f"secrets.{name}"] = _random(f"{seed} secret {name}", secret.generate)
    if project.database:
        password = _random(f"{seed} password", 24)
        host, name = f"{seed}-database.outside.test", project.database.name
        known["database.password"] = _random(f"{seed} password inside", 24)
        known["database.repository"], known["database.tag"] = "contract-database", "17-contract"
        known["database.url"] = f"postgresql://{name}:{password}@{host}:5432/{name}?sslmode=require"
    return known


def values(project: Project, known: Mapping[str, str | int], variant: str = "") -> dict[str, Any]:
    """Return the chart's values for these facts, in one of the described variants."""
    paths = project.values | (project.variants[variant] if variant else {})
    return values_from_paths({path: fill(value, known) for path, value in paths.items()})


def secrets(known: Mapping[str, str | int]) -> dict[str, str]:
    """Return the facts that must be seen in Secrets only; of a URL its password."""
    found = {}
    for name, value in known.items():
        if name == "database.url":
            found[name] = urlsplit(str(value)).password or ""
        elif name.startswith("secrets.") or name.endswith((".key", ".password")):
            found[name] = str(value)
    return found


def secret_paths(project: Project) -> list[str]:
    """Return the paths of the values that hold a secret."""
    held = secrets(dict.fromkeys(project.references(), ""))
    return [
        path
        for path, value in project.values.items()
        if any(reference in held for reference in REFERENCE.findall(str(value)))
    ]


def _random(name: str, length: int) -> str:
    """Return a text that looks random and is the same in every run."""
    digest = hashlib.sha512(f"placeholder {name}".encode()).hexdigest()
    return ("P1" + digest * 4)[: max(length, 16)]
