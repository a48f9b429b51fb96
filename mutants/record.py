"""What is known of each mutant, kept from run to run, and the table that people read."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from mutants.mutant import Mutant, Needs
from mutants.verdict import Fate, Verdict

_GOAL = 95.0  # percent
_LIMIT = {Needs.NOTHING: 3.0, Needs.ENGINE: 30.0, Needs.CLUSTER: 30.0}  # seconds


@dataclass(frozen=True)
class Entry:
    """A verdict, when it fell, and on what machine."""

    verdict: Verdict
    day: str
    machine: str


class Record:
    """The last verdict on each mutant. What is no longer defined is forgotten."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = self._read()

    def add(self, verdicts: Iterable[Verdict], machine: str) -> None:
        """Keep verdicts of today, beside what another run keeps at the same time."""
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._file}.lock"):
            self._entries = self._read()
            for verdict in verdicts:
                self._entries[verdict.mutant] = Entry(verdict, day, machine)
            kept = {name: asdict(entry) for name, entry in sorted(self._entries.items())}
            self._file.write_text(json.dumps(kept, indent=1), encoding="utf-8")

    def _read(self) -> dict[str, Entry]:
        if not self._file.is_file():
            return {}
        kept = json.loads(self._file.read_text(encoding="utf-8"))
        return {name: _entry(entry) for name, entry in kept.items()}

    def killed(self) -> set[str]:
        """Return the ids of those that were killed the last time."""
        return {name for name, e in self._entries.items() if e.verdict.fate is Fate.KILLED}

    def known(self, mutants: Sequence[Mutant]) -> dict[str, Entry]:
        """Return what is known of these mutants."""
        return {m.id: self._entries[m.id] for m in mutants if m.id in self._entries}


def _entry(kept: Mapping[str, Any]) -> Entry:
    verdict = kept["verdict"] | {"fate": Fate(kept["verdict"]["fate"])}
    return Entry(Verdict(**verdict), kept["day"], kept["machine"])


def page(mutants: Sequence[Mutant], known: Mapping[str, Entry]) -> str:
    """Return the page that people read: totals, what is not killed, and each mutant."""
    where = sorted({f"{entry.day}: {entry.machine}" for entry in known.values()})
    lines = ["# Mutants", "", *_intro(), "", *(f"Judged on {place}." for place in where), ""]
    lines += [*totals(mutants, known), ""]
    if left := [m for m in mutants if m.id not in known or known[m.id].verdict.fate != Fate.KILLED]:
        lines += ["## Not killed", ""]
        lines += [f"- `{m.id}`: {m.says} {_why_left(known.get(m.id))}" for m in left]
        lines += [""]
    for topic in dict.fromkeys(mutant.topic for mutant in mutants):
        lines += [f"## {topic}", "", _HEAD, "|---|---|---|---|---|---|"]
        lines += [_row(m, known.get(m.id)) for m in mutants if m.topic == topic]
        lines += [""]
    return "\n".join(lines)


#: The registry that an engine adds to an image's name, which says nothing of the defect.
_ANY_REGISTRY = re.compile(r"\b(?:[a-z0-9-]+\.)+[a-z]{2,}/(?=library/)")
_HEAD = "| mutant | defect | needs | fate | noticed by, with the cause | s |"


def _intro() -> list[str]:
    return [
        "Each mutant is one defect in a copy of the chart, the Dockerfiles or the application.",
        "It is *killed* when a scenario fails with the cause that the mutant states beforehand;",
        "a failure for any other reason counts as *wrong cause*. Made by `make mutants`.",
        "Seconds are those of the whole run, pytest's start included; the build of an image and",
        "the restoring of the good state on the cluster are told apart.",
    ]


def totals(mutants: Sequence[Mutant], known: Mapping[str, Entry]) -> list[str]:
    """Return a table: how many of each kind, what became of them, and how long it took."""
    lines = [
        "| needs | mutants | killed | survived | wrong cause | not judged | median s | longest s |"
        " limit s | over it |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for needs in Needs:
        if ours := [m for m in mutants if m.needs is needs]:
            lines.append(_total(str(needs), ours, known, _LIMIT[needs]))
    killed = _count(mutants, known, Fate.KILLED)
    share = 100 * killed / len(mutants) if mutants else 0.0
    met = "met" if share >= _GOAL else "**not met**"
    return [*lines, "", f"Killed: {killed} of {len(mutants)}, {share:.1f} % (goal: 95 %, {met})."]


def _total(name: str, ours: Sequence[Mutant], known: Mapping[str, Entry], limit: float) -> str:
    seconds = [known[m.id].verdict.seconds for m in ours if m.id in known]
    counts = [_count(ours, known, fate) for fate in Fate]
    killed, survived, wrong = counts
    middle = f"{statistics.median(seconds):.1f} | {max(seconds):.1f}" if seconds else "- | -"
    late = sum(value > limit for value in seconds)
    rest = len(ours) - sum(counts)
    return (
        f"| {name} | {len(ours)} | {killed} | {survived} | {wrong} | {rest} | {middle} |"
        f" {limit:g} | {late} |"
    )


def _count(mutants: Sequence[Mutant], known: Mapping[str, Entry], fate: Fate) -> int:
    return sum(m.id in known and known[m.id].verdict.fate is fate for m in mutants)


def _why_left(entry: Entry | None) -> str:
    if entry is None:
        return "Not judged yet."
    verdict = entry.verdict
    if verdict.fate is Fate.SURVIVED:
        return "No scenario failed."
    return f"{verdict.scenario} failed with: {_cell(verdict.cause)}"


def _row(mutant: Mutant, entry: Entry | None) -> str:
    if entry is None:
        return f"| {mutant.id} | {_cell(mutant.says)} | {mutant.needs} | not judged | | |"
    verdict = entry.verdict
    more = f" (and {verdict.others} more)" if verdict.others > 0 else ""
    by = f"{_cell(verdict.scenario)}{more}: {_cell(verdict.cause)}" if verdict.scenario else ""
    seconds = f"{verdict.seconds:.1f}"
    seconds += f" + {verdict.building:.0f} building" if verdict.building else ""
    seconds += f" + {verdict.restoring:.0f} restoring" if verdict.restoring else ""
    fate = str(verdict.fate) if verdict.fate is Fate.KILLED else f"**{verdict.fate}**"
    return f"| {mutant.id} | {_cell(mutant.says)} | {mutant.needs} | {fate} | {by} | {seconds} |"


def _cell(text: str) -> str:
    text = _ANY_REGISTRY.sub("", text)
    return text.replace("|", "\\|").replace("<", "&lt;")
