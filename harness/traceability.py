"""From the spec to the scenarios: each requirement is proven by one, and none is invented."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from harness.errors import DeployError, Fault
from harness.project_file import FILE_NAME, read_project_file

# An id in the first column of a table: | FR-001 | …, | US1.1 | …
_ROW = re.compile(r"^\|\s*`?([A-Z]+-?\d+(?:\.\d+)*)`?\s*\|")


class RequirementsUncoveredError(DeployError):
    """No scenario carries the ids of some requirements."""

    fault = Fault.INPUT

    def __init__(self, problems: list[str], features: Path) -> None:
        super().__init__(
            needed="at least one scenario for each requirement",
            seen="\n".join(problems),
            looked=f"the tags of all scenarios in {features}",
            fix="tag the scenario that proves it with its id, or write that scenario",
        )


class SpecDiffersError(DeployError):
    """The spec and the project's description do not have the same requirements."""

    fault = Fault.INPUT

    def __init__(self, problems: list[str], spec: Path) -> None:
        super().__init__(
            needed=f"the same requirements in the spec and in [requirements] of {FILE_NAME}",
            seen="\n".join(problems),
            looked=f"the tables of {spec} and {FILE_NAME}",
            fix="add what is missing, or take out what is not demanded any more",
        )


class SpecUnreadableError(DeployError):
    """The file that was named as the spec cannot be read, or names no requirement."""

    fault = Fault.INPUT

    def __init__(self, spec: Path, why: str) -> None:
        super().__init__(
            needed="a spec whose tables begin each row with the id of a requirement",
            seen=why,
            looked=str(spec),
            fix="name the spec's file by --deploy-spec, or leave the option out",
        )


def requirements(root: Path) -> dict[str, str]:
    """Return the sentence of each requirement that a project describes by id.

    Raises what `read_project_file` does.
    """
    told = read_project_file(root).get("requirements", {})
    return {str(name): str(sentence) for name, sentence in told.items()}


def project_name(root: Path) -> str:
    """Return the project's name. Raises what `read_project_file` does."""
    return str(read_project_file(root).get("name") or root.resolve().name)


def uncovered(root: Path, carried: Collection[str]) -> Iterator[str]:
    """Yield, with the line of the description, each requirement that no scenario carries."""
    for name, sentence in requirements(root).items():
        if name not in carried:
            yield f"{_line(root / FILE_NAME, name)}: no scenario carries @{name}: {sentence}"


def differences(root: Path, spec: Path) -> Iterator[str]:
    """Yield, with file and line, what only one of spec and description demands.

    Raises:
        SpecUnreadableError: it cannot be read, or has no id in any table.

    """
    try:
        lines = spec.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecUnreadableError(spec, str(error)) from None
    there = dict(_ids(lines))
    if not there:
        raise SpecUnreadableError(spec, "no row of a table in it begins with an id")
    described = requirements(root)
    for name, number in there.items():
        if name not in described:
            yield f"{spec}:{number}: {name} is not in [requirements] of {FILE_NAME}"
    for name in described:
        if name not in there:
            yield f"{_line(root / FILE_NAME, name)}: {name} is not in {spec.name}"


def _ids(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(lines, 1):
        if found := _ROW.match(line):
            yield found[1], number


def _line(path: Path, name: str) -> str:
    """Return where the description names a requirement."""
    key = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(
        (f"{path.name}:{number}" for number, line in enumerate(lines, 1) if key.match(line)),
        path.name,
    )
