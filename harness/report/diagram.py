"""A drawing of the deployed system: what was found in the cluster, and which calls were proven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OUTSIDE = "outside"
INSIDE = "inside"
DATABASE = "database"

_WIDTH = 440
_LEFT, _BOX = 34, 316  # of a box; the frame of the cluster stands 16 out
_LINE, _PAD, _GAP = 19, 13, 40
_TITLE = 30
_MOST = 44  # characters of a line
Call = tuple[Mapping[str, Any], bool]


@dataclass(frozen=True)
class Box:
    """Something that was found; `lines` are a title and what is to be said of it."""

    key: str
    kind: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int
    pods: tuple[bool, ...] = ()

    @property
    def baselines(self) -> list[tuple[int, str]]:
        """Where each line of text stands."""
        first = self.y + _PAD + 12
        return [(first + number * _LINE, line) for number, line in enumerate(self.lines)]

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return {OUTSIDE: "this machine", DATABASE: "the database"}.get(self.key, self.key)


@dataclass(frozen=True)
class Edge:
    """Calls from one box to another; `proven` when all steps that saw them passed."""

    number: int
    path: str
    at: tuple[int, int]
    words: str
    proven: bool


@dataclass(frozen=True)
class Diagram:
    """All of it, in a picture of this size. `frame` is the cluster's: x, y, width, height.

    Attributes:
        checks: what was asked from inside the cluster, and whether it was proven.

    """

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    checks: tuple[tuple[str, bool], ...]
    frame: tuple[int, int, int, int]
    title: str
    height: int
    width: int = _WIDTH


def draw(system: Mapping[str, Any], calls: Iterable[Call]) -> Diagram:
    """Return the drawing.

    Args:
        system: evidence of the kind `system`.
        calls: evidence of the kind `call`, and whether the step that saw it passed.

    """
    told, database = _distinct(calls), system.get("database") or {}
    inside = bool(database.get("inside"))
    boxes: list[Box] = []
    top = _add(boxes, OUTSIDE, "outside", ("This machine", str(system.get("url") or "")), 6) + _GAP
    y = top + _TITLE + 6
    for service in sorted(system.get("services") or (), key=lambda s: s.get("type") == "ClusterIP"):
        role = str(service.get("role") or service.get("name"))
        pods = [pod for pod in system.get("pods") or () if pod.get("role") == role]
        lines, ready = _service(service, len(pods)), tuple(bool(p.get("ready")) for p in pods)
        y = _add(boxes, role, "service", lines, y, ready) + _GAP
    if inside:
        y = _add(boxes, DATABASE, "database", _database(database), y) + _GAP
    bottom = y - _GAP + 16
    y = bottom + 26
    if database and not inside:
        y = _add(boxes, DATABASE, "database", _database(database), y) + 14
    for standin in system.get("standins") or ():
        made_up = standin.get("made_up")
        words = "stand-in: its answers are made up" if made_up else "the real service"
        name = str(standin.get("name"))
        y = _add(boxes, name, "outside", (name, words), y) + 14
    return Diagram(
        boxes=tuple(boxes),
        edges=tuple(_edges(boxes, told)),
        checks=tuple((_words(call), ok) for call, ok in told if call.get("from") == INSIDE),
        frame=(_LEFT - 16, top, _BOX + 32, bottom - top),
        title=_title(system),
        height=y,
    )


def _title(system: Mapping[str, Any]) -> str:
    cluster = system.get("cluster") or {}
    parts = (cluster.get("name"), cluster.get("version"), f"namespace {system.get('namespace')}")
    return _short(" · ".join(str(part) for part in parts if part))


def _distinct(calls: Iterable[Call]) -> list[Call]:
    """Return each call once; it was proven when it was at any time."""
    found: dict[tuple[str, ...], Call] = {}
    for call, proven in calls:
        if isinstance(call, Mapping):
            key = tuple(str(call.get(part)) for part in ("from", "to", "how"))
            found[key] = call, proven or found.get(key, (call, False))[1]
    return list(found.values())


def _add(
    boxes: list[Box],
    key: str,
    kind: str,
    lines: tuple[str, ...],
    y: int,
    pods: tuple[bool, ...] = (),
) -> int:
    """Add a box and return where it ends."""
    lines = tuple(_short(line) for line in lines if line)
    height = 2 * _PAD + _LINE * len(lines) - 3 + (26 if pods else 0)
    boxes.append(Box(key, kind, lines, _LEFT, y, _BOX, height, pods))
    return y + height


def _short(line: str) -> str:
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"


def _service(service: Mapping[str, Any], behind: int) -> tuple[str, ...]:
    ports = ", ".join(
        f"{port.get('port')} → {port.get('target')}"
        + (f", node port {port['node_port']}" if port.get("node_port") else "")
        for port in service.get("ports") or ()
    )
    ready = len(service.get("ready") or ())
    leads = f"leads to {ready} of {behind} pod{'s' if behind != 1 else ''}"
    return str(service.get("name")), f"{service.get('type')} · {ports}", leads


def _database(database: Mapping[str, Any]) -> tuple[str, ...]:
    where = f"{database.get('host')}:{database.get('port')}" if database.get("host") else ""
    what = (str(database.get("kind") or ""), "encrypted" if database.get("tls") else "")
    return "PostgreSQL", where, " · ".join(part for part in what if part)


def _words(call: Mapping[str, Any]) -> str:
    return f"inside the cluster → {call.get('to')}: {call.get('how')}"


def _edges(boxes: list[Box], told: list[Call]) -> Iterator[Edge]:
    places = {box.key: number for number, box in enumerate(boxes)}
    pairs: dict[tuple[int, int], list[Call]] = {}
    for call, proven in told:
        start, end = places.get(str(call.get("from"))), places.get(str(call.get("to")))
        if start is not None and end is not None and start != end:
            pairs.setdefault((start, end), []).append((call, proven))
    gutter = _LEFT + _BOX + 30
    for number, ((start, end), calls) in enumerate(sorted(pairs.items()), 1):
        one, other = boxes[start], boxes[end]
        if end == start + 1:
            x, y = _LEFT + _BOX - 24, one.y + one.height
            path, at = f"M{x} {y} V{other.y - 2}", (x, (y + other.y) // 2)
        else:  # past what lies between them
            right, y, into = _LEFT + _BOX, one.y + one.height // 2, other.y + other.height // 2
            path, at = (
                f"M{right} {y} H{gutter} V{into} H{right + 2}",
                (gutter, y + (into - y) * 3 // 5),
            )
            gutter += 22
        how = "; ".join(str(call.get("how")) for call, _ in calls)
        words = f"{one.name} → {other.name}: {how}"
        yield Edge(number, path, at, words, all(proven for _, proven in calls))
