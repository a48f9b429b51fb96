"""Evidence as the page shows it, whatever shape it was recorded in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.model import Run

_MB = 1_000_000


@dataclass(frozen=True)
class ImageSize:
    """An image against its budget; sizes in bytes, budgets in MB, 0 where none is known."""

    name: str
    size: float
    packed: float
    limit_mb: float
    goal_mb: float

    @property
    def over(self) -> bool:
        """Whether it is larger than it may be."""
        return bool(self.limit_mb) and self.size > self.limit_mb * _MB

    @property
    def percent(self) -> float:
        """How much of its budget it takes."""
        return round(100 * self.size / (self.limit_mb * _MB), 1) if self.limit_mb else 0.0

    @property
    def goal_percent(self) -> float:
        """Where in its budget the goal is."""
        return round(min(100.0, 100 * self.goal_mb / self.limit_mb), 1) if self.limit_mb else 0.0


@dataclass(frozen=True)
class PodState:
    """A pod, and what is known of its restarts."""

    name: str
    state: str
    restarts: int
    told: tuple[str, ...]


def images(run: Run) -> list[ImageSize]:
    """Return the newest sizes of each image."""
    found = {str(told.get("name")): told for told in map(mapping, run.all("image")) if told}
    return [
        ImageSize(name, *(number(told.get(key)) for key in ("bytes", "packed", *_BUDGET)))
        for name, told in found.items()
    ]


_BUDGET = ("limit_mb", "goal_mb")


def pods(system: Mapping[str, Any]) -> list[PodState]:
    """Return the pods of a system."""
    return [
        PodState(
            name=str(pod.get("name")),
            state=f"{pod.get('phase')}, {'ready' if pod.get('ready') else 'not ready'}",
            restarts=int(number(pod.get("restarts"))),
            told=tuple(map(str, pod.get("restarted") or ())),
        )
        for pod in system["pods"]
    ]


def system(run: Run) -> dict[str, Any]:
    """Return the newest evidence of the deployed system; {} when there is none.

    Of several processes each has an installation of its own; that of the first is returned,
    and `others` is how many more there were.
    """
    newest = {str(told.get("namespace")): told for told in map(mapping, run.all("system")) if told}
    if not newest:
        return {}
    told = newest[min(newest)]
    parts = {key: _mappings(told.get(key)) for key in ("services", "pods", "standins")}
    for service in parts["services"]:
        service["ports"] = _mappings(service.get("ports"))
        service["ready"] = _list(service.get("ready"))
    parts["pods"] = [{**p, "restarted": _list(p.get("restarted"))} for p in parts["pods"]]
    return {
        **{key: str(told.get(key) or "") for key in ("url", "namespace", "moment")},
        **{key: mapping(told.get(key)) for key in ("cluster", "database")},
        **parts,
        "others": len(newest) - 1,
    }


def choices(run: Run) -> list[tuple[str, str, str]]:
    """Return what was chosen, each once: what, which, why."""
    rows = [_list(row) for told in run.all("choices") for row in _list(told)]
    found = (tuple(map(str, row)) for row in rows if len(row) == 3)
    return [(row[0], row[1], row[2]) for row in dict.fromkeys(found)]


def mapping(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, anything else as none."""
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [part for part in _list(value) if isinstance(part, dict)]


def number(value: Any) -> float:
    """Return a number as it is, anything else as 0."""
    return float(value) if isinstance(value, int | float) else 0.0
