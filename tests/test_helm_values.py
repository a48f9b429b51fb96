"""Values by dotted path, laid over one another, and which of them are secret."""

from __future__ import annotations

from typing import Any

import pytest

from harness.helm import merged, values_from_paths
from harness.helm.values import secret_values


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({}, {}),
        ({"a": 1}, {"a": 1}),
        ({"a.b": 1, "a.c": 2, "d": [3]}, {"a": {"b": 1, "c": 2}, "d": [3]}),
        ({"a": {"b": 1}, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a.b": 1, "a": {"b": 2}}, {"a": {"b": 2}}),
        ({r"annotations.example\.org/x": "y"}, {"annotations": {"example.org/x": "y"}}),
        ({"a.b": None}, {"a": {"b": None}}),
    ],
)
def test_paths_become_nested_values(paths: dict[str, Any], expected: dict[str, Any]) -> None:
    assert values_from_paths(paths) == expected


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_a_path_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="empty part"):
        values_from_paths({path: 1})


def test_a_path_through_a_plain_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'a\.b\.c' goes through a\.b, a plain value"):
        values_from_paths({"a.b": 1, "a.b.c": 2})


def test_merging_changes_neither_side() -> None:
    base: dict[str, Any] = {"a": {"b": 1, "list": [1]}, "c": 2}
    over: dict[str, Any] = {"a": {"d": 3, "list": []}, "c": None}
    result = merged(base, over)
    assert result == {"a": {"b": 1, "d": 3, "list": []}, "c": None}
    result["a"]["b"] = 9
    assert base == {"a": {"b": 1, "list": [1]}, "c": 2}
    assert over == {"a": {"d": 3, "list": []}, "c": None}


def test_what_sounds_secret_is_found_and_references_are_not() -> None:
    values = {
        "secrets": {"existingSecret": "by-name", "databaseUrl": "s1", "deep": {"x": "s2"}},
        "auth": {"password": "s3", "user": "open"},
        "apiKey": "s4",
        "tokens": 5,
        "image": {"tag": "open"},
    }
    assert sorted(secret_values(values)) == ["s1", "s2", "s3", "s4"]
