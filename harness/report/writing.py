"""From a record on disk to the page beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cache import Cache
from harness.record.merging import merge
from harness.record.messages import Message, seconds_of
from harness.record.reading import read_parts
from harness.report.page import render
from harness.supply.formatter import find_formatter

if TYPE_CHECKING:
    from harness.report.trends import Trends


def write_page(
    record: Path,
    page: Path,
    environ: Mapping[str, str],
    told: Mapping[str, Any] | None = None,
    history: Path | None = None,
) -> list[str]:
    """Make the page of a record, whole or not; return what of it could not be read.

    Raises:
        RecordMissingError: there is none.

    """
    parts = read_parts(record)
    problems = [problem for part in parts for problem in part.problems]
    write_messages(merge(parts), page, environ, problems=problems, told=told, history=history)
    return problems


def write_messages(
    messages: list[Message],
    page: Path,
    environ: Mapping[str, str],
    *,
    problems: list[str] | None = None,
    told: Mapping[str, Any] | None = None,
    history: Path | None = None,
) -> None:
    """Make the page of messages. It is there as a whole or not at all.

    With the file of a history of runs it shows trends up to this run.
    """
    formatter = find_formatter(Cache.default(environ))
    text = render(
        messages,
        formatter=formatter,
        problems=problems or (),
        told=told,
        trends=_trends(messages, history) if history else None,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    beside = page.with_name(f".{page.name}.new")
    beside.write_text(text, encoding="utf-8", errors="replace")
    beside.replace(page)


def _trends(messages: list[Message], history: Path) -> Trends | None:
    from harness.report.trends import trends_in

    started = (m["testRunStarted"] for m in messages if "testRunStarted" in m)
    began = seconds_of(next((told.get("timestamp") for told in started), None))
    return trends_in(history, began) if began else None
