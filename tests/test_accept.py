"""The verdict of a run: as a document, on the page, in the terminal, by the exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from chart_support import helm
from record_support import make_shop, record_of

from harness.accept import command
from harness.report.page import render
from harness.report.reader import read_run
from harness.verdict.accepting import accepted
from harness.verdict.reading import read
from harness.verdict.terminal import lines

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SCHEMA = json.loads((ROOT / "harness" / "verdict" / "verdict.schema.json").read_text())

FEATURE = """\
Feature: Baking
  @FR-1
  Scenario: Size
    Given the image of the bread
    Then it is small
  @FR-1
  Scenario: Baking bread
    When the image of the bread is built
    Then it is small
  @FR-2
  Scenario: Tea
    Given the image of the tea
    Then it is small
  @FR-3
  Scenario: Room
    When room is needed
  @FR-4
  Scenario: Selling
    Then 3 are sold
  @FR-5
  Scenario: Dogs
    Given no dogs
"""
STEPS = """
from pathlib import Path
import pytest
from pytest_bdd import given, when, then, parsers
from harness.images.dockerfile import Dockerfile
from harness.images.failure import BuildFailedError, read_failure
from harness.images.spec import ImageSpec
from harness.redact import Redactor
from harness.statuses import NOTHING_OF_THE_KIND
from harness.supply.disk import DiskTooSmallError

OUTPUT = '''#5 [2/2] RUN bake
#5 0.1 /bin/sh: 1: bake: not found
#5 ERROR: process "/bin/sh -c bake" did not complete successfully: exit code: 127
'''

@given(parsers.parse("the image of the {name}"))
@when(parsers.parse("the image of the {name} is built"))
def image(name, tmp_path):
    if name == "bread":
        file = tmp_path / "Dockerfile"
        file.write_text("FROM scratch\\nRUN bake\\n")
        failure = read_failure(OUTPUT, Dockerfile.read(file))
        spec = ImageSpec(name=name, context=Path("bread"), repository="bread")
        raise BuildFailedError(spec, failure, Redactor())

@then("it is small")
def small(): ...

@when("room is needed")
def room(): raise DiskTooSmallError(Path("/"), 1, 9)

@then(parsers.parse("{n:d} are sold"))
def sold(n): assert n == 2, f"{n} are sold"

@given("no dogs")
def dogs(): pytest.skip(NOTHING_OF_THE_KIND + "there are no dogs")
"""
IDS = "".join(f'"FR-{n}" = "Demand {n}"\n' for n in range(3, 7))


@pytest.fixture
def bakery(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    make_shop(pytester, project_dir, {"baking": FEATURE})
    description = pytester.path / "deploy.toml"
    description.write_text(description.read_text() + IDS)
    conftest = pytester.path / "conftest.py"
    plugins = conftest.read_text().split("\n")[0]
    conftest.write_text(f"{plugins}\n{STEPS}")
    return pytester


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_a_run_tells_each_cause_once_and_blames_nobody_else(
    bakery: pytest.Pytester, words: tuple[str, ...]
) -> None:
    file = bakery.path / "out" / "verdict.json"
    ran = bakery.runpytest_subprocess(f"--deploy-verdict={file}", *words, timeout=60)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    document = json.loads(file.read_text())
    jsonschema.validate(document, SCHEMA)
    assert (document["stage"], document["verdict"], document["exit_code"]) == (
        *("cluster", "not met", 1),
    )
    assert {r["id"]: r["status"] for r in document["requirements"]} == {
        "FR-1": "not met",
        "FR-2": "met",
        "FR-3": "not judged",
        "FR-4": "not met",
        "FR-5": "not applicable",
        "FR-6": "not judged",
    }
    found = {s["name"]: s for s in document["scenarios"]}
    size, baking = found["Size"], found["Baking bread"]
    assert (size["status"], baking["status"]) == ("not judged", "not met")
    assert size["why"].startswith("it could not be tried, because of: image bread to build")
    assert size["cause"] == baking["cause"]
    assert baking["step"] == "When the image of the bread is built"
    lines_ = (bakery.path / baking["file"]).read_text().splitlines()
    assert lines_[baking["line"] - 1].strip() == baking["step"]
    by_kind = {cause["kind"]: cause for cause in document["causes"]}
    assert by_kind["BuildFailedError"]["scenarios"] == [baking["id"]]
    assert by_kind["BuildFailedError"]["hides"] == [size["id"]]
    assert by_kind["DiskTooSmallError"]["fault"] == "machine"
    assert by_kind["AssertionError"]["seen"].startswith("3 are sold")
    # Without Dockerfiles and templates the checks say much, and say it beside the run.
    assert {c["id"]: c["status"] for c in document["checks"]}["dockerfile copies"] == "not met"


def test_page_terminal_and_document_say_the_same(bakery: pytest.Pytester) -> None:
    file = bakery.path / "verdict.json"
    ran = bakery.runpytest_subprocess(f"--deploy-verdict={file}", timeout=60)
    document = json.loads(file.read_text())
    told = {r["id"]: r["status"] for r in document["requirements"]}
    page = (bakery.path / ".deploy" / "report.html").read_text()
    marks = re.findall(
        r'id="r-(FR-\d)".*?<span class="hidden">([a-z ]+): </span><span class="id">\1<', page, re.S
    )
    assert dict(marks) == told
    signs = {
        "✓": "met",
        "✕": "not met",
        "○": "not judged",
        "-": "not applicable",
    }
    section = ran.stdout.str().partition("= requirements =")[2]
    shown = dict(re.findall(r"^(\S) (FR-\d) ", section, re.M)[::-1])
    assert {(name, signs[sign]) for sign, name in re.findall(r"^(\S) (FR-\d) ", section, re.M)} <= (
        set(told.items())
    )
    assert shown
    again = accepted(read_run(record_of(bakery.path))).document()
    assert again == document
    assert read(document).document() == document


def test_a_verdict_needs_the_record(bakery: pytest.Pytester) -> None:
    ran = bakery.runpytest_subprocess("--deploy-verdict=v.json", "--deploy-record=no", timeout=60)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*--deploy-verdict is made of the record*"])


def test_a_folder_cannot_be_the_verdict(bakery: pytest.Pytester) -> None:
    ran = bakery.runpytest_subprocess(f"--deploy-verdict={bakery.path}", timeout=60)
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*a file, not a folder, for verdict*"])


def test_without_a_run_the_page_has_no_verdict(bakery: pytest.Pytester) -> None:
    bakery.runpytest_subprocess("--deploy-verdict=v.json", "--collect-only", timeout=60)
    assert not (bakery.path / "v.json").exists()


def test_the_terminal_tells_causes_first(bakery: pytest.Pytester) -> None:
    file = bakery.path / "verdict.json"
    bakery.runpytest_subprocess(f"--deploy-verdict={file}", timeout=60)
    told = "\n".join(lines(read(json.loads(file.read_text()))))
    assert told.startswith("shop: NOT MET by checks and scenarios\n")
    assert told.count("image bread to build") == 2  # the cause, and the requirement's line
    cause = told.index("  needed: image bread to build: step 2/2, line 2, `RUN bake`")
    assert "      hides:  1 not tried: Size" in told[cause:]
    machine = told.index("  needed: 9.0 GB free")
    assert cause < told.index("could not be judged") < machine < told.index("requirements: ")
    assert "  FR-5     not applicable Demand 5" in told
    assert max(map(len, told.splitlines())) <= 100


# The program


def accept(
    folder: Path, out: Path, *words: str, json_: str = "-"
) -> subprocess.CompletedProcess[str]:
    helm()
    options = ("--deploy-history=none", f"--deploy-artifacts={out}", "-q", *words)
    environ = {n: v for n, v in os.environ.items() if not n.startswith(("DEPLOY_", "PYTEST_"))}
    if "DEPLOY_CACHE_DIR" in os.environ:
        environ["DEPLOY_CACHE_DIR"] = os.environ["DEPLOY_CACHE_DIR"]
    return subprocess.run(
        [sys.executable, "-m", "harness", "accept", str(folder), "--json", json_, "--", *options],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def document_of(done: subprocess.CompletedProcess[str], code: int) -> dict[str, Any]:
    assert done.returncode == code, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["stage"] == "cluster"
    assert document["exit_code"] == code
    return document


OWN = """\
@static
Feature: Units
  @R-1
  Scenario: Nobody is root
    Given the project as it lies in its folder
    Then no image runs as root
  @R-2
  Scenario: Addresses
    Given the project as it lies in its folder
    Then whatever stands before the Services hands on each path as it came
"""


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A project whose scenarios need no cluster, so that all of it is judged here."""
    root = tmp_path / "units"
    shutil.copytree(EXAMPLES / "units", root)
    (root / "features").mkdir()
    (root / "features" / "units.feature").write_text(OWN)
    (root / "deploy.toml").write_text('[requirements]\n"R-1" = "One"\n"R-2" = "Two"\n')
    return root


def test_all_that_is_demanded_is_met(units: Path, tmp_path: Path) -> None:
    done = accept(units, tmp_path / "out", json_=str(tmp_path / "v.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "units: met without a cluster; the run begins" in done.stdout
    assert "units: met by checks and scenarios\n" in done.stdout
    document = json.loads((tmp_path / "v.json").read_text())
    assert {r["id"]: r["status"] for r in document["requirements"]} == {
        "R-1": "met",
        "R-2": "not applicable",
    }


def test_what_is_not_met_is_told_with_its_code(units: Path, tmp_path: Path) -> None:
    dockerfile = units / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER 10001:10001\n", ""))
    document = document_of(accept(units, tmp_path / "out"), 1)
    assert document["requirements"][0]["status"] == "not met"
    assert document["requirements"][0]["why"].startswith("Dockerfile:")


def test_a_run_of_a_part_says_what_was_not_asked_for(tmp_path: Path) -> None:
    document = document_of(accept(EXAMPLES / "units", tmp_path / "out", "-m", "static"), 3)
    found = {r["id"]: r for r in document["requirements"]}
    assert found["EC-3"]["status"] == "met"
    assert found["FR-004"]["why"] == "the project is not with database"
    assert found["US4.1"]["status"] == "not provable"
    assert "was not asked for" in found["SC-001"]["why"]


def test_no_folder_is_bad_input(tmp_path: Path) -> None:
    document = document_of(accept(tmp_path / "none", tmp_path / "out"), 2)
    assert document["error"]["kind"] == "FolderMissingError"


def test_options_that_cannot_be_are_bad_input(units: Path, tmp_path: Path) -> None:
    done = accept(units, tmp_path / "out", "--deploy-nodes=77")
    document = document_of(done, 2)
    assert document["error"]["kind"] == "RunRefusedError"
    assert document["error"]["needed"] == "a number from 1 to 9 for nodes"
    assert document["error"]["fix"].startswith("correct the option --deploy-nodes")
    assert done.stderr.count("a number from 1 to 9 for nodes") == 1


def test_a_run_that_ends_without_a_verdict_leaves_what_is_known(
    units: Path, tmp_path: Path
) -> None:
    (units / "features" / "conftest.py").write_text("import os\n\nos._exit(9)\n")
    document = document_of(accept(units, tmp_path / "out"), 3)
    assert document["verdict"] == "not judged"
    assert "a run that comes to its end" in document["problems"][0]
    assert {c["id"]: c["status"] for c in document["checks"]}["dockerfile user"] == "met"


def test_what_the_machine_lacks_is_not_the_projects_fault(units: Path, tmp_path: Path) -> None:
    (units / "features" / "conftest.py").write_text(
        "from pathlib import Path\nfrom pytest_bdd import then\n"
        "from harness.supply.disk import DiskTooSmallError\n\n"
        "@then('there is room')\ndef room(): raise DiskTooSmallError(Path('/'), 1, 9)\n"
    )
    feature = units / "features" / "units.feature"
    feature.write_text(f"{feature.read_text()}  @R-1\n  Scenario: Room\n    Then there is room\n")
    document = document_of(accept(units, tmp_path / "out"), 3)
    assert document["verdict"] == "not judged"
    assert document["requirements"][0]["why"].endswith("9.0 GB free: 1.0 GB free")
    (cause,) = document["causes"]
    assert cause["fault"] == "machine"


def test_it_is_called_where_it_is_at_home(tmp_path: Path) -> None:
    words, root = command(tmp_path, Path("v.json"), ["-m", "static"])
    assert root == ROOT
    assert words[words.index("-c") + 1] == str(ROOT / "pytest.ini")
    assert words[-1] == "--deploy-verdict=v.json"
    assert words.index("static") > words.index("deploy")


def test_a_record_that_was_cut_off_is_not_judged() -> None:
    told = accepted(read_run([]))
    assert (told.status, told.problems) == ("not judged", ("no scenario was run",))
    assert render([])
