"""From the spec to the scenarios, and back: in the library, in pytest, and in this repository."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.project_file import ProjectFileMissingError
from harness.traceability import SpecUnreadableError, differences, requirements, uncovered

ROOT = Path(__file__).parents[1]
SPEC = """\
# The spec
| id | requirement |
|---|---|
| FR-1 | the shop sells |
| FR-2 | the shop buys |

Not an id: | FR-9 |
"""
FEATURE = """\
Feature: Selling

  @FR-1
  Scenario: A sale
    Given a shop

  @FR-2
  Scenario: A purchase
    Given a shop
"""


def test_requirement_without_a_scenario_is_told_with_its_line(project_dir: Path) -> None:
    assert list(requirements(project_dir)) == ["FR-1", "FR-2"]
    assert list(uncovered(project_dir, {"FR-1", "FR-2"})) == []
    (problem,) = uncovered(project_dir, {"FR-1"})
    line = (project_dir / "deploy.toml").read_text().splitlines().index('"FR-2" = "The shop buys"')
    assert problem == f"deploy.toml:{line + 1}: no scenario carries @FR-2: The shop buys"


def test_spec_that_says_the_same_differs_in_nothing(project_dir: Path) -> None:
    (project_dir / "spec.md").write_text(SPEC)
    assert list(differences(project_dir, project_dir / "spec.md")) == []


def test_spec_that_differs_is_told_on_both_sides(project_dir: Path) -> None:
    spec = project_dir / "spec.md"
    spec.write_text(SPEC.replace("| FR-2 |", "| US1.2 |"))
    demanded, described = differences(project_dir, spec)
    assert demanded == f"{spec}:5: US1.2 is not in [requirements] of deploy.toml"
    assert described.startswith("deploy.toml:")
    assert described.endswith(": FR-2 is not in spec.md")


@pytest.mark.parametrize("text", [None, "no table at all\n"], ids=["missing", "no ids"])
def test_spec_that_cannot_be_used_is_refused(project_dir: Path, text: str | None) -> None:
    spec = project_dir / "spec.md"
    if text is not None:
        spec.write_text(text)
    with pytest.raises(SpecUnreadableError, match=r"spec\.md"):
        list(differences(project_dir, spec))


def test_description_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileMissingError):
        requirements(tmp_path)


@pytest.fixture
def shop(pytester: pytest.Pytester, project_dir: Path) -> pytest.Pytester:
    """A project whose two requirements have a scenario each, and a spec beside it."""
    for item in project_dir.iterdir():
        item.rename(pytester.path / item.name)
    (pytester.path / "features").mkdir()
    (pytester.path / "features" / "selling.feature").write_text(FEATURE)
    (pytester.path / "spec.md").write_text(SPEC)
    modules = ["options", "console", "features", "traceability", "binding", "failures", "summary"]
    plugins = [f"plugin.{name}" for name in modules]
    step = 'from pytest_bdd import given\n\n@given("a shop")\ndef shop(): ...\n'
    pytester.makeconftest(f"pytest_plugins = {plugins!r}\n{step}")
    pytester.makeini(
        f"[pytest]\npythonpath = {ROOT}\ntestpaths = features\n"
        "addopts = -p no:pytest-kind -p no:helm-charts -p no:anyio --strict-markers\n"
        "markers =\n    deploy: x\n    requirement(id): x\n"
    )
    return pytester


def change(shop: pytest.Pytester, name: str, old: str, new: str) -> None:
    path = shop.path / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_project_in_which_all_is_covered_passes(shop: pytest.Pytester) -> None:
    result = shop.runpytest_inprocess("--collect-only", "--deploy-spec=spec.md")
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize(
    ("file", "old", "new", "option", "said"),
    [
        (
            "features/selling.feature",
            "  @FR-2\n",
            "",
            "trace=yes",
            "*deploy.toml:*: no scenario carries @FR-2: The shop buys",
        ),
        (
            "spec.md",
            "| FR-2 |",
            "| FR-3 |",
            "spec=spec.md",
            "*spec.md:5: FR-3 is not in [[]requirements] of deploy.toml",
        ),
        ("spec.md", "# The spec", "#", "spec=other.md", "*No such file or directory: *other.md*"),
        ("spec.md", "# The spec", "#", "trace=perhaps", "needed: one of yes, no for trace"),
    ],
    ids=["uncovered", "spec differs", "no spec", "no such choice"],
)
def test_what_does_not_fit_ends_the_run(
    shop: pytest.Pytester, file: str, old: str, new: str, option: str, said: str
) -> None:
    change(shop, file, old, new)
    result = shop.runpytest_inprocess("--collect-only", f"--deploy-{option}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_uncovered_requirement_does_not_hinder_a_run(shop: pytest.Pytester) -> None:
    change(shop, "features/selling.feature", "  @FR-2\n", "")
    shop.runpytest_inprocess().assert_outcomes(passed=2)


def test_file_that_cannot_be_read_is_told_in_four_parts(shop: pytest.Pytester) -> None:
    change(shop, "features/selling.feature", "Given a shop", "Given a shop\nand so on")
    result = shop.runpytest_inprocess()
    result.stdout.fnmatch_lines(["needed: a feature file that can be read"])
    result.stdout.fnmatch_lines(["seen:   features/selling.feature:6: expected: *"])
    result.assert_outcomes(errors=1)


def test_this_repository_proves_what_is_demanded(pytester: pytest.Pytester) -> None:
    result = pytester.run(
        sys.executable,
        *("-m", "pytest", "-c", ROOT / "pytest.ini", f"--rootdir={ROOT}"),
        *("--collect-only", "-qq", "--deploy-trace=yes", ROOT / "features"),
        timeout=60,
    )
    assert result.ret == pytest.ExitCode.OK, result.stderr.str()
