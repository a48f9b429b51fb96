"""Which official images can be stood in for, and what their stand-ins hold."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from harness.supply import languages, servers
from harness.supply.image_name import SUITES, ImageName, parse
from harness.supply.recipe import Recipe, debian

Rule = Callable[[ImageName], Recipe | None]
#: What a reader is told when an image cannot be stood in for.
OFFERED = (
    "debian:{trixie,bookworm,bullseye}[-slim]",
    "python:3.N[-slim,-alpine] up to 3.14",
    "node:{16,18,20,22,24,26}[-slim,-alpine]",
    "postgres:N[-alpine] up to 17",
    "nginx[:N][-alpine]",
    "nginxinc/nginx-unprivileged[:N][-alpine]",
    "redis:N[-alpine] up to 8",
    "alpine[:3.N]",
    "busybox",
    "ghcr.io/astral-sh/uv",
    "registry:3",
)
#: What a stand-in calls itself where the tag names no version.
ALPINE = "3.22"
# What Alpine's version of an image has otherwise than others: tools, and the id of its user.
_OF_ALPINE: dict[str, dict[str, str]] = {
    "nginx": {},
    "node": {},
    "postgres": {"KEPT": "bash", "RENUMBERED": "postgres:70"},
    "python": {},
    "redis": {},
}
_UV = "ghcr.io/astral-sh/uv"
_UNPRIVILEGED = "nginxinc/nginx-unprivileged"


def recipe_for(official: str) -> Recipe | None:
    """Return the recipe of a stand-in for an official image, None when there is none."""
    asked = parse(official)
    rule = _RULES.get(asked.name)
    if rule is None or (asked.pinned and not asked.tag):
        return None
    if asked.alpine and asked.name not in (_UNPRIVILEGED, _UV):
        recipe = _speaking_alpine(asked, rule)
    else:
        recipe = rule(asked)
    if recipe is not None and asked.pinned:
        return dataclasses.replace(recipe, holds=f"{recipe.holds}, not the digest asked for")
    return recipe


def _debian(asked: ImageName) -> Recipe | None:
    release = SUITES.get(asked.suite or asked.version)
    if release is None or asked.rest:
        return None
    return dataclasses.replace(debian(release), official=asked.written)


def _nginx_unprivileged(asked: ImageName) -> Recipe | None:
    server = None if asked.rest else recipe_for(f"nginx:{asked.tag}")
    if server is None:
        return None
    holds = f"{server.holds}, as user 101 on port 8080"
    # A port that an image exposes is exposed by those that stand on it: below, it is none yet.
    if server.on is not None and server.on.name == "nginx":
        server = dataclasses.replace(server, on=dataclasses.replace(server.on, target="server"))
    else:
        server = dataclasses.replace(server, target="server")
    return Recipe(asked.written, "nginx-unprivileged", holds, on=server)


def _busybox(asked: ImageName) -> Recipe | None:
    if asked.alpine or asked.slim or asked.suite or set(asked.rest) - {"musl", "glibc", "uclibc"}:
        return None
    holds = "Debian's busybox and OpenBSD's nc, alone"
    return Recipe(asked.written, "busybox", holds, on=debian())


def _uv(asked: ImageName) -> Recipe | None:
    """Return the programs alone, or on what the rest of the tag asks for."""
    rest = re.sub(r"^(latest|\d+(\.\d+)*)(-|$)", "", asked.tag)
    holds = "uv and uvx from their wheel"
    if not rest:
        return Recipe(asked.written, "uv", f"{holds}, alone", wheels=("uv",))
    python = re.fullmatch(r"python(\d+\.\d+)-(.+)", rest)
    plain = f"alpine:{rest.removeprefix('alpine') or 'latest'}" if "alpine" in rest else ""
    plain = plain or f"debian:{'latest' if rest.startswith('debian') else rest}"
    below = recipe_for(f"python:{python[1]}-{python[2]}" if python else plain)
    if below is None:
        return None
    holds = f"{holds}, on {below.holds}"
    return Recipe(asked.written, "uv", holds, on=below, target="installed", wheels=("uv",))


def _speaking_alpine(asked: ImageName, rule: Rule) -> Recipe | None:
    """Return a recipe for an image on Alpine: the one on Debian, with another dialect."""
    if asked.name not in _OF_ALPINE:
        return None
    below = rule(asked.on_debian(slim=asked.name in languages.FULL))
    return below and _dialect(asked, below)


def _dialect(asked: ImageName, below: Recipe) -> Recipe:
    arguments = {"ALPINE_VERSION": asked.alpine_version or ALPINE, **_OF_ALPINE.get(asked.name, {})}
    holds = f"{below.holds}, with Alpine's commands on Debian instead of Alpine"
    return Recipe(asked.written, asked.name, holds, on=below, made_in="alpine", arguments=arguments)


def _alpine(asked: ImageName) -> Recipe | None:
    word = asked.version and not asked.numbers and asked.version not in ("latest", "edge")
    if asked.rest or asked.suite or asked.slim or word:
        return None
    version = asked.version if len(asked.numbers) > 1 else ""
    recipe = _dialect(dataclasses.replace(asked, alpine_version=version), debian())
    return dataclasses.replace(recipe, target="shell")


_RULES: dict[str, Rule] = {
    "alpine": _alpine,
    "busybox": _busybox,
    "debian": _debian,
    _UV: _uv,
    "python": languages.python,
    "nginx": servers.nginx,
    _UNPRIVILEGED: _nginx_unprivileged,
    "node": languages.node,
    "postgres": servers.postgres,
    "redis": servers.redis,
    "registry": servers.registry,
}
