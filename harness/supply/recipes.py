"""Which official images can be stood in for, and what their stand-ins hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "supply" / "bases"
#: What a reader is told when an image cannot be stood in for.
OFFERED = (
    "debian:{trixie,bookworm}[-slim]",
    "python:3.N[-slim] up to 3.13",
    "node:{22,24,26}[-slim]",
    "postgres:N[-alpine] up to 17",
    "registry:3",
)
SUITES = {"13": "trixie", "trixie": "trixie", "stable": "trixie", "latest": "trixie"}
SUITES |= {"12": "bookworm", "bookworm": "bookworm"}
#: The Debian that the others stand on, and what it holds.
SUITE = "trixie"
PYTHON = (3, 13)
POSTGRES = 17
NODE_NAMES = {"lts": "24", "current": "26", "latest": "26", "": "26"}
_COMPILERS = "build-essential curl git pkg-config wget"
_FULL = {
    "python": f"{_COMPILERS} libffi-dev libpq-dev libssl-dev zlib1g-dev",
    "node": f"{_COMPILERS} python3-minimal",
}
_VERSION = re.compile(r"\d+(\.\d+)*|lts|current|latest|stable")
_VARIANTS = ("slim", "alpine")


@dataclass(frozen=True)
class Recipe:
    """How the stand-in for one official image is made.

    Args:
        official: the image that it stands in for.
        name: of the recipe, and of its folder in supply/bases.
        holds: what it holds, for people.
        suite: for debian, the release to bootstrap; the others stand on `SUITE`.
        arguments: build arguments.
        node: major version of Node to fetch, empty for none.
        program: for one that is a single program of supply/go and stands on nothing, its name.

    """

    official: str
    name: str
    holds: str
    suite: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    node: str = ""
    program: str = ""

    @property
    def folder(self) -> Path:
        """Where its Dockerfile or its arguments lie."""
        return SOURCES / self.name

    @property
    def tag(self) -> str:
        """The official tag, which the stand-in's tag begins with."""
        return self.official.rpartition(":")[2] if ":" in self.official else "latest"


def recipe_for(official: str) -> Recipe | None:
    """Return the recipe of a stand-in for an official image, None when there is none."""
    short = re.sub(r"^([a-z0-9.-]+(:\d+)?/)?library/", "", official)
    name, _, tag = short.partition(":")
    words = (tag or "latest").split("-")
    version = words.pop(0) if _VERSION.fullmatch(words[0]) else ""
    variant = next((word for word in words if word in _VARIANTS), "")
    suite = next((word for word in words if word in SUITES), "")
    if name not in _RECIPES or sorted(words) != sorted(filter(None, (variant, suite))):
        return None
    return _RECIPES[name](official, version, variant, suite)


def node_pins(major: str) -> dict[str, str]:
    """Return versions and hashes of one major version of Node, empty when not pinned."""
    pins: dict[str, dict[str, str]] = tomllib.loads((SOURCES / "node" / "pins.toml").read_text())
    return pins.get(major, {})


def _debian(official: str, version: str, variant: str, suite: str) -> Recipe | None:
    release = SUITES.get(suite or version)
    if release is None or variant == "alpine":
        return None
    return Recipe(official, "debian", f"Debian {release}, minimal", suite=release)


def _python(official: str, version: str, variant: str, suite: str) -> Recipe | None:
    asked = [int(part) for part in re.findall(r"\d+", version)] or [3]
    newer = asked[0] != PYTHON[0] or tuple(asked[:2]) > PYTHON
    if variant == "alpine" or newer or version in ("lts", "current", "stable"):
        return None
    held = ".".join(map(str, PYTHON))
    holds = f"Debian {SUITE}'s Python {held} in the official layout"
    if tuple(asked[:2]) != PYTHON and len(asked) > 1:
        holds += f", where {version} was asked for"
    extra = {} if variant == "slim" else {"EXTRA": _FULL["python"]}
    return Recipe(official, "python", holds + _elsewhere(suite), arguments=extra)


def _node(official: str, version: str, variant: str, suite: str) -> Recipe | None:
    major = NODE_NAMES.get(version, version).split(".")[0]
    pins = node_pins(major)
    if variant == "alpine" or not pins:
        return None
    holds = f"Node {pins['node']} and npm {pins['npm']} from npm's registry, on Debian {SUITE}"
    arguments = {"NODE_VERSION": pins["node"]}
    if variant != "slim":
        arguments["EXTRA"] = _FULL["node"]
    return Recipe(official, "node", holds + _elsewhere(suite), arguments=arguments, node=major)


def _postgres(official: str, version: str, variant: str, suite: str) -> Recipe | None:
    major = re.match(r"\d+", version)
    if variant == "slim" or (version and not major and version != "latest"):
        return None
    asked = int(major[0]) if major else POSTGRES
    if asked > POSTGRES:
        return None
    holds = f"Debian {SUITE}'s PostgreSQL {POSTGRES} behind the official image's contract"
    if asked != POSTGRES:
        holds += f", where {asked} was asked for"
    if variant == "alpine":
        holds += ", on Debian instead of Alpine"
    arguments = {"PG_MAJOR": str(POSTGRES)}
    return Recipe(official, "postgres", holds + _elsewhere(suite), arguments=arguments)


def _registry(official: str, version: str, variant: str, suite: str) -> Recipe | None:
    if variant or suite or version.split(".")[0] not in ("", "3", "latest"):
        return None
    return Recipe(
        official, "registry", "the distribution project's registry 3, alone", program="registry"
    )


def _elsewhere(suite: str) -> str:
    return f", on {SUITE} instead of {suite}" if suite and suite != SUITE else ""


_RECIPES: dict[str, Callable[[str, str, str, str], Recipe | None]] = {
    "debian": _debian,
    "python": _python,
    "node": _node,
    "postgres": _postgres,
    "registry": _registry,
}
