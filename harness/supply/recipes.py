"""Which official images can be stood in for, and what their stand-ins hold."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from harness.supply.gobuild import PYTHONS
from harness.supply.image_name import SUITES, ImageName, parse
from harness.supply.recipe import Recipe, node_pins

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
#: The Debian that the others stand on, and what it holds.
SUITE = "trixie"
PYTHON = (3, 13)
POSTGRES, REDIS, NGINX = 17, 8, "1.26"
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
NODE_NAMES = {"lts": 24, "current": 26, "latest": 26, "": 26}
NODE_NAMES |= {"gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
NODES = (16, 18, 20, 22, 24, 26)
# The release of Debian that has the C headers of a CPython that it does not have itself.
_HEADERS: dict[tuple[int, ...], str] = {(3, 11): "bookworm", (3, 14): "forky"}
_UV = "ghcr.io/astral-sh/uv"
_UNPRIVILEGED = "nginxinc/nginx-unprivileged"
# As the official images have them, without what only a desktop needs.
_COMPILERS = (
    "autoconf automake build-essential bzip2 curl file git gnupg libbz2-dev libcurl4-openssl-dev"
    " libffi-dev libjpeg-dev liblzma-dev libmariadb-dev libncurses-dev libpng-dev libpq-dev"
    " libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev libxml2-dev libxslt1-dev"
    " libyaml-dev openssh-client patch pkg-config procps unzip wget xz-utils zlib1g-dev"
)
_FULL = {"python": _COMPILERS, "node": f"{_COMPILERS} python3"}


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


def debian() -> Recipe:
    """Return the Debian that the others stand on."""
    name = f"debian:{SUITE}-slim"
    return Recipe(name, "debian", f"Debian {SUITE}, minimal", suite=SUITE)


def _debian(asked: ImageName) -> Recipe | None:
    release = SUITES.get(asked.suite or asked.version)
    if release is None or asked.rest:
        return None
    return Recipe(asked.written, "debian", f"Debian {release}, minimal", suite=release)


def _python(asked: ImageName) -> Recipe | None:
    wanted = (asked.numbers or PYTHON[:1])[:2]
    newest = max([PYTHON, *_CARRIED])
    strange = asked.rest or (asked.version and not asked.numbers)
    if strange or wanted[0] != PYTHON[0] or wanted > newest:
        return None
    # The nearest that is not older, but Debian's own for 3.12.
    held = PYTHON if len(wanted) == 1 else min(v for v in [PYTHON, *_CARRIED] if v >= wanted)
    arguments = {} if asked.slim else {"EXTRA": _FULL["python"]}
    wheels: tuple[str, ...] = ()
    if held == PYTHON:
        made = {"made_in": "python"}
        holds = f"Debian {SUITE}'s Python {_dotted(held)} in the official layout"
    else:
        program = _CARRIED[held]
        arguments |= {"PROGRAM": program.name, "HEADERS": _HEADERS.get(held, "")}
        made = {"made_in": "cpython", "program": program.name}
        # From 3.12 on the official images hold pip alone.
        wheels = ("setuptools", "wheel") if held < (3, 12) else ()
        holds = (
            f"CPython {program.version.split('-')[1]} of python-build-standalone in the official"
        )
        holds += " layout" if held in _HEADERS else " layout, without its C headers"
    if len(wanted) > 1 and wanted != held:
        holds += f", where {asked.version} was asked for"
    recipe = Recipe(
        asked.written, "python", holds, on=debian(), arguments=arguments, wheels=wheels, **made
    )
    return _variant(asked, recipe)


def _node(asked: ImageName) -> Recipe | None:
    if asked.rest or (asked.version and not asked.numbers and asked.version not in NODE_NAMES):
        return None
    wanted = asked.numbers[0] if asked.numbers else NODE_NAMES[asked.version]
    major = next((one for one in NODES if one >= wanted), None)
    if major is None:
        return None
    pins = node_pins(str(major))
    holds = f"Node {pins['node']} and npm {pins['npm']} from npm's registry, on Debian {SUITE}"
    if not pins["node"].startswith(asked.version) and asked.numbers:
        holds += f", where {asked.version} was asked for"
    arguments = {"NODE_VERSION": pins["node"]}
    if not asked.slim:
        arguments["EXTRA"] = _FULL["node"]
    recipe = Recipe(asked.written, "node", holds, on=debian(), arguments=arguments, node=str(major))
    return _variant(asked, recipe)


def _postgres(asked: ImageName) -> Recipe | None:
    wanted = asked.numbers[0] if asked.numbers else POSTGRES
    word = asked.version and not asked.numbers and asked.version != "latest"
    if asked.slim or asked.rest or word or wanted > POSTGRES:
        return None
    holds = f"Debian {SUITE}'s PostgreSQL {POSTGRES} behind the official image's contract"
    if wanted != POSTGRES:
        holds += f", where {wanted} was asked for"
    recipe = Recipe(
        asked.written, "postgres", holds, on=debian(), arguments={"PG_MAJOR": str(POSTGRES)}
    )
    return _variant(asked, recipe)


def _nginx(asked: ImageName) -> Recipe | None:
    if asked.rest or asked.version in ("lts", "current", "edge"):
        return None
    holds = f"Debian {SUITE}'s nginx {NGINX} in the official layout"
    if not f"{NGINX}.".startswith(f"{asked.version}.") and asked.version not in (
        "",
        "latest",
        "stable",
    ):
        holds += f", where {asked.version} was asked for"
    arguments = {"NGINX_SERIES": NGINX}
    return _variant(asked, Recipe(asked.written, "nginx", holds, on=debian(), arguments=arguments))


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


def _redis(asked: ImageName) -> Recipe | None:
    wanted = asked.numbers[0] if asked.numbers else REDIS
    word = asked.version and not asked.numbers and asked.version != "latest"
    if asked.slim or asked.rest or word or wanted > REDIS:
        return None
    holds = f"Debian {SUITE}'s Redis {REDIS} behind the official image's contract"
    if wanted != REDIS:
        holds += f", where {wanted} was asked for"
    arguments = {"REDIS_MAJOR": str(REDIS)}
    return _variant(asked, Recipe(asked.written, "redis", holds, on=debian(), arguments=arguments))


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


def _registry(asked: ImageName) -> Recipe | None:
    if asked.tag not in ("3", "latest") and asked.version.split(".")[0] != "3":
        return None
    if asked.slim or asked.suite or asked.rest:
        return None
    holds = "the distribution project's registry 3, alone"
    return Recipe(asked.written, "registry", holds, program="registry")


def _variant(asked: ImageName, recipe: Recipe) -> Recipe:
    """Say that it is not on the Debian asked for."""
    if not asked.suite or SUITES[asked.suite] == SUITE:
        return recipe
    return dataclasses.replace(recipe, holds=f"{recipe.holds}, on {SUITE} instead of {asked.suite}")


def _speaking_alpine(asked: ImageName, rule: Rule) -> Recipe | None:
    """Return a recipe for an image on Alpine: the one on Debian, with another dialect."""
    if asked.name not in _OF_ALPINE:
        return None
    below = rule(asked.on_debian(slim=asked.name in _FULL))
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


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


_CARRIED = {
    tuple(int(part) for part in program.name.removeprefix("python").split(".")): program
    for program in PYTHONS
}
_RULES: dict[str, Rule] = {
    "alpine": _alpine,
    "busybox": _busybox,
    "debian": _debian,
    _UV: _uv,
    "python": _python,
    "nginx": _nginx,
    _UNPRIVILEGED: _nginx_unprivileged,
    "node": _node,
    "postgres": _postgres,
    "redis": _redis,
    "registry": _registry,
}
