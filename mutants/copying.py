"""A light copy of what the suite reads of a project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.project import FILE_NAME
from mutants.change import Change

#: What a run reads of the project; the rest of the tree is the harness itself.
PARTS = (FILE_NAME, "helm", "images", "supply/cohere")
_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv", ".deploy", "node_modules", ".next", "build", "__pycache__"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", "test-results"),
)


def copy_project(source: Path, target: Path) -> None:
    """Copy the parts of the project at `source` that a run reads. `target` does not exist yet."""
    target.mkdir()
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=_LEFT_OUT)
        elif (source / part).is_file():
            shutil.copy2(source / part, target / part)


@contextmanager
def copied(source: Path, changes: Iterable[Change] = ()) -> Iterator[Path]:
    """Yield a changed copy of the project, which is removed afterwards.

    Raises:
        ChangeDoesNotApplyError: a change does not fit the project.

    """
    with tempfile.TemporaryDirectory(prefix="deploy-mutant-") as folder:
        target = Path(folder).resolve() / "project"
        copy_project(source, target)
        for change in changes:
            change.apply(target)
        yield target
