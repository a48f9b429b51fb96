"""The page itself: one file, without anything from elsewhere, that a mail can carry."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.record.journal import dump
from harness.record.messages import PENDING, UNKNOWN, Message, strings_changed
from harness.report import facts
from harness.report.diagram import draw
from harness.report.failures import failed_alone, failures
from harness.report.model import BAD, NOT_RUN, NOT_SELECTED, Run
from harness.report.reader import read_run
from harness.report.requirements import grouped
from harness.report.standing import standings, stands
from harness.report.text import clean, cut, parts_of, seconds
from harness.report.timeline import timeline
from harness.report.verdict import verdict

if TYPE_CHECKING:
    from harness.report.trends import Trends
    from harness.supply.formatter import Formatter

_TEMPLATES = Path(__file__).with_name("templates")
_SHOWN = 6_000  # characters of one text
_NOT_HAD = "it was not prepared on the machine that made this page (`make prepare` fetches it)"
_WORDS = {"UNKNOWN": "broken off", NOT_RUN: "not run", NOT_SELECTED: "not selected"}


def render(
    messages: Iterable[Message],
    *,
    formatter: Formatter | None = None,
    without_formatter: str = _NOT_HAD,
    problems: Iterable[str] = (),
    told: Mapping[str, Any] | None = None,
    trends: Trends | None = None,
) -> str:
    """Return the page of a record.

    Args:
        messages: what could be read of it, in order.
        formatter: shows the whole record; without it the page's own view is all there is.
        without_formatter: why there is none.
        problems: what of the record could not be read.
        told: name and requirements of the project, where the record does not tell them.
        trends: how the run stands among those before it; None where no history is kept.

    """
    messages = list(messages)
    run = read_run(messages, problems)
    formatter = formatter if run.began else None
    project = facts.mapping(run.last("project")) or dict(told or {})
    demanded = {str(k): str(v) for k, v in facts.mapping(project.get("requirements")).items()}
    requirements = standings(run, demanded, stands(run))
    script = (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    scripts = [script, *([formatter.script] if formatter else [])]
    system, failed = facts.system(run), failures(run)
    calls = ((e.facts, e.passed) for e in run.evidence if e.kind == "call")
    text: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            run=run,
            project=str(project.get("name") or "the project"),
            command=str(project.get("command") or ""),
            when=datetime.fromtimestamp(run.began, UTC) if run.began else None,
            verdict=verdict(run, requirements),
            requirements=requirements,
            groups=grouped(requirements),
            counts=Counter(requirement.status for requirement in requirements),
            scenario_counts=Counter(scenario.status for scenario in run.scenarios),
            failures=failed,
            failed_hooks=failed_alone(run, failed),
            failures_title=_failures_title(run),
            images=facts.images(run),
            timeline=timeline(run),
            trends=trends if run.began else None,
            moment=system.get("moment", ""),
            others=system.get("others", 0),
            pods=facts.pods(system) if system else [],
            diagram=draw(system, calls) if system else None,
            choices=facts.choices(run),
            formatter=formatter,
            without_formatter=without_formatter,
            bundle=_bundle(messages, formatter) if formatter else {},
            policy=_policy(scripts),
            script=script,
            style=(_TEMPLATES / "page.css").read_text(encoding="utf-8"),
        )
    )
    return text


@lru_cache
def _environment() -> Any:
    import jinja2
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup | int | float) else clean(value)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: dict[str, Any] = {
        "seconds": seconds,
        "cut": lambda text: cut(str(text), _SHOWN),
        "parts": parts_of,
        "megabytes": lambda count: f"{float(count or 0) / 1e6:.1f} MB",
        "css": lambda status: str(status).lower().replace("_", "-").replace(" ", "-"),
        "words": lambda status: _WORDS.get(str(status), str(status).lower()),
        "trusted": Markup,  # only for the files beside the template
    }
    environment.filters |= filters
    return environment


def _failures_title(run: Run) -> str:
    only_broken_off = {scenario.status for scenario in run.scenarios} & {*BAD, PENDING} == {UNKNOWN}
    return "Where it was broken off" if only_broken_off else "What failed"


def _bundle(messages: list[Message], formatter: Formatter) -> dict[str, str]:
    """Return what the formatter needs, packed; a browser unpacks it when it is asked for."""
    lines = ",".join(dump(_plain(strings_changed(message, clean))) for message in messages)
    return {
        "record": _packed(f"[{lines}]"),
        "script": _packed(formatter.script),
        "style": _packed(formatter.style),
    }


def _plain(value: Any) -> Any:
    """Return a message without HTML in descriptions, which the formatter takes for Markdown."""
    if isinstance(value, dict):
        return {
            key: part.replace("<", "&lt;")
            if key == "description" and isinstance(part, str)
            else _plain(part)
            for key, part in value.items()
        }
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _packed(text: str) -> str:
    data = gzip.compress(text.encode("utf-8", "replace"), compresslevel=6, mtime=0)
    return base64.b64encode(data).decode()


def _policy(scripts: list[str]) -> str:
    """Return a policy that lets these scripts run and nothing else, and fetches nothing."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    )
