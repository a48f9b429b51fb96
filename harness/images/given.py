"""What a build is given beside its sources, of which nothing stays in the image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.images.dockerfile import Dockerfile

_FOLDER = "/run/secrets"


@dataclass(frozen=True)
class Given:
    """Variables and files that each RUN sees while an image is built.

    Args:
        variables: by name. They are ARGs of each stage: an ENV of the Dockerfile wins.
        files: by the path that a step sees, which holds a hash of the content where that may
            differ: the engine does not build again because of what is in a secret.

    """

    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def __or__(self, other: Given) -> Given:
        """Return what both give."""
        return Given({**self.variables, **other.variables}, {**self.files, **other.files})

    def without(self, name: str) -> Given:
        """Return the same without a variable."""
        return Given({n: v for n, v in self.variables.items() if n != name}, self.files)

    @property
    def secrets(self) -> Iterator[tuple[str, Path]]:
        """The id of each build secret, and the file that holds it."""
        for path, file in self.files.items():
            yield secret_id(path), file

    def add_to(self, lines: list[str], dockerfile: Dockerfile) -> None:
        """Put an ARG behind each FROM and mounts into each RUN of a Dockerfile's lines."""
        argument = "ARG " + " ".join(f"{name}={value}" for name, value in self.variables.items())
        mounts = "".join(
            f" --mount=type=secret,id={secret_id(path)},target={path},mode=0444,required=false"
            for path in self.files
        )
        for one in reversed(dockerfile.instructions):
            index = one.line - 1
            if one.word == "RUN" and mounts:
                lines[index] = re.sub(r"^(\s*\w+)", lambda m: m[1] + mounts, lines[index], count=1)
            elif one.word == "FROM" and self.variables:
                while lines[index].rstrip().endswith(dockerfile.escape):
                    index += 1
                lines.insert(index + 1, argument)


def secret_path(name: str) -> str:
    """Return where a step sees a file of this name."""
    return f"{_FOLDER}/{name}"


def secret_id(path: str) -> str:
    """Return the id of the build secret that a step sees at a path."""
    return path.rpartition("/")[2]
