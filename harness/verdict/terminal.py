"""A verdict as people read it: what is wrong first, each with its place and its cause."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from harness.contract import Finding
from harness.errors import Fault
from harness.report.causes import OF_A_CHECK, Cause
from harness.verdict.model import (
    BAD_INPUT,
    MET,
    NOT_APPLICABLE,
    NOT_JUDGED,
    NOT_MET,
    NOT_PROVABLE,
    STATIC,
    Item,
    Struck,
    Verdict,
)

_Paint = Callable[[str, str], str]
_SHOWN, _NAMED = 4, 8
_SIGNS = {
    MET: ("met", "32"),
    NOT_MET: ("NOT MET", "31;1"),
    NOT_APPLICABLE: ("not applicable", "2"),
    NOT_PROVABLE: ("not provable", "36"),
    NOT_JUDGED: ("NOT JUDGED", "33;1"),
    BAD_INPUT: ("BAD INPUT", "31;1"),
}
_WIDTH = 100


def lines(verdict: Verdict, *, colour: bool = False, width: int = _WIDTH) -> Iterator[str]:
    """Yield the lines of a verdict: each cause once, then what is demanded.

    Args:
        verdict: what was found.
        colour: mark statuses by the terminal's colours as well as by words.
        width: columns at which long lines are broken.

    """
    paint = _painted if colour else _plain
    yield from _head(verdict, paint)
    broken = [item for item in verdict.checks if item.status == NOT_MET]
    counted = [item for item in broken if item.counts]
    struck = [one for one in verdict.causes if one.cause.fault is Fault.PROJECT]
    struck = [one for one in struck if not _by_a_check(one.cause, counted)]
    if struck or counted:
        yield ""
        yield paint("not met", "31;1")
        yield from _struck(verdict, struck, paint, width)
        yield from _broken(counted, paint, width)
    yield from _unknown(verdict, paint, width)
    advice = [item for item in broken if item.advice]
    if advice:
        yield ""
        yield paint("advice, which does not count", "1")
        yield from _broken(advice, paint, width)
    for status, title in ((MET, "met"), (NOT_APPLICABLE, "not applicable")):
        items = [item for item in verdict.checks if item.status == status]
        if items:
            yield ""
            names = ", ".join(item.id for item in items)
            yield from _wrapped(f"checks that are {title} ({len(items)}): ", names, width, 2)
    notes = [*verdict.remarks, *verdict.unread[:8]]
    if len(verdict.unread) > 8:
        notes.append(f"{len(verdict.unread) - 8} more that were not read")
    if notes:
        yield ""
        yield "notes"
        for note in notes:
            yield from _wrapped("  ", note, width)
    yield from _requirements(verdict, paint, width)


def _head(verdict: Verdict, paint: _Paint) -> Iterator[str]:
    counted = [item for item in verdict.checks if item.counts]
    checks = f"{len(counted)} checks: {_numbers(item.status for item in counted)}"
    word = paint(*_SIGNS[verdict.status])
    if verdict.stage == STATIC:
        yield f"{verdict.name}: {word} without a cluster ({checks})"
    else:
        said = _numbers(trial.status for trial in verdict.trials) or "none was run"
        yield f"{verdict.name}: {word} by checks and scenarios"
        yield checks
        yield f"{len(verdict.trials)} scenarios: {said}"
    if verdict.facts:
        unsure = sum(not fact.sure for fact in verdict.facts)
        guessed = f", {unsure} of them guessed" if unsure else ""
        yield f"its description is {verdict.source} ({len(verdict.facts)} facts{guessed})"
    else:
        yield f"its description is {verdict.source}"


def _numbers(statuses: Iterable[str]) -> str:
    counted = Counter(statuses)
    order = (NOT_MET, NOT_JUDGED, MET, NOT_APPLICABLE, NOT_PROVABLE)
    return ", ".join(f"{counted[status]} {status}" for status in order if counted[status])


def _by_a_check(cause: Cause, broken: list[Item]) -> bool:
    """Say whether a check that is not met tells the same."""
    if cause.kind == OF_A_CHECK:
        return bool(broken)
    told = {(f.needed, f.seen.partition("\n")[0]) for item in broken for f in item.findings}
    return (cause.needed, cause.seen.partition("\n")[0]) in told


def _struck(verdict: Verdict, struck: Iterable[Struck], paint: _Paint, width: int) -> Iterator[str]:
    """Yield causes, with what they struck and what they hide."""
    trials = {trial.id: trial for trial in verdict.trials}
    for one in struck:
        cause = one.cause
        needed = paint(cause.needed.replace("\n", "; "), "1")
        yield from _wrapped("  needed: ", needed, width, 4)
        seen = cause.seen.splitlines() or ["-"]
        yield from _wrapped("      cause:  ", seen[0], width, 14)
        for line in seen[1:4]:
            yield from _wrapped(" " * 14, line, width, 14)
        yield from _wrapped("      looked: ", cause.looked.replace("\n", "; "), width, 14)
        if cause.fix:
            yield from _wrapped("      fix:    ", cause.fix.replace("\n", "; "), width, 14)
        for name in one.scenarios[:_SHOWN]:
            trial = trials[name]
            yield from _wrapped("      in:     ", f"{trial.name} ({trial.place})", width, 14)
        more = len(one.scenarios) - _SHOWN
        if more > 0:
            yield f"              … and {more} more"
        if one.hides:
            names = [trials[name].name for name in one.hides]
            few = "; ".join(names[:_SHOWN]) + ("; …" if names[_SHOWN:] else "")
            yield from _wrapped(f"      hides:  {len(names)} not tried: ", few, width, 14)


def _unknown(verdict: Verdict, paint: _Paint, width: int) -> Iterator[str]:
    """Yield what could not be judged, reason by reason; what a cause hides stands with that."""
    caused = [one for one in verdict.causes if one.cause.fault is not Fault.PROJECT]
    told = [(i.why, i.id) for i in verdict.checks if i.status == NOT_JUDGED and i.counts]
    told += [
        (trial.why, trial.name)
        for trial in verdict.trials
        if trial.status == NOT_JUDGED and trial.cause is None
    ]
    if not (caused or told or verdict.problems):
        return
    yield ""
    yield paint("could not be judged", "33;1")
    for problem in verdict.problems:
        yield from _wrapped("  ", problem.splitlines()[0], width)
    yield from _struck(verdict, caused, paint, width)
    reasons: dict[str, list[str]] = {}
    for why, name in told:
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        yield from _wrapped("  ", why, width)
        few = ", ".join(names[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if names[_NAMED:] else ""
        )
        yield from _wrapped("    ", few, width)


def _requirements(verdict: Verdict, paint: _Paint, width: int) -> Iterator[str]:
    if not verdict.requirements:
        return
    yield ""
    yield f"requirements: {_numbers(item.status for item in verdict.requirements)}"
    for item in verdict.requirements:
        word, code = _SIGNS[item.status]
        yield from _wrapped(f"  {item.id:<8} {paint(f'{word:<14}', code)} ", item.text, width, 26)
        if item.status == NOT_MET:  # its cause has been told above
            few = max(width - 26, 20)
            yield " " * 26 + (item.why if len(item.why) <= few else item.why[: few - 1] + "…")
        elif item.status != MET and item.why:
            yield from _wrapped(" " * 26, item.why, width, 26)


def _broken(items: list[Item], paint: _Paint, width: int) -> Iterator[str]:
    for item in items:
        yield from _wrapped(f"  {paint(item.id, '1')}: ", item.text, width, 4)
        few = 1 if item.advice else _SHOWN
        for finding in item.findings[:few]:
            yield from _found(finding, paint, width)
        if len(item.findings) > few:
            yield f"    … and {len(item.findings) - few} more"


def _found(finding: Finding, paint: _Paint, width: int) -> Iterator[str]:
    seen = finding.seen.splitlines() or ["-"]
    yield f"    {paint(str(finding.place), '4')}"
    yield from _wrapped("      cause:  ", seen[0], width, 14)
    for line in seen[1:4]:
        yield from _wrapped(" " * 14, line, width, 14)
    yield from _wrapped("      needed: ", finding.needed.replace("\n", "; "), width, 14)
    yield from _wrapped("      fix:    ", finding.fix.replace("\n", "; "), width, 14)


def _wrapped(start: str, text: str, width: int, indent: int | None = None) -> Iterator[str]:
    """Yield a text behind a start, broken at blanks only, so that paths can be copied."""
    inner = len(start) if indent is None else indent
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=start,
        subsequent_indent=" " * min(inner, 26),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [start.rstrip()]


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, _code: str) -> str:
    return text
