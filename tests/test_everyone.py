"""Features for projects that bring none: made of the description, collected and run."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.cache import Cache
from harness.outlines import FOLDER, OutlineInvalidError, fill, write
from harness.project import Project

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CACHE = Cache.default(os.environ).root  # pytester gives each test another home
DATABASE = """
[database]
env = "DATABASE_URL"

[secrets.signing]
env = "SIGNING_KEY"

[images.api.env]
DATABASE_URL = "${database.url}"
SIGNING_KEY = "${secrets.signing}"
COLOUR = "green"

[services.web]
image = "api"
type = "NodePort"
port = 80
health = "/ready"
public = true
"""


def described(folder: Path, more: str = "") -> Project:
    file = folder / "deploy.toml"
    file.write_text(file.read_text().replace("[requirements]", f"{more}\n[requirements]"))
    return Project.load(folder)


def filled(project: Project, folder: Path = FOLDER) -> dict[str, str]:
    return {one.name: one.text for one in fill(project, folder) if one.text}


def test_each_table_has_a_row_for_what_is_described(project_dir: Path) -> None:
    texts = filled(described(project_dir, DATABASE))
    assert "      | api | 500 |\n" in texts["images.feature"]
    assert "      | api | DATABASE_URL |\n      | api | SIGNING_KEY |\n" in texts["images.feature"]
    assert "      | api | ClusterIP |\n      | web | NodePort |\n" in texts["deployment.feature"]
    assert "While the database <fails>" in texts["faults.feature"]
    assert "@with-" not in "".join(texts.values())


def test_what_a_project_has_not_is_left_out_and_said(project_dir: Path) -> None:
    texts = filled(described(project_dir))
    assert "refuses to start" not in texts["images.feature"].partition("Feature:")[2]
    assert "# Left out: The image <image> refuses to start" in texts["images.feature"]
    assert "Scenario Outline: While the database" not in texts["faults.feature"]
    assert (
        "While the database <fails>, what uses it waits: the project is not with"
        in (texts["faults.feature"])
    )


FEATURE = """\
Feature: A

  {tag}
  Scenario Outline: B
    Given the image of the <image>

    Examples: {name}
      | {column} |
"""


@pytest.mark.parametrize(
    ("changes", "seen", "line"),
    [
        ({"name": "each dog"}, "each dog", 7),
        ({"name": ""}, "no name", 7),
        ({"column": "colour"}, "the column colour", 8),
        ({"tag": "@with-music"}, "@with-music", 3),
    ],
)
def test_what_no_description_tells_is_refused(
    project_dir: Path, tmp_path: Path, changes: dict[str, str], seen: str, line: int
) -> None:
    words = {"tag": "@static", "name": "each image", "column": "image", **changes}
    (tmp_path / "a.feature").write_text(FEATURE.format(**words))
    with pytest.raises(OutlineInvalidError) as caught:
        filled(described(project_dir), tmp_path)
    assert caught.value.seen == seen
    assert caught.value.looked.endswith(f"a.feature, line {line}")


def test_writing_again_takes_out_what_is_no_longer_there(project_dir: Path, tmp_path: Path) -> None:
    project, folder = described(project_dir), tmp_path / "features"
    names = {path.name for path in write(fill(project), folder)}
    (folder / "of-before.feature").write_text("Feature: Of before\n")
    write(fill(project), folder)
    assert {path.name for path in folder.iterdir()} == names


@pytest.fixture(autouse=True)
def as_at_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where our pytest.ini is, with the tools that are there already."""
    if "pytester" in request.fixturenames:
        request.getfixturevalue("pytester")
        monkeypatch.chdir(ROOT)
        monkeypatch.setenv("DEPLOY_CACHE_DIR", str(CACHE))


def own_run(pytester: pytest.Pytester, project: Path, *words: str) -> pytest.RunResult:
    return pytester.run(
        sys.executable,
        *("-m", "pytest", "-c", ROOT / "pytest.ini", f"--rootdir={ROOT}", "-q"),
        *(f"--deploy-project={project}", f"--deploy-artifacts={pytester.path}/out"),
        *("--deploy-history=none", *words),
        timeout=120,
    )


@pytest.mark.parametrize("more", ["", DATABASE])
def test_every_sentence_of_them_has_a_definition(
    pytester: pytest.Pytester, project_dir: Path, more: str
) -> None:
    described(project_dir, more)
    result = own_run(pytester, project_dir, "--collect-only")
    assert result.ret == 0, result.stderr.str()
    result.stdout.fnmatch_lines(["*images.feature::test_the_image_image_is_small[[]api-500[]]"])
    result.stdout.no_fnmatch_line("*todo*")


def test_features_of_the_project_come_before_those_for_everyone(
    pytester: pytest.Pytester, project_dir: Path
) -> None:
    (project_dir / "features").mkdir()
    (project_dir / "features" / "own.feature").write_text(
        "@FR-1 @static\nFeature: Own\n  Scenario: Names\n"
        "    Given the project as it lies in its folder\n"
        "    Then the chart bears the name of the project\n"
    )
    result = own_run(pytester, project_dir, "--collect-only")
    result.stdout.fnmatch_lines(["*own.feature::test_names", "*1 test collected*"])


def test_files_that_are_named_are_all_that_is_run(
    pytester: pytest.Pytester, project_dir: Path
) -> None:
    file = ROOT / "features" / "configuration.feature"
    result = own_run(pytester, project_dir, "--collect-only", str(file))
    names = [line for line in result.outlines if "::" in line]
    assert names
    assert all(name.startswith("features/configuration.feature::") for name in names)
    assert not (pytester.path / "out").exists()


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "two processes"])
def test_example_is_accepted_as_far_as_that_needs_no_cluster(
    pytester: pytest.Pytester, tmp_path: Path, words: tuple[str, ...]
) -> None:
    helm()  # skips where there is none
    project = shutil.copytree(EXAMPLES / "units", tmp_path / "units")
    result = own_run(pytester, project, "-m", "static", *words)
    outcomes: dict[str, Any] = result.parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped", "deselected"}, result.stdout.str()
    assert outcomes["passed"] >= 8
    assert sorted(path.name for path in project.iterdir()) == sorted(
        path.name for path in (EXAMPLES / "units").iterdir()
    )


def test_defects_are_found_by_them(pytester: pytest.Pytester) -> None:
    helm()
    result = own_run(pytester, EXAMPLES / "polls", "-m", "static")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*127.0.0.1: nobody outside the container reaches it"])
