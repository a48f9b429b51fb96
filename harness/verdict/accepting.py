"""The verdict with a cluster: that without one, and what became of each scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from harness.contract import Place
from harness.report.facts import mapping
from harness.report.failures import failed_alone, failures
from harness.report.model import Run
from harness.report.standing import STATIC, Stand, by_cause, standings, stands
from harness.verdict.model import CLUSTER, Item, Struck, Trial, Verdict
from harness.verdict.reading import read


def accepted(run: Run, without: Mapping[str, Any] | None = None) -> Verdict:
    """Return the verdict on a project by a run, and by the checks that its record holds.

    Args:
        run: what the record tells.
        without: the verdict without a cluster, as a document, where the record has none.

    """
    project = mapping(run.last("project"))
    demanded = {str(k): str(v) for k, v in mapping(project.get("requirements")).items()}
    static = run.last(STATIC) or without
    found = stands(run)
    name = str(project.get("name") or "the project")
    verdict = read(static) if static else Verdict(name, "", "given", (), (), (), ())
    if not run.began:
        return broken(verdict, "no scenario was run")
    ids = {stand.scenario.id: _id(stand) for stand in found}
    return dataclasses.replace(
        verdict,
        stage=CLUSTER,
        requirements=tuple(
            Item(
                one.id,
                one.text,
                one.status,
                one.why,
                checks=tuple(check.id for check in one.checks),
                scenarios=tuple(ids[stand.scenario.id] for stand in one.scenarios),
            )
            for one in standings(run, demanded, found)
        ),
        trials=tuple(_trial(stand, demanded) for stand in found),
        causes=tuple(
            Struck(
                cause,
                tuple(ids[stand.scenario.id] for stand in struck if not stand.hidden),
                tuple(ids[stand.scenario.id] for stand in struck if stand.hidden),
            )
            for cause, struck in by_cause(found)
        ),
        problems=tuple(_problems(run)),
        seconds=run.seconds,
    )


def broken(verdict: Verdict, why: str) -> Verdict:
    """Return a verdict without a cluster as that of a run which has judged nothing."""
    return dataclasses.replace(verdict, stage=CLUSTER, problems=(*verdict.problems, why))


def _problems(run: Run) -> list[str]:
    """Return what of the run did not go well, its scenarios apart."""
    told = [] if run.ended else ["the record ends before the run did"]
    told += [run.message] if run.message else []
    told += [f"{name}: {words}" for name, words in failed_alone(run, failures(run))]
    return told + list(run.problems)


def _trial(stand: Stand, demanded: Mapping[str, str]) -> Trial:
    scenario, step = stand.scenario, stand.step
    line = (step.line if step and step.line else 0) or scenario.line or None
    return Trial(
        _id(stand),
        scenario.name,
        stand.status,
        stand.why,
        Place(scenario.uri, line),
        f"{step.keyword} {step.text}" if step else "",
        tuple(tag for tag in dict.fromkeys(scenario.tags) if tag in demanded),
        stand.cause,
    )


def _id(stand: Stand) -> str:
    return f"{stand.scenario.uri}:{stand.scenario.line}"
