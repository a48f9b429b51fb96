"""A project as it is described, with all that its description leaves out inferred."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.inference.describing import infer
from harness.inference.errors import InferenceError
from harness.inference.facts import Fact, Facts
from harness.inference.folder import Folder
from harness.project import FILE_NAME, Project, ProjectFileInvalidError, sentence
from harness.project_file import ProjectFileMissingError, read_project_file

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

GIVEN, PARTLY, INFERRED = "given", "partly inferred", "inferred"
#: Tables that may be missing because there is no such thing; without images nothing is meant.
_OPTIONAL = ("services", "database", "secrets", "values", "variants")


@dataclass(frozen=True)
class Described:
    """A project, and how it came to be known.

    Attributes:
        source: GIVEN, PARTLY or INFERRED.
        facts: what was inferred, with the reason of each.
        remarks: what else a person should know.

    """

    project: Project
    source: str
    facts: tuple[Fact, ...] = ()
    remarks: tuple[str, ...] = field(default=())


def described(folder: Folder, helm: Renderer | None) -> Described:
    """Return the project in a folder: as its file says, and what that leaves out inferred.

    Args:
        folder: its copy.
        helm: renders the chart; without it values are told by their names alone.

    Raises:
        ProjectFileInvalidError: the file says what cannot be, or what was inferred does not
            make a description.
        SeveralChartsError, NothingToJudgeError.

    """
    path = folder.root / FILE_NAME
    try:
        data = read_project_file(folder.root)
    except ProjectFileMissingError:
        facts = infer(folder, helm)
        return _made(folder, facts.nested(), facts, tuple(facts.facts.values()), INFERRED)
    unknown = _problems(data | {"root": folder.root}, missing=False)
    if unknown:
        raise ProjectFileInvalidError(path, unknown)
    if not _problems(data | {"root": folder.root}, missing=True):
        return Described(Project.checked(folder.root, data, chart=False), GIVEN)
    chart = data.get("chart")
    facts = infer(folder, helm, str(chart.get("path", "")) if isinstance(chart, dict) else "")
    whole, taken = _completed(data, facts)
    return _made(folder, whole, facts, taken, PARTLY)


def _made(
    folder: Folder, data: dict[str, Any], facts: Facts, taken: tuple[Fact, ...], source: str
) -> Described:
    if not data.get("images"):
        raise NoImageError(folder)
    project = Project.checked(folder.root, data, chart=False)
    return Described(project, source, taken, tuple(facts.remarks))


class NoImageError(InferenceError):
    """There is no Dockerfile, and nothing of the project's own runs in the chart."""

    def __init__(self, folder: Folder) -> None:
        files = folder.files()
        super().__init__(
            needed="at least one image that the project builds and its chart runs",
            seen=f"no Dockerfile among {len(files)} files, and no image of the chart's own",
            looked="every folder of the project, and the containers of its chart",
            fix=f"add the Dockerfile, or describe the image in {FILE_NAME}",
        )


def _completed(data: dict[str, Any], facts: Facts) -> tuple[dict[str, Any], tuple[Fact, ...]]:
    """Return a description with what it leaves out, and the facts that were taken for it."""
    whole = {key: dict(v) if isinstance(v, dict) else v for key, v in data.items()}
    taken = []
    for fact in facts.facts.values():
        first = fact.key[0]
        if first in _OPTIONAL and (first in data or "images" in data) and first != "services":
            continue
        if len(fact.key) == 1:
            if first in whole:
                continue
            whole[first] = fact.value
        elif first in data and first != "chart":
            # A table of things: what is there is completed, and nothing added.
            here = whole[first].get(fact.key[1]) if isinstance(whole[first], dict) else None
            if not isinstance(here, dict) or len(fact.key) != 3 or fact.key[2] in here:
                continue
            if fact.key[2] not in _NEEDED:
                continue
            whole[first][fact.key[1]] = here | {fact.key[2]: fact.value}
        else:
            here = whole.setdefault(first, {})
            for part in fact.key[1:-1]:
                here = here.setdefault(part, {})
            if fact.key[-1] in here:
                continue
            here[fact.key[-1]] = fact.value
        taken.append(fact)
    return whole, tuple(taken)


_NEEDED = ("context", "repository", "port", "health", "image", "type")


def _problems(data: dict[str, Any], *, missing: bool) -> list[str]:
    """Return what is wrong with a description, with or without what is merely missing."""
    try:
        Project.model_validate(data)
    except ValidationError as error:
        return [sentence(each) for each in error.errors() if missing or each["type"] != "missing"]
    return []
