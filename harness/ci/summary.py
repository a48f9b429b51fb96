"""A run in Markdown, for the page of a job: a view of its record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from harness.ci.markdown import block, folded, inline, table
from harness.record.messages import PASSED, SKIPPED
from harness.report.facts import images
from harness.report.failures import Failure, failures, hooks_that_failed
from harness.report.model import NOT_SELECTED, Run
from harness.report.standing import Standing, standings, stands
from harness.report.text import seconds
from harness.report.verdict import verdict
from harness.statuses import MET, NOT_APPLICABLE, NOT_JUDGED, NOT_MET, NOT_PROVABLE

#: GitHub takes 1 MiB of a step; this many characters are less even where each takes 4 bytes.
MOST = 250_000
_SIGNS = {"passed": "✅", "failed": "❌", "partly": "⚠️", "spec": "📄"}
_STATES = {MET: "✅", NOT_MET: "❌", NOT_JUDGED: "⚠️", NOT_APPLICABLE: "-", NOT_PROVABLE: "?"}
_FAILURES = 25


def summary(run: Run, title: str = "", notes: Iterable[str] = ()) -> str:
    """Return what became of a run: verdict, failures with their causes, requirements, sizes.

    Args:
        run: what the record tells.
        title: whose run it is, such as the kind of cluster.
        notes: lines of plain text that come first, such as why scenarios were left out.

    """
    project = run.last("project") or {}
    told = project.get("requirements") or {}
    requirements = standings(run, told, stands(run))
    parts = list(_parts(run, requirements, title or str(project.get("name") or ""), list(notes)))
    text = "\n\n".join(parts) + "\n"
    return text if len(text) <= MOST else f"{text[:MOST]}\n\n… cut: the page has all of it\n"


def _parts(run: Run, requirements: list[Standing], title: str, notes: list[str]) -> Iterator[str]:
    came = verdict(run, requirements)
    yield f"## {_SIGNS.get(came.state, '')} {inline(title)}\n\n**{inline(came.sentence)}**"
    if notes:
        yield folded(inline(notes[0]), block("\n".join(notes)))
    yield _counts(run)
    for problem in run.problems:
        yield f"The record is damaged: {inline(problem)}"
    found = failures(run)
    for failure in found[:_FAILURES]:
        yield _failure(failure)
    if len(found) > _FAILURES:
        yield f"{len(found) - _FAILURES} more failures are on the page."
    for name, message in hooks_that_failed(run):
        yield folded(f"❌ {inline(name)}", block(message))
    if requirements:
        yield _requirements(requirements)
    if skipped := [s for s in run.scenarios if s.status == SKIPPED]:
        rows = [(inline(s.name), inline(s.reason)) for s in skipped]
        yield folded(f"{len(skipped)} skipped", table(("scenario", "why"), rows))
    if sizes := images(run):
        told = [
            (inline(i.name), f"{i.size / 1e6:.0f} MB", f"{i.limit_mb:.0f} MB" if i.limit_mb else "")
            for i in sizes
        ]
        yield table(("image", "size", "may be"), told)


def _counts(run: Run) -> str:
    counted = Counter(scenario.status for scenario in run.scenarios)
    passed, left = counted.pop(PASSED, 0), counted.pop(NOT_SELECTED, 0)
    words = [f"{passed} passed"]
    words += [f"{count} {status.lower().replace('_', ' ')}" for status, count in counted.items()]
    words += [f"{left} not selected"] if left else []
    return f"{len(run.scenarios)} scenarios: {', '.join(words)}; {seconds(run.seconds)}"


def _failure(failure: Failure) -> str:
    scenario = failure.scenario
    told = "\n".join(f"{name + ':' if name else '':<8}{text}" for name, text in failure.parts)
    where = f"{scenario.uri}:{scenario.line}"
    also = "".join(f"\n- {inline(other.name)}" for other in failure.others)
    body = f"{inline(where)}\n\n{inline(failure.sentence)}\n\n{block(told)}"
    return folded(
        f"❌ <b>{inline(scenario.name)}</b>",
        body + (f"\n\nfor the same reason:\n{also}" if also else ""),
    )


def _requirements(requirements: list[Standing]) -> str:
    states = Counter(requirement.status for requirement in requirements)
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    rows = [
        (
            f"{_STATES.get(r.status, '')} {inline(r.id)}",
            inline(r.text),
            f"{inline(r.status)} ({r.passed} of {len(r.scenarios)})",
        )
        for r in requirements
    ]
    head = ("requirement", "what it demands", "scenarios")
    return folded(f"{len(requirements)} requirements: {inline(told)}", table(head, rows))
