"""Feature files as text: what is found wrong with them, with file and line."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from harness.scenarios import FeatureUnreadableError, carried, problems, read_feature

KNOWN = ("FR-1", "FR-2", "cluster")
GOOD = """\
@cluster
Feature: Selling

  Background:
    Given a shop

  @FR-1
  Scenario: A sale
    Then it sells

  @FR-2
  Scenario Outline: <what> is sold
    Then it sells <what>

    Examples:
      | what |
      | tea  |
"""


def written(folder: Path, text: str, name: str = "selling.feature") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_good_file_has_no_problem(tmp_path: Path) -> None:
    feature = read_feature(written(tmp_path, GOOD), tmp_path)
    assert feature.shown == "selling.feature"
    assert [s.name for s in feature.scenarios] == ["A sale", "<what> is sold"]
    assert list(problems([feature], KNOWN)) == []
    assert carried([feature]) == set(KNOWN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  @FR-1", "  @FR-7", "selling.feature:7: @FR-7 is no requirement; the nearest*@FR-2"),
        ("@cluster", "@clutser", "selling.feature:1: @clutser is no requirement*@cluster"),
        (
            "Outline: <what> is sold",
            "Outline: A sale",
            "selling.feature:12: the name of *:8 again*",
        ),
        ("    Then it sells\n\n", "\n", "selling.feature:8: a scenario without a sentence"),
        ("      | tea  |\n", "", "selling.feature:15: examples without a row*"),
        (GOOD[GOOD.index("\n    Examples") :], "", "selling.feature:12: an outline without*"),
        (GOOD[GOOD.index("  Background") :], "", "selling.feature: a feature without a scenario"),
    ],
    ids=["tag", "file's tag", "same name", "no sentence", "no row", "no examples", "no scenario"],
)
def test_problem_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    feature = read_feature(written(tmp_path, GOOD.replace(old, new, 1)), tmp_path)
    (problem,) = problems([feature], KNOWN)
    assert fnmatch.fnmatchcase(problem, said), problem


def test_names_differ_between_files_too(tmp_path: Path) -> None:
    first = read_feature(written(tmp_path, GOOD), tmp_path)
    again = GOOD.replace("<what> is sold", "<what> is bought")
    second = read_feature(written(tmp_path, again, "buying.feature"), tmp_path)
    (problem,) = problems([first, second], KNOWN)
    assert problem == "buying.feature:8: the name of selling.feature:8 again: A sale"


def test_scenario_that_runs_nothing_carries_nothing(tmp_path: Path) -> None:
    feature = read_feature(written(tmp_path, GOOD.replace("      | tea  |\n", "")), tmp_path)
    assert carried([feature]) == {"FR-1", "cluster"}


def test_tags_of_rules_and_examples_count(tmp_path: Path) -> None:
    text = GOOD.replace("    Examples:", "    @FR-1\n    Examples:")
    text = text.replace(
        "  @FR-1\n  Scenario: A sale", "  @cluster\n  Rule: Fair\n  Scenario: A sale"
    )
    feature = read_feature(written(tmp_path, text), tmp_path)
    assert len(feature.scenarios) == 2
    assert "FR-1" in {tag.name for tag in feature.scenarios[-1].tags}


def test_file_that_breaks_the_grammar_is_told_with_its_lines(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("Given a shop\n", "Given a shop\nand so on\n", 1))
    with pytest.raises(FeatureUnreadableError) as caught:
        read_feature(path, tmp_path)
    assert "selling.feature:6: expected: " in caught.value.seen
    assert "got 'and so on'" in caught.value.seen
    assert caught.value.looked == str(path)


def test_language_that_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(FeatureUnreadableError, match=r"selling\.feature:1: Language not"):
        read_feature(written(tmp_path, f"# language: xx\n{GOOD}"), tmp_path)


def test_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "selling.feature"
    path.write_bytes(b"Feature: \xff")
    with pytest.raises(FeatureUnreadableError, match="utf-8"):
        read_feature(path, tmp_path)
