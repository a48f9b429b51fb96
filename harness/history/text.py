"""Runs, and what changed between two of them, as plain text of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from harness.history.comparison import Change, Comparison, Pair
from harness.history.model import FAILING, Entry, Result
from harness.record.messages import PASSED, SKIPPED, UNKNOWN
from harness.report.model import NOT_RUN
from harness.report.text import clean, seconds

WIDTH = 80
_SLOWEST = 5
_LEAST = 0.05  # seconds, below which no difference is told
_WORDS = {UNKNOWN: "broken off", NOT_RUN: "not run"}


def listed(runs: Iterable[Entry]) -> str:
    """Return a line for each run, the newest first."""
    head = f"{'run':>4}  {'when':<16}  {'commit':<9}  {'cluster':<8}  {'took':>10}  scenarios"
    lines = [
        f"{run.number:>4}  {when(run)}  {commit(run):<9}  {run.provider:<8}  "
        f"{seconds(run.seconds):>10}  {counts(run)}"
        for run in runs
    ]
    note = ["", "+ after a commit: the sources were not as committed"]
    return "\n".join([head, *reversed(lines), *(note if any("+" in x for x in lines) else [])])


def when(run: Entry) -> str:
    """Return when a run began, in the time of this place."""
    return datetime.fromtimestamp(run.began).astimezone().strftime("%Y-%m-%d %H:%M")


def commit(run: Entry) -> str:
    """Return its commit, marked when the sources were not as committed."""
    return f"{run.source.commit[:8] or '-'}{'+' if run.source.dirty else ''}"


def counts(run: Entry) -> str:
    """Return how its scenarios came out."""
    told = [(run.count(PASSED), "passed"), (run.count(*FAILING), "failed")]
    told += [(run.count(SKIPPED), "skipped"), (run.count(UNKNOWN), "broken off")]
    told += [(run.count(NOT_RUN), "not run")]
    return ", ".join(f"{count} {word}" for count, word in told if count) or "none passed"


def compared(comparison: Comparison) -> str:
    """Return what changed, the worst first."""
    return "\n".join(_lines(comparison)).rstrip()


def _lines(told: Comparison) -> Iterator[str]:
    for run, word in ((told.before, "before"), (told.after, "after ")):
        yield (
            f"{word}  run {run.number}, {when(run)}, commit {commit(run)}, "
            f"chart {run.chart or 'not known'}"
        )
        processes = f"{run.workers} process{'es' if run.workers != 1 else ''}"
        where = f"{run.provider or 'no cluster named'}, {processes}, exit status {run.exit_status}"
        line, indent = f"{where}, {seconds(run.seconds)}: {counts(run)}", " " * 8
        yield textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
    yield ""
    yield from _scenarios(told)
    yield from _requirements(told)
    yield from _sizes(told)
    yield from _times(told)


def _scenarios(told: Comparison) -> Iterator[str]:
    failing, still = [p.after for p in told.failing()], [p.after for p in told.still_failing()]
    first, passing = told.failing_first(), [p.after for p in told.passing()]
    if not failing:
        yield from _wrapped("Nothing that passed fails now.")
        yield ""
    yield from _block("Fails now, passed before", failing)
    yield from _block("Fails now, did not fail or pass before", first)
    yield from _block("Fails as before", still)
    yield from _block("Passes now, failed before", passing)
    left = told.left_out()
    yield from _block("Passed before, not carried out now", [pair.after for pair in left], left)
    yield from _block("New", told.new(), causes=False)
    yield from _block("Gone", told.gone(), causes=False)
    if count := told.not_asked():
        yield from _wrapped(
            f"{count} scenario{'s' if count != 1 else ''} not compared: only one of the runs was "
            "asked for them."
        )
        yield ""


def _block(
    title: str, results: Sequence[Result], left: Sequence[Pair] = (), *, causes: bool = True
) -> Iterator[str]:
    if not results:
        return
    yield f"{title} ({len(results)})"
    feature = ""
    for result in results:
        if result.scenario.feature != feature:
            feature = result.scenario.feature
            yield f"  {clean(feature)}"
        status = f" [{_WORDS.get(result.status, result.status.lower())}]" if left else ""
        yield from _wrapped(f"{result.scenario}{status}", "    - ", "      ")
        if causes and result.cause and result.status in (*FAILING, SKIPPED):
            yield from _wrapped(result.cause, "      cause: ", "             ")
    yield ""


def _requirements(told: Comparison) -> Iterator[str]:
    if changed := told.requirements():
        yield f"Requirements ({len(changed)} changed)"
        for pair in changed:
            yield f"  {pair.after.id:<8} {pair.before.status} -> {pair.after.status}"
        yield ""


def _sizes(told: Comparison) -> Iterator[str]:
    rows = []
    for size, packed in told.sizes():
        rows.append(_row(size, _megabytes, size.name))
        if packed.before or packed.after:
            rows.append(_row(packed, _megabytes, "  compressed"))
    yield from _table("Sizes", rows)


def _times(told: Comparison) -> Iterator[str]:
    alike = told.before.selected == told.after.selected
    whole = Change("the run as a whole", told.before.seconds, told.after.seconds)
    rows = [_row(change, seconds, change.name) for change in (*told.phases(), whole)]
    yield from _table("Times", rows)
    if not alike:
        yield from _wrapped("The runs did not have the same scenarios: the whole times differ.")
        yield ""
    if slower := [pair for pair in told.slower() if pair.seconds >= _LEAST][:_SLOWEST]:
        yield "Takes longer"
        for pair in slower:
            took = f"{seconds(pair.before.seconds)} -> {seconds(pair.after.seconds)}"
            yield from _wrapped(
                f"+{seconds(pair.seconds)} ({took}) {pair.after.scenario}", "  ", "      "
            )


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield f"{title:<26}  {'before':>12}  {'after':>12}  {'change':>12}"
    for name, before, after, change, percent in rows:
        yield f"  {name:<24}  {before:>12}  {after:>12}  {change:>12}  {percent:>8}".rstrip()
    yield ""


def _row(change: Change, shown: Callable[[float], str], name: str) -> tuple[str, ...]:
    told = [shown(value) if value is not None else "-" for value in (change.before, change.after)]
    short = textwrap.shorten(clean(name), 24, placeholder="…") if len(name) > 24 else clean(name)
    difference, percent = change.difference, change.percent
    if difference is None:
        return short, *told, "", ""
    grown = shown(abs(difference))
    if grown in (shown(0.0), "0.0 s"):  # what does not show is no change
        return short, *told, "none", ""
    sign = "+" if difference > 0 else "-"
    return short, *told, f"{sign}{grown}", "" if percent is None else f"{percent:+.1f} %"


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


def _wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(
        clean(text), WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    )
