"""A description of somebody's folder, from its place to the text of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.inference.describing import infer
from harness.inference.writing import written
from harness.project_file import FILE_NAME

if TYPE_CHECKING:
    from harness.inference.facts import Facts


def inferred(folder: Path, environ: Mapping[str, str]) -> tuple[str, Facts]:
    """Return the description that a folder tells, as a file and as facts.

    What its own file says is not looked at.

    Raises:
        FolderMissingError, FolderTooLargeError, SeveralChartsError, NothingToJudgeError.

    """
    from harness.inference.opening import inferring, opened

    with opened(folder, environ) as (copy, helm, _):
        (copy.root / FILE_NAME).unlink(missing_ok=True)
        with inferring(copy):
            facts = infer(copy, helm)
        return written(facts), facts
