"""What is to be built, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from harness.labels import PREFIX

HASH_LABEL = PREFIX + "hash"
NAME_LABEL = PREFIX + "image"

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ImageSpec:
    """An image that a Dockerfile of the application describes.

    Args:
        name: what people call it, for messages.
        context: the folder that the build sees.
        repository: the image's name without a tag.
        dockerfile: the Dockerfile's path, relative to `context`.
        build_args: values for the Dockerfile's ARGs. Never a secret: arguments stay
            in the image's history.
        bases: ARG name to the official base image that its FROM stands for; the
            builder replaces it by what can be had on this machine.
        target: the stage to build; by default the last.

    """

    name: str
    context: Path
    repository: str
    dockerfile: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    bases: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    target: str | None = None

    @property
    def file(self) -> Path:
        """Return the path of the Dockerfile."""
        return self.context / self.dockerfile


@dataclass(frozen=True)
class BuiltImage:
    """An image in the engine that belongs to the present content of its sources.

    `bases` maps each base ARG to the image that was really used; `seconds` is the
    wall time of the build, or of the look-up when nothing had to be built.
    """

    name: str
    repository: str
    tag: str
    id: str
    bases: Mapping[str, str]
    seconds: float
    built: bool

    @property
    def ref(self) -> str:
        """Return repository and tag, as a chart or `docker run` takes them."""
        return f"{self.repository}:{self.tag}"
