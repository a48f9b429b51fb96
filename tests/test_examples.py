"""Each example gets the verdict that lies beside it, without a cluster."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.command import environment
from harness.verdict import Verdict, judge
from harness.verdict.model import MET, NOT_APPLICABLE, NOT_MET, NOT_PROVABLE

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(file.parent.name for file in EXAMPLES.glob("*/verdict.json"))


def _judged(name: str) -> Verdict:
    helm()  # skips where there is none
    return judge(EXAMPLES / name, environment())


def told(verdict: Verdict) -> dict[str, Any]:
    requirements: dict[str, list[str]] = {}
    for item in verdict.requirements:
        requirements.setdefault(item.status, []).append(item.id)
    counted = [item for item in verdict.checks if item.counts]
    return {
        "verdict": verdict.status,
        "exit_code": verdict.exit_code,
        "not met": {
            item.id: list(dict.fromkeys(str(finding.place) for finding in item.findings))
            for item in counted
            if item.status == NOT_MET
        },
        "not applicable": [item.id for item in counted if item.status == NOT_APPLICABLE],
        "requirements": requirements,
    }


def test_there_are_examples() -> None:
    assert {"units", "bookmarks", "tickets", "polls", "notes", "guestbook"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_the_expected_one(name: str) -> None:
    assert told(_judged(name)) == json.loads((EXAMPLES / name / "verdict.json").read_text())


@pytest.mark.parametrize("name", ["notes", "guestbook"])
def test_an_example_without_a_flaw_gets_no_advice_and_no_remark(name: str) -> None:
    verdict = _judged(name)
    assert not [item.id for item in verdict.checks if item.status == NOT_MET]
    assert not verdict.remarks


def test_an_example_with_demands_of_its_own_has_them_judged() -> None:
    stand = {item.id: (item.status, item.checks) for item in _judged("guestbook").requirements}
    assert {name: status for name, (status, _) in stand.items()} == {
        "GB-1": NOT_PROVABLE,  # a journey, for which it has to run
        "GB-2": NOT_PROVABLE,
        "GB-3": MET,
    }
    assert "ingress" in stand["GB-3"][1]


def test_each_finding_of_an_example_names_a_line_that_is_there() -> None:
    for item in _judged("polls").checks:
        for finding in item.findings if item.counts else ():
            lines = (EXAMPLES / "polls" / finding.place.file).read_text().splitlines()
            assert finding.place.line is not None
            assert lines[finding.place.line - 1].strip(), str(finding.place)


def test_a_mended_defect_is_named_no_more(tmp_path: Path) -> None:
    helm()
    copy = tmp_path / "polls"
    shutil.copytree(EXAMPLES / "polls", copy)
    chart = copy / "k8s" / "polls" / "templates" / "frontend.yaml"
    chart.write_text(
        chart.read_text().replace("http://polls-backend", "http://{{ .Release.Name }}-backend")
    )
    before, after = told(_judged("polls"))["not met"], told(judge(copy, environment()))["not met"]
    assert set(before) - set(after) == {"addresses"}


def test_no_file_of_an_example_names_a_registry() -> None:
    hosts = re.compile(r"(docker|ghcr|quay|gcr|registry|pypi|npmjs|yarnpkg)\.(io|org|com)")
    for file in EXAMPLES.rglob("*"):
        if file.is_file():
            assert not hosts.search(file.read_text()), file
