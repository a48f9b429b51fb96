"""Why nothing could be inferred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DeployError, Fault
from harness.project_file import FILE_NAME


class InferenceError(DeployError):
    """What a folder holds does not tell what is to be accepted."""

    fault = Fault.INPUT


class SeveralChartsError(InferenceError):
    """There are charts of equal rights; which one deploys the project is for a person to say."""

    def __init__(self, charts: Sequence[str]) -> None:
        super().__init__(
            needed="one chart that deploys the project",
            seen=f"{len(charts)}, and nothing that sets one apart:\n" + "\n".join(charts),
            looked="every Chart.yaml in the folder",
            fix=f'name it in {FILE_NAME}: [chart] with path = "{charts[0]}", or the other',
        )


class NothingToJudgeError(InferenceError):
    """The folder holds neither a chart nor a Dockerfile."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        held = "\n".join(files[:12]) or "nothing"
        more = f"\n… and {len(files) - 12} more" if len(files) > 12 else ""
        super().__init__(
            needed="a project that is deployed: a Helm chart, and Dockerfiles",
            seen=f"neither; there is\n{held}{more}",
            looked=f"every folder below {folder}",
            fix="name the folder of the project, or add a Chart.yaml and a Dockerfile to it",
        )


class FileKeptError(InferenceError):
    """A description is there already, and is not written over."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            needed=f"a folder without {FILE_NAME}",
            seen="there is one, which stays as it is",
            looked=str(file),
            fix="read what would be written by --print, or move the file away",
        )
