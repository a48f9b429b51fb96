"""How the stand-in for one official image is made."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

#: The Debian that the others stand on.
SUITE = "trixie"
SOURCES = Path(__file__).resolve().parents[2] / "supply" / "bases"


@dataclass(frozen=True)
class Recipe:
    """How the stand-in for one official image is made.

    Args:
        official: the image that it stands in for.
        name: what the stand-in is called.
        holds: what it holds, for people.
        suite: the release of Debian to bootstrap, for one that is a Debian by itself.
        on: the recipe of what it stands on, None for nothing.
        made_in: its folder in supply/bases, by default the one of its name.
        target: stage of its Dockerfile, by default the last.
        arguments: build arguments.
        node: major version of Node to fetch, empty for none.
        program: of supply/go, to be compiled into its context, empty for none.
        wheels: of supply/wheels, to be unpacked into the folder `wheels` of its context.

    """

    official: str
    name: str
    holds: str
    suite: str = ""
    on: Recipe | None = None
    made_in: str = ""
    target: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    node: str = ""
    program: str = ""
    wheels: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its Dockerfile or its arguments lie."""
        return SOURCES / (self.made_in or self.name)

    @property
    def tag(self) -> str:
        """The official tag, which the stand-in's tag begins with."""
        name = self.official.partition("@")[0]
        tag = name.rpartition(":")[2] if ":" in name else "latest"
        return tag if "/" not in tag else "latest"


def node_pins(major: str) -> dict[str, str]:
    """Return versions and hashes of one major version of Node, empty when not pinned.

    Of `node` there are a hash for each architecture; of npm, yarn and corepack, as far as
    that image has them, a version by their name and a hash by their name with `_integrity`.
    """
    pins = tomllib.loads((SOURCES / "node" / "pins.toml").read_text())
    if major not in pins:
        return {}
    found: dict[str, str] = dict(pins[major])
    for package in found.pop("packages").split():
        name, _, found[package.partition("@")[0]] = package.partition("@")
        found[f"{name}_integrity"] = pins["integrity"][package]
    return found


def debian(suite: str = SUITE) -> Recipe:
    """Return a release of Debian, by default the one that the others stand on."""
    return Recipe(f"debian:{suite}-slim", "debian", f"Debian {suite}, minimal", suite=suite)


def elsewhere(suite: str, recipe: Recipe) -> Recipe:
    """Say of a recipe that it stands on another Debian, where that is asked for by name."""
    if suite in ("", SUITE):
        return recipe
    return dataclasses.replace(recipe, holds=f"{recipe.holds}, on {SUITE} instead of {suite}")
