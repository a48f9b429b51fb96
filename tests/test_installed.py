"""The harness as a package: built, installed without a network, used in other repositories."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from chart_support import helm

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).parent / "uv"
INI = "[pytest]\naddopts = --strict-markers --strict-config\n"
UNITS = """
name = "units"

[chart]
path = "deploy/helm/units"
release = "units"
namespace = "units"

[images.units]
context = "."
repository = "units"
port = 8000
health = "/health"
"""
LOADED = """
import sys

def pytest_sessionfinish(session):
    names = ("harness", "plugin", "fixtures", "steps")
    print("loaded:", [name for name in names if name in sys.modules])
"""


def run(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {n: v for n, v in os.environ.items() if not n.startswith(("DEPLOY_", "PYTEST_"))}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not UV.is_file():
        pytest.skip("uv, which builds the package, is not beside this Python")
    out = tmp_path_factory.mktemp("wheel")
    done = run(UV, "build", "--offline", "--wheel", "--out-dir", out, ROOT, folder=out)
    assert done.returncode == 0, done.stderr
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the harness in it, and what is installed here."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home)}))
    (site / "present.pth").write_text(sysconfig.get_path("purelib") + "\n")
    words = ["pip", "install", "--offline", "--no-index", "--no-deps", "--quiet"]
    done = run(UV, *words, "--python", home / "bin" / "python", wheel, folder=home)
    assert done.returncode == 0, done.stderr
    return home / "bin"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A repository that has nothing to deploy, with modules that are named as ours."""
    for name in ("steps", "harness", "plugin"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text("OWNER = 'somebody else'\n")
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "conftest.py").write_text(LOADED)
    (tmp_path / "test_own.py").write_text(
        "from harness import own\nfrom steps.own import OWNER\n"
        "def test_own(): assert own.OWNER == OWNER\n"
    )
    return tmp_path


def test_wheel_holds_what_is_not_python(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "harness/verdict/verdict.schema.json",
        "harness/report/templates/page.html.j2",
        "supply/official/pins.toml",
        "supply/probe/main.go",
        "supply/cohere/.dockerignore",
    }
    assert not {f"deploy_harness/home/{name}" for name in wanted} - names
    top = {name.partition("/")[0] for name in names}
    assert top == {"deploy_harness", f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"}
    below = {name.split("/")[2] for name in names if name.startswith("deploy_harness/home/")}
    parts = {"features_for_everyone", "fixtures", "harness", "plugin", "steps", "supply"}
    assert below == parts


def test_other_repositories_run_as_ever(programs: Path, other: Path) -> None:
    done = run(programs / "python", "-m", "pytest", "-s", folder=other)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "loaded: ['harness', 'steps']" in done.stdout  # its own
    left = {path.name for path in other.iterdir()} - {"__pycache__", ".pytest_cache"}
    assert left == {"steps", "harness", "plugin", "pytest.ini", "conftest.py", "test_own.py"}


@pytest.mark.parametrize("described", [True, False])
def test_project_without_features_gets_those_for_everyone(
    programs: Path, tmp_path: Path, *, described: bool
) -> None:
    project = shutil.copytree(ROOT / "examples" / "units", tmp_path / "units")
    done = run(programs / "python", "-m", "pytest", "-q", folder=project)
    assert "no tests ran" in done.stdout  # without a word of deploying nothing of ours is there
    if described:
        (project / "deploy.toml").write_text(UNITS)
    else:
        helm()  # skips where there is none
    words = ("-m", "pytest", "--collect-only", "-q", "-m", "deploy")
    done = run(programs / "python", *words, folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ".deploy/features/units/images.feature::test_the_image_image_is_small" in done.stdout
    assert "configuration.feature::test_no_secret_is_written_down" in done.stdout


def test_journeys_are_collected_beside_features_and_tests(
    programs: Path, project_dir: Path
) -> None:
    file = project_dir / "deploy.toml"
    told = '[[journey]]\nname = "Looking"\n[[journey.steps]]\nsays = "somebody looks"\n'
    file.write_text(file.read_text() + told + 'request = "GET /"\n')
    (project_dir / "features").mkdir()
    (project_dir / "features" / "own.feature").write_text(
        "@FR-1 @cluster\nFeature: Own\n  Scenario: A look\n"
        "    Given a visitor of the application\n    When somebody looks\n"
    )
    (project_dir / "test_own.py").write_text("def test_own(): ...\n")
    (project_dir / ".deploy" / "features" / "other").mkdir(parents=True)
    (project_dir / ".deploy" / "features" / "other" / "a.feature").write_text("Feature: A\n")
    words = ("-m", "pytest", "--collect-only", "-q", "-m", "deploy or not deploy")
    done = run(programs / "python", *words, folder=project_dir)
    assert [line for line in done.stdout.splitlines() if "::" in line] == [
        ".deploy/features/shop/journey.feature::test_looking",
        "features/own.feature::test_a_look",
        "test_own.py::test_own",
    ], done.stdout + done.stderr


def test_package_of_the_same_name_is_told_where_it_is_in_the_way(
    programs: Path, other: Path
) -> None:
    (other / "early.py").write_text("import steps\n")
    (other / "steps" / "__init__.py").write_text("")
    done = run(programs / "python", "-m", "pytest", "-p", "early", "-m", "deploy", folder=other)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "needed: the module `steps` of the harness" in done.stderr
    assert str(other / "steps") in done.stderr


def test_steps_of_a_project_are_found_beside_ours(programs: Path, project_dir: Path) -> None:
    (project_dir / "pytest.ini").write_text(INI)
    (project_dir / "steps").mkdir()
    (project_dir / "steps" / "shop.py").write_text(
        "from pytest_bdd import then\n\n@then('it sells')\ndef sells(): ...\n"
    )
    (project_dir / "features").mkdir()
    (project_dir / "features" / "conftest.py").write_text("from steps.shop import *\n")
    (project_dir / "features" / "shop.feature").write_text(
        "@FR-1 @static\nFeature: Shop\n  Scenario: A sale\n"
        "    Given the project as it lies in its folder\n    Then it sells\n"
    )
    words = ("-m", "pytest", "--collect-only", "-q", "features")
    done = run(programs / "python", *words, folder=project_dir)
    assert "features/shop.feature::test_a_sale" in done.stdout, done.stdout + done.stderr
    (project_dir / "steps" / "database.py").write_text("")
    done = run(programs / "python", *words, folder=project_dir)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "needed: the module `steps.database` of the harness" in done.stderr


def test_the_program_judges_a_folder(programs: Path, tmp_path: Path) -> None:
    done = run(programs / "deploy", "check", tmp_path / "nowhere", folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "needed: " in done.stderr
    assert "usage: deploy " in run(programs / "deploy", "--help", folder=tmp_path).stdout


@pytest.mark.parametrize("brings", [False, True], ids=["no features", "features"])
def test_the_program_accepts_a_folder(programs: Path, tmp_path: Path, *, brings: bool) -> None:
    helm()
    here, project = tmp_path / "here", tmp_path / "units"
    here.mkdir()
    shutil.copytree(ROOT / "examples" / "units", project)
    # The project's own tests are none of an acceptance's.
    (project / "test_own.py").write_text("import nothing_of_the_kind\n")
    if brings:
        (project / "features").mkdir()
        (project / "features" / "own.feature").write_text(
            "@static\nFeature: Own\n  @R-1\n  Scenario: Nobody is root\n"
            "    Given the project as it lies in its folder\n    Then no image runs as root\n"
        )
        (project / "deploy.toml").write_text('[requirements]\n"R-1" = "Nobody is root"\n')
    words = ("accept", project, "--json", here / "v.json", "--", "-m", "static", "-q")
    done = run(programs / "deploy", *words, folder=here)
    document = json.loads((here / "v.json").read_text())
    found = {one["id"]: one["status"] for one in document["requirements"]}
    if brings:
        assert (done.returncode, found) == (0, {"R-1": "met"}), done.stdout + done.stderr
    else:
        assert (done.returncode, found["EC-3"]) == (3, "met"), done.stdout + done.stderr
        assert document["scenarios"], done.stdout + done.stderr
        left = {path.name for path in here.iterdir()}
        assert left == {".deploy", ".pytest_cache", "v.json"}


def test_our_own_repository_has_it_once(programs: Path) -> None:
    words = ("-m", "pytest", "-c", "pytest.ini", "--collect-only", "-q", "features", "-m", "static")
    done = run(programs / "python", *words, folder=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "features/configuration.feature::" in done.stdout
