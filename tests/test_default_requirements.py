"""What is demanded of a project that demands nothing itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.default_requirements import FOLDER, defaults, has_features, requirements_of
from harness.outlines import fill, lacking
from harness.project import Project
from harness.project_file import ProjectFileMissingError
from harness.scenarios import carried, read_feature
from harness.statuses import NOT_APPLICABLE, NOT_PROVABLE
from harness.verdict.demands import demands
from plugin.features import MARKS

ROOT = Path(__file__).parents[1]
CONDITION = re.compile(r"with(out)?-")


def tags() -> set[str]:
    """The tags of the features for everyone, marks and conditions apart."""
    texts = [file.read_text() for file in FOLDER.glob("*.feature")]
    lines = [line for text in texts for line in text.splitlines() if line.lstrip().startswith("@")]
    found = {word.removeprefix("@") for line in lines for word in line.split()}
    return {tag for tag in found if tag not in MARKS and not CONDITION.match(tag)}


def test_every_requirement_has_a_scenario_or_a_reason_and_every_tag_a_requirement() -> None:
    assert tags() == {name for name, one in defaults().items() if not one.unprovable}
    assert [name for name, one in defaults().items() if one.unprovable] == ["US4.1"]


def test_they_are_the_family_of_our_own_and_hold_for_any_project() -> None:
    own = requirements_of(ROOT)
    assert list(defaults()) == list(own)
    texts = " ".join(one.text for one in defaults().values())
    assert not re.search(r"todo|frontend|backend|cohere|next|neon|fastapi", texts, re.I)


def undescribed(project: Path) -> None:
    file = project / "deploy.toml"
    file.write_text(file.read_text().partition("[requirements]")[0])


def test_own_requirements_take_their_place(project_dir: Path) -> None:
    assert list(requirements_of(project_dir)) == ["FR-1", "FR-2"]
    texts = "".join(one.text for one in fill(Project.load(project_dir)))
    assert "Scenario" in texts
    assert not re.search(r"@(US|FR|SC|EC)", texts)
    assert lacking(Project.load(project_dir), fill(Project.load(project_dir))) == {}
    undescribed(project_dir)
    assert list(requirements_of(project_dir)) == list(defaults())
    assert "@US1.1 @US1.2 @FR-001" in "".join(one.text for one in fill(Project.load(project_dir)))


def test_features_of_its_own_are_measured_by_what_it_demands(project_dir: Path) -> None:
    undescribed(project_dir)
    (project_dir / "features").mkdir()
    assert not has_features(project_dir)
    (project_dir / "features" / "a.feature").write_text("Feature: A\n")
    assert requirements_of(project_dir) == {}
    (project_dir / "deploy.toml").unlink()
    with pytest.raises(ProjectFileMissingError):
        requirements_of(project_dir)


def test_a_folder_without_a_description_is_measured_by_them(tmp_path: Path) -> None:
    assert list(requirements_of(tmp_path)) == list(defaults())


def test_why_no_scenario_is_about_one_is_told(project_dir: Path) -> None:
    undescribed(project_dir)
    project = Project.load(project_dir)
    found = lacking(project, fill(project))
    assert found["US4.1"]["status"] == NOT_PROVABLE
    assert found["FR-004"] == {"status": NOT_APPLICABLE, "why": "the project is not with database"}
    judged = demands(project, [])
    assert judged["FR-004"].scenarios == 0
    assert judged["FR-004"].lacking == (NOT_APPLICABLE, "the project is not with database")
    assert {"dockerfile copies", "dockerfile bases"} <= judged["EC-1"].checks
    assert judged["EC-1"].further == 0
    assert judged["SC-001"].further == judged["SC-001"].scenarios == 1


JOURNEY = """
[[journey]]
name = "Buying"
[[journey.steps]]
says = "somebody buys tea"
request = "{method} /tea"
"""


@pytest.mark.parametrize(("method", "proves"), [("GET", "@US2.2"), ("POST", "@US2.2 @SC-003")])
def test_a_journey_proves_that_people_reach_it_and_that_it_keeps_things(
    project_dir: Path, method: str, proves: str
) -> None:
    undescribed(project_dir)
    file = project_dir / "deploy.toml"
    file.write_text(file.read_text() + JOURNEY.format(method=method))
    (found,) = (one for one in fill(Project.load(project_dir)) if one.name == "journey.feature")
    assert f"  {proves}\n  Scenario: Buying" in found.text


def test_written_features_carry_them(project_dir: Path, tmp_path: Path) -> None:
    undescribed(project_dir)
    written = []
    for one in fill(Project.load(project_dir)):
        if one.text:
            (tmp_path / one.name).write_text(one.text)
            written.append(read_feature(tmp_path / one.name, tmp_path))
    assert {"US1.1", "FR-002", "EC-2"} <= carried(written)
