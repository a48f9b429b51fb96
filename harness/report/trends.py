"""How this run stands among those before it: sizes, times, and scenarios that waver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.errors import DeployError
from harness.history.errors import HistoryMissingError
from harness.history.history import History
from harness.history.model import FAILING, Entry
from harness.history.phases import ORDER
from harness.history.steadiness import LAST, Steadiness, steadiness
from harness.record.messages import PASSED
from harness.report.sparkline import Sparkline, Strip, sparkline, strip
from harness.report.text import seconds

#: Runs that are drawn, and those that are looked back on for scenarios that waver.
SHOWN, LOOKED_BACK = 30, 100
_WAVERING = 12  # scenarios that are told one by one
_MB = 1_000_000
Value = tuple[int, float]  # number of a run, and what was measured in it


@dataclass(frozen=True)
class Trend:
    """What a figure was in run after run.

    Attributes:
        now, before: of this run and of the last one before it that has the figure, as text.
        usual: the median of the runs before.

    """

    name: str
    now: str
    before: str
    usual: str
    line: Sparkline
    budget: str = ""


@dataclass(frozen=True)
class Wavering:
    """A scenario that failed of late, or came out differently with the same sources."""

    told: Steadiness
    strip: Strip

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        many = len(self.told.outcomes)
        failed = f"failed in {self.told.failed} of the last {many} runs of it"
        if not (times := self.told.changes):
            return failed
        return f"changed {times} time{'s' if times != 1 else ''} with the same sources; {failed}"


@dataclass(frozen=True)
class Figures:
    """The same as a table: a caption, the columns, and a row for each run."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Trends:
    """All there is to show; `sentence` alone where there is nothing to compare with."""

    sentence: str
    notes: tuple[str, ...] = ()
    sizes: tuple[Trend, ...] = ()
    times: tuple[Trend, ...] = ()
    wavering: tuple[Wavering, ...] = ()
    more: int = 0
    figures: tuple[Figures, ...] = ()


def trends_in(file: Path, began: float) -> Trends:
    """Return the trends up to the run that began at a moment, of a history in a file."""
    try:
        with History.read(file) as history:
            return trends(history.runs(LOOKED_BACK, until=began), began)
    except HistoryMissingError:
        return trends([], began)
    except DeployError as error:
        return Trends(f"The history of runs cannot be read. {error.headline}.")


def trends(runs: Sequence[Entry], began: float) -> Trends:
    """Return the trends of runs, the oldest first, up to the one that began at a moment."""
    now = next((run for run in runs if run.began == began), None)
    if now is None:
        return Trends("This run is not in the history of runs, so it is compared with none.")
    earlier = [run for run in runs if run is not now]
    if len(earlier) < 2:
        told = "No earlier run is kept" if not earlier else "Only one earlier run is kept"
        return Trends(f"{told}, so there is no trend yet.")
    shown = [*earlier, now][-SHOWN:]
    wavering = [Wavering(one, strip(one.outcomes)) for one in steadiness([*earlier, now])]
    same = [run for run in shown if run.provider == now.provider]
    sentence = (
        f"This is run {now.number}; {len(shown)} runs are shown, from run {shown[0].number} on."
    )
    return Trends(
        sentence,
        tuple(_notes(shown, now)),
        tuple(_sizes(shown, now)),
        tuple(_times(same, now)),
        tuple(wavering[:_WAVERING]),
        max(0, len(wavering) - _WAVERING),
        tuple(_figures(shown)),
    )


def _notes(runs: Sequence[Entry], now: Entry) -> Iterable[str]:
    if any(run.provider != now.provider for run in runs):
        yield f"Times are of runs on the same kind of cluster, {now.provider}."
    yield (
        "The whole run is compared with those of the same scenarios and as many processes; "
        f"whether scenarios waver is seen in the last {LAST} runs that carried each out."
    )


def _sizes(runs: Sequence[Entry], now: Entry) -> Iterable[Trend]:
    for size in now.sizes:
        values = [(r.number, s.size) for r in runs for s in r.sizes if s.name == size.name]
        limit = size.limit_mb * _MB
        yield _trend(size.name, values, runs, _megabytes, limit)
        packed = [
            (r.number, s.packed) for r in runs for s in r.sizes if s.name == size.name and s.packed
        ]
        if size.packed:
            yield _trend(f"{size.name}, compressed", packed, runs, _megabytes)


def _times(runs: Sequence[Entry], now: Entry) -> Iterable[Trend]:
    alike = [r for r in runs if r.selected == now.selected and r.workers == now.workers]
    yield _trend("the whole run", [(r.number, r.seconds) for r in alike], runs, seconds)
    for phase in now.phases:
        found = ((r.number, p) for r in runs for p in r.phases if p.name == phase.name)
        values = [(number, p.seconds) for number, p in found]
        yield _trend(phase.name, values, runs, seconds)


def _trend(
    name: str,
    values: Sequence[Value],
    runs: Sequence[Entry],
    shown: Callable[[float], str],
    limit: float = 0.0,
) -> Trend:
    before = [value for _, value in values[:-1]]
    budget = shown(limit) if limit else ""
    told = f"{name}: " + ", ".join(f"run {number} {shown(value)}" for number, value in values)
    return Trend(
        name,
        shown(values[-1][1]),
        shown(before[-1]) if before else "-",
        shown(median(before)) if before else "-",
        sparkline(
            values,
            [run.number for run in runs],
            f"{told}; budget {budget}" if budget else told,
            limit,
        ),
        budget,
    )


def _figures(runs: Sequence[Entry]) -> Iterable[Figures]:
    newest = list(reversed(runs))
    head = ("run", "commit", "chart", "cluster", "processes", "took", "passed", "failed")
    yield Figures("Runs", head, tuple(map(_told, newest)))
    sizes = {r.number: {s.name: _megabytes(s.size) for s in r.sizes} for r in newest}
    yield from _by_name(
        "Sizes", sizes, list(dict.fromkeys(n for told in sizes.values() for n in told))
    )
    times = {r.number: {p.name: seconds(p.seconds) for p in r.phases} for r in newest}
    order = {name: place for place, name in enumerate(ORDER)}
    names = {name for told in times.values() for name in told}
    yield from _by_name("Times", times, sorted(names, key=lambda n: (order.get(n, len(order)), n)))


def _told(run: Entry) -> tuple[str, ...]:
    passed, failed = str(run.count(PASSED)), str(run.count(*FAILING))
    number, processes = str(run.number), str(run.workers)
    where = (_commit(run), run.chart or "-", run.provider or "-")
    return number, *where, processes, seconds(run.seconds), passed, failed


def _by_name(
    caption: str, told: Mapping[int, Mapping[str, str]], names: Sequence[str]
) -> Iterable[Figures]:
    """Yield a table with a column for each name, if there is any."""
    if names:
        rows = ((str(run), *(row.get(n, "-") for n in names)) for run, row in told.items())
        yield Figures(caption, ("run", *names), tuple(rows))


def _commit(run: Entry) -> str:
    return f"{run.source.commit[:8] or '-'}{' changed' if run.source.dirty else ''}"


def _megabytes(count: float) -> str:
    return f"{count / _MB:.1f} MB"
