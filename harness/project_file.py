"""The file that describes a project, as text: read without the library that checks its content."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import DeployError, Fault

FILE_NAME = "deploy.toml"


class ProjectFileMissingError(DeployError):
    """There is no description where one was looked for."""

    fault = Fault.INPUT

    def __init__(self, path: Path) -> None:
        super().__init__(
            needed="a description of the project to accept",
            seen="the file does not exist",
            looked=str(path),
            fix=f"write {FILE_NAME}, or name its folder by --deploy-project=DIR",
        )


class ProjectFileInvalidError(DeployError):
    """The description cannot be read or says something that cannot be."""

    fault = Fault.INPUT

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(
            needed="a valid description of the project to accept",
            seen="\n".join(problems),
            looked=str(path),
            fix="correct the lines named above",
        )


def read_project_file(root: Path) -> dict[str, Any]:
    """Return the description in a folder as it is written.

    Raises:
        ProjectFileMissingError, ProjectFileInvalidError.

    """
    path = root / FILE_NAME
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ProjectFileMissingError(path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectFileInvalidError(path, [str(error)]) from None
