"""The rules are told once, and the document says what the code does."""

from __future__ import annotations

import inspect

import pytest

from benchmarks.causes import DOCUMENT, document, measured, measured_part, rules_table
from harness.kube import causes
from harness.kube.finding import Patience
from harness.kube.rules import Rule, rules


def test_document_is_what_the_code_says() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    expected = document(measured_part(text))
    assert text == expected, "run `python -m benchmarks.causes`"


def test_every_cause_has_a_rule_and_was_seen() -> None:
    named = {
        cause
        for _, cause in inspect.getmembers(causes, inspect.isclass)
        if issubclass(cause, causes.Cause) and cause is not causes.Cause
    }
    assert named == {rule.cause for rule in rules()}
    seen = measured_part(DOCUMENT.read_text(encoding="utf-8"))
    assert not [cause.__name__ for cause in named if f"| {cause.__name__} |" not in seen]


@pytest.mark.parametrize("name", list(Patience.__dataclass_fields__))
def test_every_patience_is_told(name: str) -> None:
    told = [(rule.hopeless, rule.recovers) for rule in rules()]
    other = [(r.hopeless, r.recovers) for r in rules(Patience(**{name: 987}))]
    assert told != other, f"no rule speaks of `{name}`"


def test_what_changes_from_run_to_run_is_left_out() -> None:
    row = {
        "name": "crash",
        "cause": "CrashLoopError",
        "seconds": 1.5,
        "said": "pod crash-6b9f7c5d4-x2x9z at 10.244.0.17 | ended",
    }
    later = row | {"seconds": 2.5}
    text = measured([{"at": "2026-01-01", "rows": [r]} for r in (later, row)], "here")
    assert "| crash | CrashLoopError | pod crash-… at 10.x.x.x \\| ended | 2.5 |" in text


def test_table_has_a_row_for_each_rule() -> None:
    assert rules_table().count("\n") == len(rules()) + 2
    assert all(isinstance(rule, Rule) for rule in rules())
