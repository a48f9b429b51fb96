"""The files of a build context as BuildKit sees them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast


def ignore_file(context: Path, dockerfile: str) -> Path | None:
    """Return the ignore file in force: `<Dockerfile>.dockerignore`, else `.dockerignore`."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        if (context / name).is_file():
            return context / name
    return None


def ignore_patterns(context: Path, dockerfile: str) -> list[str]:
    """Return the patterns of the ignore file in force, without comments."""
    file = ignore_file(context, dockerfile)
    if file is None:
        return []
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


class Context:
    """The paths below a folder that its ignore file lets through.

    Patterns follow the `.dockerignore` rules (`**`, `!` exceptions, later lines win),
    by the matcher of Docker's own SDK.
    """

    def __init__(self, root: Path, dockerfile: str = "Dockerfile") -> None:
        self.root = root
        self.patterns = ignore_patterns(root, dockerfile)
        self._kept = self._walk()

    def _walk(self) -> set[str]:
        from docker.utils.build import PatternMatcher  # imports all of Docker's SDK

        # A `!` exception below an excluded folder makes the matcher descend; without
        # one it prunes, so that node_modules is not walked.
        matcher = cast("Any", PatternMatcher)(list(self.patterns))
        found = cast("Iterator[str]", matcher.walk(os.fspath(self.root)))
        return {path.replace(os.sep, "/") for path in found}

    def files(self) -> list[Path]:
        """Return files and links (not folders) in the context, sorted."""
        paths = (self.root / name for name in sorted(self._kept))
        return [path for path in paths if path.is_symlink() or not path.is_dir()]

    def holds(self, path: str) -> bool:
        """Say whether a path relative to the root, file or folder, reaches the build.

        A folder counts when anything below it does.
        """
        wanted = path.strip("/").removeprefix("./")
        if wanted in ("", "."):
            return True
        return wanted in self._kept or any(name.startswith(f"{wanted}/") for name in self._kept)

    def names(self) -> frozenset[str]:
        """Return all kept paths, files and folders, relative to the root."""
        return frozenset(self._kept)
