"""How a defect is made: a text replaced, a file removed, a file added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import DeployError


class ChangeDoesNotApplyError(DeployError):
    """The project has changed since the defect was described."""

    def __init__(self, file: Path, seen: str) -> None:
        super().__init__(
            needed="a defect that can be made in the present project",
            seen=seen,
            looked=str(file),
            fix="describe the defect anew in mutants/definitions/, for the file as it is now",
        )


class Change(Protocol):
    """One change of one file. `path` is relative to the project."""

    @property
    def path(self) -> str:
        """The file that changes."""

    def apply(self, root: Path) -> None:
        """Make the change in the project at `root`. Raises ChangeDoesNotApplyError."""


@dataclass(frozen=True)
class Replace:
    """A text that the file holds exactly once becomes another."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        """Make the change. Raises ChangeDoesNotApplyError."""
        file = root / self.path
        if not file.is_file():
            raise ChangeDoesNotApplyError(file, "there is no such file")
        text = file.read_text(encoding="utf-8")
        if (times := text.count(self.old)) != 1:
            raise ChangeDoesNotApplyError(file, f"it holds {times} times:\n{self.old}")
        if self.old == self.new:
            raise ChangeDoesNotApplyError(file, "the change leaves the file as it is")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Remove:
    """A file goes away."""

    path: str

    def apply(self, root: Path) -> None:
        """Make the change. Raises ChangeDoesNotApplyError."""
        file = root / self.path
        if not file.is_file():
            raise ChangeDoesNotApplyError(file, "there is no such file to remove")
        file.unlink()


@dataclass(frozen=True)
class Add:
    """A file appears that was not there."""

    path: str
    text: str

    def apply(self, root: Path) -> None:
        """Make the change. Raises ChangeDoesNotApplyError."""
        file = root / self.path
        if file.exists() or not file.parent.is_dir():
            seen = "the file is there already" if file.exists() else "its folder does not exist"
            raise ChangeDoesNotApplyError(file, seen)
        file.write_text(self.text, encoding="utf-8")
