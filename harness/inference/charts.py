"""Which chart deploys the project, of all that its folder holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from harness.contract.finding import Place
from harness.inference.errors import SeveralChartsError
from harness.inference.folder import Folder, aside
from harness.inference.images import Dockerized

_LIBRARY = "library"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Candidate:
    """A chart's folder, from the top, and what it says of itself; `text` is all of it."""

    path: str
    name: str
    kind: str
    dependencies: tuple[str, ...]
    text: str

    @property
    def place(self) -> Place:
        """Return its Chart.yaml."""
        return Place(f"{self.path}/Chart.yaml" if self.path != "." else "Chart.yaml")


@dataclass(frozen=True)
class Choice:
    """The chart that was taken, None when there is none, and why."""

    chart: Candidate | None
    why: str
    others: tuple[str, ...] = ()


def find_chart(folder: Folder, files: list[str], built: list[Dockerized]) -> Choice:
    """Return the chart that deploys the project.

    Sub-charts and libraries are none; one beside tests and examples is only taken when there is
    no other; of several that stand side by side the one that names what is built here, or that
    the others are dependencies of.

    Raises:
        SeveralChartsError: nothing sets one apart.

    """
    paths = [str(PurePosixPath(f).parent) for f in files if PurePosixPath(f).name == "Chart.yaml"]
    paths = [p for p in paths if not any(_below(p, f"{other}/charts") for other in paths)]
    all_of = [_read(folder, path, files) for path in paths]
    whole = [one for one in all_of if one.kind != _LIBRARY]
    main = [one for one in whole if not aside(one.path)] or whole
    if not main:
        return Choice(None, "there is no Chart.yaml")
    others = tuple(one.path for one in whole if one not in main)
    if len(main) == 1:
        return Choice(main[0], "the only chart" + (" that is no test's" if others else ""), others)
    included = {_joined(one.path, path) for one in main for path in one.dependencies}
    outer = [one for one in main if one.path not in included]
    if len(outer) == 1:
        rest = tuple(one.path for one in main if one is not outer[0])
        return Choice(outer[0], "the other charts are its dependencies", rest)
    scores = {one.path: _named(one, built) for one in outer}
    best = max(scores.values())
    winners = [one for one in outer if scores[one.path] == best]
    if len(winners) != 1 or best == 0:
        raise SeveralChartsError([one.path for one in outer])
    rest = tuple(one.path for one in main if one is not winners[0])
    return Choice(winners[0], f"it names {best} of the images that are built here", rest)


def _read(folder: Folder, path: str, files: list[str]) -> Candidate:
    inside = [f for f in files if path == "." or f.startswith(f"{path}/")]
    wanted = [f for f in inside if f.endswith((".yaml", ".yml", ".tpl"))][:200]
    try:
        told = yaml.load(folder.text(str(PurePosixPath(path) / "Chart.yaml")), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError):
        told = None
    told = told if isinstance(told, dict) else {}
    parts = told.get("dependencies")
    return Candidate(
        path=path,
        name=_word(told.get("name")),
        kind=_word(told.get("type")) or "application",
        dependencies=tuple(
            _word(part.get("repository")).removeprefix("file://")
            for part in (parts if isinstance(parts, list) else ())
            if isinstance(part, dict) and _word(part.get("repository")).startswith("file://")
        ),
        text="\n".join(folder.text(f) for f in wanted),
    )


def _word(told: object) -> str:
    """Return a text; nothing for anything that merely could be shown as one."""
    return told if isinstance(told, str) else ""


def _named(chart: Candidate, built: list[Dockerized]) -> int:
    """Return how many of the images that are built here a chart names."""
    return sum(
        any(re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", chart.text) for name in one.names)
        for one in built
    )


def _below(path: str, above: str) -> bool:
    return path.startswith(f"{above.removeprefix('./')}/")


def _joined(base: str, path: str) -> str:
    parts: list[str] = [] if base == "." else base.split("/")
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in (".", ""):
            parts.append(part)
    return "/".join(parts)


def named(folder: Folder, files: list[str], path: str) -> Choice:
    """Return the chart that a description names, whatever else there is."""
    if not (folder.root / path / "Chart.yaml").is_file():
        return Choice(None, f"there is no {path}/Chart.yaml")
    return Choice(_read(folder, path.rstrip("/"), files), "it is described")
