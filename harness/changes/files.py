"""The files that differ from a revision, as git knows them."""

from __future__ import annotations

from pathlib import Path

from harness.command import Completed, run
from harness.errors import DeployError

_GIT_SECONDS = 30.0


class ChangesError(DeployError):
    """What has changed cannot be found out."""


class BaseUnknownError(ChangesError):
    """The revision to compare with is not there."""

    def __init__(self, base: str, where: Path, said: str) -> None:
        super().__init__(
            needed=f"the git revision {base}, to compare with",
            seen=said or "git does not know it",
            looked=f"the git repository around {where}",
            fix="name a branch, tag or commit that `git rev-parse` knows (fetch it first; a "
            "shallow clone knows few), or leave --deploy-changed out to run everything",
        )


class NoCommonHistoryError(ChangesError):
    """The revision is there, and has no commit in common with the present one."""

    def __init__(self, base: str, where: Path, *, shallow: bool) -> None:
        super().__init__(
            needed=f"a commit that {base} and the present one both come from",
            seen="none" + (" (the clone is shallow)" if shallow else ""),
            looked=f"the git repository around {where}",
            fix="fetch the whole history (`git fetch --unshallow`)"
            if shallow
            else "name a revision of the same history",
        )


def changed_files(base: str, root: Path) -> list[Path]:
    """Return each file that is not as it was when the present branch left a revision.

    What is committed counts as much as what is only in the work tree, staged or not; of a
    file that was moved both places count. Files that git ignores are left out.

    Args:
        base: the revision, such as `origin/main`.
        root: a folder in the work tree.

    Returns:
        Absolute paths, sorted; those of deleted files are among them.

    Raises:
        BaseUnknownError, NoCommonHistoryError, CommandMissingError, CommandTimedOutError.

    """
    commit = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
    )
    if commit.returncode:
        raise BaseUnknownError(base, root, commit.stderr.strip().removeprefix("fatal: "))
    fork = _git(root, "merge-base", commit.stdout.strip(), "HEAD")
    if fork.returncode:
        shallow = _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        raise NoCommonHistoryError(base, root, shallow=shallow)
    top = Path(_git(root, "rev-parse", "--show-toplevel", check=True).stdout.rstrip("\n"))
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
    differing = _git(top, "diff", *options, fork.stdout.strip(), "--", check=True)
    new = _git(top, "ls-files", "-z", "--others", "--exclude-standard", check=True)
    names = {*differing.stdout.split("\0"), *new.stdout.split("\0")} - {""}
    return sorted(top.resolve() / name for name in names)


def _git(where: Path, *words: str, check: bool = False) -> Completed:
    return run(["git", "-C", where, *words], timeout=_GIT_SECONDS, check=check)
