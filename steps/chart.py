"""The chart with a mistake, and how a deployment of it ends."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_bdd import given, parsers, then, when

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.project import Project
    from harness.rehearsal import Rehearsal

#: What is changed in values, or appended to a file of a copy of the chart.
_VALUES: dict[str, dict[str, str | int | bool]] = {
    "value that the chart does not know": {"backend.replicas": 2},
    "value of a kind that the chart does not take": {"backend.replicaCount": "two"},
}
_FILES = {
    "template that cannot be read": ("templates/backend.yaml", "{{ if }}"),
    "file that describes no chart": ("Chart.yaml", "\n- a list\n"),
}


@given(parsers.re("a (?P<mistake>(value|template|file) that .+)"), target_fixture="mistaken")
@given(parsers.re("a (?P<mistake>value of a kind .+)"), target_fixture="mistaken")
def with_mistake(project: Project, tmp_path: Path, mistake: str) -> dict[str, Any]:
    if mistake in _VALUES:
        return {"values": _VALUES[mistake]}
    file, text = _FILES[mistake]
    chart = Path(shutil.copytree(project.chart_path, tmp_path / project.chart_path.name))
    with (chart / file).open("a", encoding="utf-8") as stream:
        stream.write(text)
    return {"chart": chart}


@given("an earlier version of the chart that there never was", target_fixture="mistaken")
def never_was() -> dict[str, Any]:
    return {"previous": "never-was"}


@when("that is to be deployed", target_fixture="rehearsal")
def deploy_that(deployment: Deployment, mistaken: dict[str, Any]) -> Rehearsal:
    from harness.rehearsal import rehearse_chart

    return rehearse_chart(deployment, **mistaken)


@then(parsers.parse('the message names "{words}" and what to do'))
def names_and_helps(rehearsal: Rehearsal, words: str) -> None:
    error = rehearsal.error
    assert error is not None
    told = "\n".join((error.needed, error.seen, error.looked))
    assert words in told, f"it does not name {words}:\n{error}"
    assert error.fix, f"it does not say what to do:\n{error}"
