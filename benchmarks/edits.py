"""Copies of the project in which a line of each image's sources was changed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_IGNORED = shutil.ignore_patterns(".git", ".venv", ".deploy", "node_modules", ".next")
#: What a source file of each image gets at its end, so that its image is a new one.
_EDITS = {
    "images/backend/src/todo_backend/__init__.py": "\n# {stamp}\n",
    "images/frontend/src/lib/task-state.ts": "\n// {stamp}\n",
}


@contextmanager
def project_copy() -> Iterator[Path]:
    """Have a copy of the project for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="deploy-bench-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=_IGNORED)
        yield copy


def edit(project: Path) -> None:
    """Change one line of each image's sources."""
    for name, text in _EDITS.items():
        with (project / name).open("a") as file:
            file.write(text.format(stamp=time.time_ns()))
