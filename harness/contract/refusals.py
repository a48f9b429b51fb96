"""A secret that is missing is refused when the chart is installed, not by a crash loop."""

from __future__ import annotations

import re

from harness.contract.finding import Notes
from harness.contract.subject import Subject

_OURS = re.compile(r"nil pointer|panic|goroutine|error calling|wrong type", re.IGNORECASE)


def check(subject: Subject, notes: Notes) -> None:
    """Without each value that holds a secret the chart is refused, in words that name it."""
    if subject.main is None:
        return
    for path, outcome in subject.refusals.items():
        notes.saw(path)
        place = subject.chart.where("", f".Values.{path}", path, path.rpartition(".")[2])
        if outcome.error is None:
            seen = "it renders all the same, and the program would crash in the cluster"
        elif path not in outcome.error.seen or _OURS.search(outcome.error.seen):
            seen = f"it is refused without naming {path}: {outcome.error.seen.splitlines()[0]}"
        else:
            continue
        notes.found(
            place,
            needed=f"the chart to refuse an installation without {path}, and to say so",
            seen=seen,
            fix=f"use `required` or `fail` with a sentence that names {path}",
        )
