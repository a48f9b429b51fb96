"""Features for everyone: outlines that are filled with what a project's description says.

In such a feature a table of examples is named after what it has a row for, such as `each role`,
and has only its head. A tag such as `@with-database` leaves a scenario out where there is none.
Other tags are ids of the requirements that hold for any project; one that has its own gets none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.default_requirements import FOLDER, defaults
from harness.errors import DeployError, Fault
from harness.files import write_whole
from harness.statuses import NOT_APPLICABLE, NOT_PROVABLE

if TYPE_CHECKING:
    from harness.journey.description import Journey
    from harness.project import Project

Row = Mapping[str, str]
HEAD = "# Made of the project's description; a copy of it in features/ is yours to change.\n"
_SECRET = ("${database.url}", "${secrets.")


class OutlineInvalidError(DeployError):
    """A feature for everyone asks for something that no description tells."""

    fault = Fault.INPUT

    def __init__(self, path: Path, line: int, seen: str, known: Iterable[str]) -> None:
        super().__init__(
            needed="a table whose name and columns, or a tag whose condition, is known",
            seen=seen,
            looked=f"{path}, line {line}",
            fix=f"use one of: {', '.join(sorted(known))}",
        )


@dataclass(frozen=True)
class Filled:
    """A feature as it is for one project: its file's name, its text, and what was left out.

    Attributes:
        left_out: each scenario that says nothing of the project, and why.
        without: by tag, why a scenario that carries it is left out.

    """

    name: str
    text: str
    left_out: tuple[str, ...] = field(default=())
    without: Mapping[str, str] = field(default_factory=dict)


def rows(project: Project) -> dict[str, list[Row]]:
    """Return the rows of each table by its name."""
    images, roles = project.images, project.services
    database = project.database.env if project.database else ""
    return {
        "each image": [
            {"image": name, "limit": str(image.max_mb)} for name, image in images.items()
        ],
        "each image and what it cannot do without": [
            {"image": name, "variable": variable}
            for name, image in images.items()
            for variable, value in image.env.items()
            if any(part in value for part in _SECRET)
        ],
        "each image that uses the database": [
            {"image": name} for name, image in images.items() if database and database in image.env
        ],
        # Where one address is asked for both, it cannot say that it lives and is not ready.
        "each image that says of itself whether it is ready": [
            {"image": name}
            for name, image in images.items()
            if database in image.env
            and any(one.image == name and one.health != image.health for one in roles.values())
        ],
        "each role": [{"role": name, "type": role.type} for name, role in roles.items()],
        "each role that is public": [{"role": name} for name, r in roles.items() if r.public],
        # Behind an Ingress, that is asked for which no cluster of ours has a controller.
        "each role with an open port": [
            {"role": name} for name, r in roles.items() if r.public and r.type != "ClusterIP"
        ],
    }


def conditions(project: Project) -> dict[str, bool]:
    """Return what holds of a project, by the tag that asks for it."""
    database = project.database
    used = database and any(database.env in image.env for image in project.images.values())
    return {
        "with-database": bool(used),
        "with-a-database-outside": bool(used and database and database.external),
        "with-a-database-inside": bool(database and not database.external),
        "with-encryption-required": bool(used and database and database.tls == "required"),
        "with-a-public-role": any(role.public for role in project.services.values()),
        "without-a-journey": not project.journey,
        "with-a-node-port": any(
            role.public and role.type == "NodePort" for role in project.services.values()
        ),
        "with-tags-of-images": all(
            project.values_of(f"images.{name}.tag") for name in project.images
        ),
    }


def fill(project: Project, folder: Path = FOLDER) -> Iterator[Filled]:
    """Yield each feature of a folder as it is for a project; one without a scenario has no text.

    Raises:
        OutlineInvalidError: a table or condition is not known.

    """
    known, holds = rows(project), conditions(project)
    dropped = set(defaults()) if project.requirements else set()
    for path in sorted(folder.glob("*.feature")):
        yield _filled(path, known, holds, dropped)
    yield from journeys(project, general=not project.requirements)


def journeys(project: Project, *, general: bool = False) -> Iterator[Filled]:
    """Yield the feature of the journeys that are described, if any is.

    With `general` those that name no requirement prove those of any project.
    """
    if project.journey:
        from harness.journey.feature import feature

        told = [_proving(journey) if general else journey for journey in project.journey]
        yield Filled("journey.feature", HEAD + feature(project.name, told))


def lacking(project: Project, filled: Iterable[Filled]) -> dict[str, dict[str, str]]:
    """Return how each general requirement stands where no scenario is about it, and why.

    The project has nothing of the kind, or nothing can prove it.
    """
    if project.requirements:
        return {}
    found: dict[str, dict[str, str]] = {}
    for one in filled:
        for tag, why in one.without.items():
            if tag in defaults():
                found.setdefault(tag, {"status": NOT_APPLICABLE, "why": why})
    for name, default in defaults().items():
        if default.unprovable:
            found[name] = {"status": NOT_PROVABLE, "why": default.unprovable}
    return found


def _proving(journey: Journey) -> Journey:
    """Return a journey with what it proves: that people reach it, and that it keeps things."""
    writes = any(step.method in ("POST", "PUT", "PATCH") for step in journey.steps)
    proven = ["US2.2", "SC-003"] if writes else ["US2.2"]
    return journey.model_copy(update={"requirements": journey.requirements or proven})


def write(filled: Iterable[Filled], folder: Path) -> list[Path]:
    """Write features into a folder, whole or not at all, and take out those of before."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in filled:
        if not one.text:
            continue
        write_whole(folder / one.name, one.text)
        written.append(folder / one.name)
    for path in set(folder.glob("*.feature")) - set(written):
        path.unlink(missing_ok=True)
    return written


def _filled(
    path: Path,
    known: Mapping[str, list[Row]],
    holds: Mapping[str, bool],
    dropped: Collection[str],
) -> Filled:
    from gherkin.parser import Parser

    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    told: Any = Parser().parse(text)["feature"]
    scenarios = [child["scenario"] for child in told["children"] if "scenario" in child]
    starts = [_begins(scenario) for scenario in scenarios] + [len(lines) + 1]
    out = lines[: starts[0] - 1]
    left_out, without = [], dict[str, str]()
    for scenario, start, end in zip(scenarios, starts, starts[1:], strict=False):
        why = _left_out(path, scenario, known, holds)
        if why:
            left_out.append(f"{scenario['name']}: {why}")
            without |= {tag["name"].removeprefix("@"): why for tag in scenario["tags"]}
            continue
        tables = {t["tableHeader"]["location"]["line"]: t for t in scenario["examples"]}
        for number in range(start, end):
            line = lines[number - 1]
            out.append(_without(line, {*holds, *dropped}))
            if number in tables:
                out += _table(path, tables[number], known)
    notes = "".join(f"# Left out: {line}.\n" for line in left_out)
    text = HEAD + notes + "\n".join(out).rstrip() + "\n"
    if len(left_out) == len(scenarios):
        text = ""
    return Filled(path.name, text, tuple(left_out), without)


def _begins(scenario: Mapping[str, Any]) -> int:
    """Return the line of a scenario, or that of its first tag."""
    return min(int(part["location"]["line"]) for part in (scenario, *scenario["tags"]))


def _left_out(
    path: Path,
    scenario: Mapping[str, Any],
    known: Mapping[str, list[Row]],
    holds: Mapping[str, bool],
) -> str:
    """Return why a scenario says nothing of this project; "" when it does."""
    for tag in scenario["tags"]:
        name = tag["name"].removeprefix("@")
        if name.startswith(("with-", "without-")):
            if name not in holds:
                raise OutlineInvalidError(path, tag["location"]["line"], f"@{name}", holds)
            if not holds[name]:
                what = name.replace("without-", "with-").replace("-", " ")
                return f"the project is {'not ' if name.startswith('with-') else ''}{what}"
    for table in scenario["examples"]:
        if not table["tableBody"] and table["name"] not in known:
            line = table["location"]["line"]
            raise OutlineInvalidError(path, line, table["name"] or "no name", known)
    tables = [t for t in scenario["examples"] if t["tableBody"] or known[t["name"]]]
    if scenario["examples"] and not tables:
        return f"the description has nothing of the kind: {scenario['examples'][0]['name']}"
    return ""


def _table(path: Path, table: Mapping[str, Any], known: Mapping[str, list[Row]]) -> Iterator[str]:
    """Yield the rows below the head of a table that has none."""
    if table["tableBody"]:
        return
    columns = [cell["value"] for cell in table["tableHeader"]["cells"]]
    indent = " " * (table["tableHeader"]["location"]["column"] - 1)
    for row in known[table["name"]]:
        for column in columns:
            if column not in row:
                line = table["tableHeader"]["location"]["line"]
                raise OutlineInvalidError(path, line, f"the column {column}", row)
        yield indent + "| " + " | ".join(row[column] for column in columns) + " |"


def _without(line: str, left: Collection[str]) -> str:
    """Return a line without some tags."""
    if not line.lstrip().startswith("@"):
        return line
    tags = [tag for tag in line.split() if tag.removeprefix("@") not in left]
    indent = line[: len(line) - len(line.lstrip())]
    return (indent + " ".join(tags)).rstrip()
