"""A verdict as people read it: what is wrong first, each with its place and its cause."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator

from harness.contract import Finding
from harness.verdict.model import (
    MET,
    NOT_APPLICABLE,
    NOT_JUDGED,
    NOT_MET,
    NOT_PROVABLE,
    Item,
    Verdict,
)

_Paint = Callable[[str, str], str]
_SHOWN = 4
_SIGNS = {
    MET: ("met", "32"),
    NOT_MET: ("NOT MET", "31;1"),
    NOT_APPLICABLE: ("not applicable", "2"),
    NOT_PROVABLE: ("needs a cluster", "36"),
    NOT_JUDGED: ("not judged", "33"),
}
_WIDTH = 100


def lines(verdict: Verdict, *, colour: bool = False, width: int = _WIDTH) -> Iterator[str]:
    """Yield the lines of a verdict.

    Args:
        verdict: what was found.
        colour: mark statuses by the terminal's colours as well as by words.
        width: columns at which long lines are broken.

    """
    paint = _painted if colour else _plain
    yield from _head(verdict, paint)
    if verdict.requirements:
        yield ""
        yield "requirements"
        for item in verdict.requirements:
            word, code = _SIGNS[item.status]
            yield from _wrapped(f"  {item.id:<8} {paint(f'{word:<15}', code)} ", item.text, width)
            if item.why:
                yield from _wrapped(" " * 11, item.why, width)
    broken = [item for item in verdict.checks if item.status == NOT_MET]
    yield from _broken("not met", [i for i in broken if i.counts], paint, "31;1", width)
    unknown = [item for item in verdict.checks if item.status == NOT_JUDGED and item.counts]
    if unknown:
        yield ""
        yield paint("could not be judged", "33;1")
        for why, items in _by_reason(unknown):
            yield from _wrapped("  ", why, width)
            yield from _wrapped("    ", ", ".join(item.id for item in items), width)
    advice = [item for item in broken if item.advice]
    yield from _broken("advice, which does not count", advice, paint, "1", width)
    for status, title in ((MET, "met"), (NOT_APPLICABLE, "not applicable")):
        items = [item for item in verdict.checks if item.status == status]
        if items:
            yield ""
            names = ", ".join(item.id for item in items)
            yield from _wrapped(f"{title} ({len(items)}): ", names, width, 2)
    notes = [*verdict.remarks, *verdict.unread[:8]]
    if len(verdict.unread) > 8:
        notes.append(f"{len(verdict.unread) - 8} more that were not read")
    if notes:
        yield ""
        yield "notes"
        for note in notes:
            yield from _wrapped("  ", note, width)


def _head(verdict: Verdict, paint: _Paint) -> Iterator[str]:
    counted = [item for item in verdict.checks if item.counts]
    numbers = [
        (NOT_MET, "not met"), (NOT_JUDGED, "not judged"), (MET, "met"),
        (NOT_APPLICABLE, "not applicable"),
    ]  # fmt: skip
    told = [(sum(item.status == status for item in counted), word) for status, word in numbers]
    said = ", ".join(f"{number} {word}" for number, word in told if number)
    word, code = _SIGNS[verdict.status]
    yield f"{verdict.name}: {paint(word, code)} without a cluster ({len(counted)} checks: {said})"
    if verdict.facts:
        unsure = sum(not fact.sure for fact in verdict.facts)
        guessed = f", {unsure} of them guessed" if unsure else ""
        yield f"its description is {verdict.source} ({len(verdict.facts)} facts{guessed})"
    else:
        yield f"its description is {verdict.source}"


def _broken(title: str, items: list[Item], paint: _Paint, code: str, width: int) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield paint(title, code)
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


def _by_reason(items: list[Item]) -> list[tuple[str, list[Item]]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.why, []).append(item)
    return list(found.items())


def _wrapped(start: str, text: str, width: int, indent: int | None = None) -> Iterator[str]:
    """Yield a text behind a start, broken at blanks only, so that paths can be copied."""
    inner = len(start) if indent is None else indent
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=start,
        subsequent_indent=" " * min(inner, 24),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [start.rstrip()]


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, _code: str) -> str:
    return text
