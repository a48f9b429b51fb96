"""What the sources of a run are, as git tells it without anything being changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.command import Completed, run
from harness.errors import DeployError
from harness.history.model import Source

_GIT_SECONDS = 30.0


def source_of(root: Path, leave_out: Iterable[Path] = ()) -> Source:
    """Return commit and content of the work tree around a folder; nothing where git knows none.

    What git does not track counts as well, unless it is ignored. Index and objects of the
    repository stay as they are: both are written beside it.

    Args:
        root: a folder in the work tree.
        leave_out: files and folders that do not count, such as what the run itself writes.

    """
    try:
        return _source(root, leave_out)
    except (DeployError, OSError):  # there is no git, or it takes too long
        return Source()


def _source(root: Path, leave_out: Iterable[Path]) -> Source:
    asked = ("--show-toplevel", "--git-path", "index", "--git-path", "objects")
    told = _git(root, "rev-parse", *asked)
    if told.returncode:
        return Source()
    top, index, objects = (root / line for line in told.stdout.splitlines())
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    commit = head.stdout.strip() if not head.returncode else ""
    with TemporaryDirectory(prefix="deploy-source-") as folder:
        beside = Path(folder)
        (beside / "objects").mkdir()
        if index.exists():
            shutil.copy2(index, beside / "index")  # with its time, which git compares
        env = {
            "GIT_INDEX_FILE": str(beside / "index"),
            "GIT_OBJECT_DIRECTORY": str(beside / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects.resolve()),
            "GIT_OPTIONAL_LOCKS": "0",
        }
        left = [f":(exclude,top,literal){path}" for path in _within(top, leave_out)]
        added = _git(top, "add", "--all", "--", ".", *left, env=env)
        written = _git(top, "write-tree", env=env)
        if added.returncode or written.returncode:
            return Source(commit)
        tree = written.stdout.strip()
    committed = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{tree}").stdout.strip()
    return Source(commit, tree != committed if commit else None, tree)


def commit_named(root: Path, name: str) -> str:
    """Return the commit that a name of git's stands for, such as HEAD; "" for none."""
    try:
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = _git(root, *words)
    except DeployError:
        return ""
    return found.stdout.strip() if not found.returncode else ""


def _within(top: Path, paths: Iterable[Path]) -> list[str]:
    top = top.resolve()
    found = [path.resolve() for path in paths]
    return [
        path.relative_to(top).as_posix()
        for path in found
        if path.is_relative_to(top) and path != top
    ]


def _git(where: Path, *words: str, env: dict[str, str] | None = None) -> Completed:
    return run(["git", "-C", where, *words], timeout=_GIT_SECONDS, check=False, env=env)
