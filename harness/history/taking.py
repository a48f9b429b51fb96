"""From the record of a run to what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.history.identity import identities
from harness.history.model import Demand, Entry, Result, Size, Source
from harness.history.phases import length, shared, spent
from harness.record.messages import SKIPPED, Message
from harness.report import facts
from harness.report.failures import failures
from harness.report.model import NOT_SELECTED, Run
from harness.report.reader import read_run
from harness.report.requirements import Requirement, proven_by
from harness.report.standing import standings, stands
from harness.report.text import clean, parts_of
from harness.report.verdict import verdict

_MOST = 300  # characters of a cause


def entry_of(
    messages: Iterable[Message],
    *,
    exit_status: int,
    source: Source,
    chart: str = "",
    provider: str = "",
    whole: bool = False,
) -> Entry | None:
    """Return what is kept of a run; None when it did not begin any scenario.

    Args:
        messages: its record, whole.
        exit_status: of pytest.
        source: what the sources were.
        chart: the version of the chart.
        provider: kind of cluster.
        whole: whether all feature files of the project are in the record.

    """
    messages = list(messages)
    run = read_run(messages)
    if not any(scenario.attempts for scenario in run.scenarios):
        return None
    project = facts.mapping(run.last("project"))
    demanded = {str(k): str(v) for k, v in facts.mapping(project.get("requirements")).items()}
    requirements = proven_by(demanded, run.scenarios)
    return Entry(
        began=run.began,
        seconds=run.seconds,
        source=source,
        chart=chart,
        provider=provider,
        workers=run.workers,
        exit_status=exit_status,
        outcome=verdict(run, standings(run, demanded, stands(run))).sentence,
        command=str(project.get("command") or ""),
        whole=whole,
        sizes=tuple(
            Size(image.name, image.size, image.packed, image.limit_mb, image.goal_mb)
            for image in facts.images(run)
        ),
        phases=tuple(spent(run)),
        results=tuple(_results(run, messages)),
        demands=tuple(map(_demand, requirements)),
    )


def _results(run: Run, messages: list[Message]) -> Iterable[Result]:
    names, causes = identities(messages), _causes(run)
    windows = {worker: shared(run, worker) for worker in {s.worker for s in run.scenarios}}
    for scenario in run.scenarios:
        whole = (scenario.began, scenario.began + scenario.seconds)
        yield Result(
            names[scenario.id],
            scenario.status,
            scenario.seconds - length(windows[scenario.worker], whole),
            scenario.attempts,
            causes.get(scenario.id, ""),
        )


def _causes(run: Run) -> dict[str, str]:
    """Return, by scenario, the line that names why it did not pass."""
    found = {}
    for failure in failures(run):
        line = _line(failure.parts[0][1]) if failure.parts else ""
        for scenario in (failure.scenario, *failure.others):
            found[scenario.id] = line
    for scenario in run.scenarios:
        if scenario.status == SKIPPED and (parts := parts_of(scenario.reason)):
            found[scenario.id] = _line(parts[-1][1])
    return found


def _line(text: str) -> str:
    return clean(next(iter(text.strip().splitlines()), ""))[:_MOST]


def _demand(requirement: Requirement) -> Demand:
    selected = sum(scenario.status != NOT_SELECTED for scenario in requirement.scenarios)
    return Demand(requirement.id, requirement.status, len(requirement.scenarios), selected)
