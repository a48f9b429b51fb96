"""The project as it was at another revision, in a folder of its own."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.changes.files import BaseUnknownError
from harness.command import Completed, run

_GIT_SECONDS = 60.0


@contextmanager
def project_at(revision: str, project: Path) -> Iterator[Path]:
    """Yield a folder with the project as it was at a git revision; it goes afterwards.

    Raises:
        BaseUnknownError: there is no such revision, or the project's folder was not in it.
        CommandMissingError, CommandFailedError, CommandTimedOutError.

    """
    prefix = _git(project, "rev-parse", "--show-prefix")
    named = f"{revision}:{prefix.stdout.strip().rstrip('/')}"
    tree = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    if prefix.returncode or tree.returncode:
        said = (prefix.stderr or tree.stderr).strip().removeprefix("fatal: ")
        raise BaseUnknownError(revision, project, said)
    with TemporaryDirectory(prefix="deploy-base-") as aside:
        packed, folder = Path(aside) / "base.tar", Path(aside) / "base"
        top = Path(_git(project, "rev-parse", "--show-toplevel", check=True).stdout.rstrip("\n"))
        words = ("archive", "--format=tar", f"--output={packed}", tree.stdout.strip())
        _git(top, *words, check=True)
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        yield folder


def _git(where: Path, *words: str, check: bool = False) -> Completed:
    return run(["git", "-C", where, *words], timeout=_GIT_SECONDS, check=check)
