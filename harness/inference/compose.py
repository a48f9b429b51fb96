"""Compose files: which folder an image is built from, and on what port it serves."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from harness.contract.finding import Place
from harness.inference.folder import Folder

_FILE = re.compile(r"(docker-)?compose([.-][\w-]+)?\.ya?ml")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Composed:
    """A service of a Compose file. Paths are from the top; "" for what it does not say."""

    name: str
    place: Place
    image: str
    context: str
    dockerfile: str
    ports: tuple[int, ...]
    args: tuple[tuple[str, str], ...] = ()


def find_composed(folder: Folder, files: list[str]) -> list[Composed]:
    """Return the services of all Compose files, those of production last."""
    found: list[Composed] = []
    for file in files:
        if _FILE.fullmatch(PurePosixPath(file).name):
            found += _services(folder, file)
    return found


def _services(folder: Folder, file: str) -> list[Composed]:
    text = folder.text(file)
    try:
        told = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    services = told.get("services") if isinstance(told, dict) else None
    found = []
    for name, body in (services if isinstance(services, dict) else {}).items():
        if not isinstance(body, dict):
            continue
        build = body.get("build")
        build = {"context": build} if isinstance(build, str) else build
        build = build if isinstance(build, dict) else {}
        context = str(build.get("context") or ("." if build else ""))
        if "://" in context or context.startswith("/"):
            context = ""
        base = posixpath.join(posixpath.dirname(file), context) if context else ""
        base = posixpath.normpath(base) if base else ""
        if base.startswith(".."):
            base = ""
        dockerfile = str(build.get("dockerfile") or "Dockerfile")
        line = re.search(rf"^\s+{re.escape(str(name))}:", text, re.MULTILINE)
        args = build.get("args")
        found.append(
            Composed(
                name=str(name),
                place=Place(file, text.count("\n", 0, line.end()) + 1 if line else None),
                image=str(body.get("image") or ""),
                context=base,
                dockerfile=posixpath.normpath(posixpath.join(base, dockerfile)) if base else "",
                ports=tuple(_ports(body.get("ports"))),
                args=tuple(
                    (str(key), str(value))
                    for key, value in (args if isinstance(args, dict) else {}).items()
                    if value is not None and "$" not in str(value)
                ),
            )
        )
    return found


def _ports(told: object) -> list[int]:
    """Return the ports inside the container."""
    found = []
    for one in told if isinstance(told, list) else ():
        text = str(one.get("target", "")) if isinstance(one, dict) else str(one).rpartition(":")[2]
        text = text.partition("/")[0]
        if text.isdecimal():
            found.append(int(text))
    return found
