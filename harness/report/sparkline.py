"""Small drawings of figures, run after run: where each mark is, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 240, 48
_EDGE = 5  # room for a mark at the edge
_FIELD, _LOW, _HIGH = 10, 10, 24  # width of a run, heights of one that passed or failed


@dataclass(frozen=True)
class Sparkline:
    """A line, from 0 at the bottom.

    Attributes:
        points: where the figures are; none for a run that has none.
        limit: the height of a line that is not to be crossed, None for none.
        over: whether the newest figure crosses it.
        words: what is drawn.

    """

    points: tuple[tuple[float, float], ...]
    limit: float | None
    over: bool
    words: str

    @property
    def path(self) -> str:
        """The points as an attribute of SVG."""
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True)
class Strip:
    """A bar for each run: x, y, height, and whether it passed. What failed stands higher."""

    width: int
    height: int
    bars: tuple[tuple[int, int, int, bool], ...]
    words: str


def sparkline(
    values: Sequence[tuple[int, float]], runs: Sequence[int], words: str, limit: float = 0.0
) -> Sparkline:
    """Return a drawing of figures.

    Args:
        values: number of the run and figure, the oldest first.
        runs: numbers of all runs that have a place in it, the oldest first.
        words: says the same.
        limit: what is not to be crossed, 0 for none.

    """
    most = max(limit, *(value for _, value in values), 0.0) or 1.0
    step = (WIDTH - 2 * _EDGE) / max(1, len(runs) - 1)
    places = {run: _EDGE + number * step for number, run in enumerate(runs)}

    def height(value: float) -> float:
        return round(HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * value / most, 1)

    return Sparkline(
        tuple((round(places[run], 1), height(value)) for run, value in values if run in places),
        height(limit) if limit else None,
        bool(limit) and values[-1][1] > limit,
        words,
    )


def strip(outcomes: Sequence[tuple[int, bool]]) -> Strip:
    """Return a drawing of how runs came out: their numbers, and whether they passed."""
    bars = []
    for place, (_, passed) in enumerate(outcomes):
        tall = _LOW if passed else _HIGH
        bars.append((place * _FIELD + 1, _HIGH - tall, tall, passed))
    failed = ", ".join(str(number) for number, passed in outcomes if not passed)
    numbers = [number for number, _ in outcomes]
    span = f"runs {numbers[0]} to {numbers[-1]}"
    words = f"{span}: failed in {failed}" if failed else f"{span}: passed in the end in each"
    return Strip(max(1, len(outcomes)) * _FIELD, _HIGH, tuple(bars), words)
