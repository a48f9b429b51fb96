"""A measured figure and the table it is shown in."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_ROWS = 7  # lines before the first row


@dataclass(frozen=True)
class Result:
    """What was measured: a name, its figures, their unit, and the goal if there is one."""

    name: str
    figures: tuple[float, ...]
    unit: str
    goal: float | None
    how: str

    def row(self) -> str:
        """Return a line of a Markdown table."""
        median = statistics.median(self.figures)
        spread = ", ".join(f"{figure:.1f}" for figure in self.figures)
        goal = f"{self.goal:g} {self.unit}" if self.goal is not None else "-"
        met = "-" if self.goal is None else ("yes" if median <= self.goal else "**no**")
        return (
            f"| {self.name} | {median:.1f} {self.unit} | {spread} | {goal} | {met} | {self.how} |"
        )


def machine() -> str:
    """Return what the figures were measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {pages:.0f} GiB, {system}, Linux {platform.release()};"
        f" load before: {load}"
    )


def write(path: Path, results: Iterable[Result], where: str) -> str:
    """Write the table and return it; what was not measured now keeps its row."""
    results = list(results)
    names = {result.name for result in results}
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in before[_ROWS:] if line.startswith("| ") and _name(line) not in names]
    lines = [
        "# Figures",
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench`: {where}.",
        "The median counts against the goal. Rows that were not measured then are older.",
        "",
        "| what | median | runs | goal | met | how |",
        "|---|---|---|---|---|---|",
        *kept,
        *(result.row() for result in results),
        "",
    ]
    text = "\n".join(lines)
    path.write_text(text, encoding="utf-8")
    return text


def _name(row: str) -> str:
    return row.removeprefix("| ").partition(" |")[0]
