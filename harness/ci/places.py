"""From what failed to the lines that a person has to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.ci.service import Annotation
from harness.report.failures import Failure, failures, hooks_that_failed
from harness.report.model import Run
from harness.report.text import clean, parts_of

# What our errors call a place: `file:12`, `file:12:5`, `file, line 12`.
_PLACE = re.compile(r"(?P<file>[\w.@+-]+(?:/[\w.@+-]+)*)(?::|, line )(?P<line>\d+)\b")
_PARTS = ("looked", "seen", "needed", "")
_MOST = 2000  # characters of a message


@dataclass(frozen=True)
class Folders:
    """Where the files are that messages name.

    Attributes:
        root: the folder that paths of feature files and findings are relative to.
        chart: the chart's folder, from whose parent Helm names templates.
        repository: files outside of it cannot have a message; `root` where it is not known.

    """

    root: Path
    chart: Path | None = None
    repository: Path | None = None

    def find(self, name: str) -> str:
        """Return the path in the repository of a file that an error names, "" without one."""
        repository = (self.repository or self.root).resolve()
        for folder in (self.root, *([self.chart.parent] if self.chart else [])):
            try:
                file = (folder / name).resolve()
                if file.is_file() and file.is_relative_to(repository):
                    return file.relative_to(repository).as_posix()
            except (OSError, ValueError):
                continue
        return ""


def annotated(run: Run, folders: Folders) -> list[Annotation]:
    """Return a message for each failure: where its cause is, and at the sentence that failed."""
    found: dict[tuple[str, int], Annotation] = {}
    for failure in failures(run):
        for annotation in _of(failure, folders):
            found.setdefault((annotation.file, annotation.line), annotation)
    for name, message in hooks_that_failed(run):
        for file, line in _places(parts_of(message), folders):
            found.setdefault((file, line), Annotation(file, line, name, _words(message)))
    return list(found.values())


def _of(failure: Failure, folders: Folders) -> Iterator[Annotation]:
    scenario, step = failure.scenario, failure.scenario.failing
    title, message = clean(scenario.name), _words(scenario.reason)
    for file, line in _places(failure.parts, folders):
        yield Annotation(file, line, title, message)
    if inside := folders.find(scenario.uri):
        line = (step.line if step else 0) or scenario.line or 1
        more = len(failure.others)
        also = f"\n{more} more scenarios failed for this reason" if more else ""
        yield Annotation(inside, line, title, message + also)


def _places(parts: list[tuple[str, str]], folders: Folders) -> Iterator[tuple[str, int]]:
    """Yield the files and lines that an error names, as far as there are such lines."""
    for name in _PARTS:
        for told, text in parts:
            if told != name:
                continue
            for match in _PLACE.finditer(text):
                inside = folders.find(match["file"])
                if inside and not inside.endswith(".feature"):
                    yield inside, int(match["line"])


def _words(message: str) -> str:
    text = clean(message).strip() or "it did not pass, and nothing was said"
    return text if len(text) <= _MOST else f"{text[:_MOST]} …"
