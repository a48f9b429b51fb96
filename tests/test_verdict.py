"""The verdict without a cluster: statuses, document, terminal, exit codes."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from chart_support import helm

from harness.__main__ import main
from harness.contract import CHECKS, Contract
from harness.verdict.model import STATUSES
from harness.verdict.sentences import ADVICE, OF_A_CHART, SENTENCES, WITHOUT_RENDERING

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def _no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of memory would hold for all tests that come after."""
    monkeypatch.setattr("harness.inference.limits.limit_memory", lambda: None)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    helm()
    shutil.copytree(EXAMPLES / "units", tmp_path / "units")
    return tmp_path / "units"


def judged(
    folder: Path, capsys: pytest.CaptureFixture[str], code: int, *words: str
) -> dict[str, Any]:
    assert main(["check", str(folder), "--json", "-", *words]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    return found


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in document["checks"]}


def test_every_check_has_a_sentence_and_it_is_the_one_of_its_step() -> None:
    assert {check for checks in SENTENCES.values() for check in checks} == set(CHECKS)
    assert set(ADVICE) | WITHOUT_RENDERING | OF_A_CHART <= set(CHECKS)
    found = {}
    for node in ast.walk(ast.parse((ROOT / "steps" / "contract.py").read_text())):
        if not isinstance(node, ast.FunctionDef):
            continue
        calls = [c for c in ast.walk(node) if isinstance(c, ast.Call)]
        held = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "_hold"]
        said = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "then"]
        if said and isinstance(text := said[0].args[0], ast.Constant):
            checks = [a.value for c in held for a in c.args if isinstance(a, ast.Constant)]
            found[text.value] = tuple(checks)
    assert found == SENTENCES


def test_document_has_what_is_promised(units: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = judged(units, capsys, 0)
    assert (document["schema"], document["version"]) == ("deploy-harness/verdict", 1)
    assert document["verdict"] == "met"
    assert document["project"]["description"] == "inferred"
    assert set(document["summary"]) == set(STATUSES)
    assert [check["id"] for check in document["checks"]] == list(CHECKS)
    fact = next(f for f in document["project"]["inferred"] if f["key"] == "images.units.port")
    assert (fact["value"], fact["file"], fact["line"]) == (8080, "Dockerfile", 13)
    for check in document["checks"]:
        assert set(check) == {"id", "text", "status", "why", "advice", "findings"}


SCHEMA = json.loads((ROOT / "harness" / "verdict" / "verdict.schema.json").read_text())


@pytest.mark.parametrize("name", ["units", "polls", "none"])
def test_documents_follow_their_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import jsonschema

    helm()
    main(["check", str(EXAMPLES / name), "--json", "-"])
    jsonschema.validate(json.loads(capsys.readouterr().out), SCHEMA)


def test_the_document_in_the_documentation_follows_the_schema() -> None:
    import jsonschema

    page = (ROOT / "docs" / "how-to" / "your-repository.md").read_text()
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    jsonschema.validate(shown, SCHEMA)


def test_without_a_chart_dockerfiles_and_code_are_judged(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(units / "deploy")
    document = judged(units, capsys, 1)
    found = statuses(document)
    assert found["renders"] == "not met"
    assert found["dockerfile copies"] == "met"
    assert found["listening"] == "met"
    assert found["probes"] == "not judged"
    why = next(check["why"] for check in document["checks"] if check["id"] == "probes")
    assert why == "there is no chart"


def test_templates_that_do_not_render_hide_no_defect_of_an_image(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = units / "deploy" / "helm" / "units" / "templates" / "units.yaml"
    template.write_text(template.read_text().replace(".Values.replicaCount", ".Values.no.such"))
    (units / "Dockerfile").write_text(
        (units / "Dockerfile").read_text().replace("USER 10001:10001\n", "")
    )
    document = judged(units, capsys, 1)
    found = {check["id"]: check for check in document["checks"]}
    (broken,) = found["renders"]["findings"]
    assert broken["file"] == "deploy/helm/units/templates/units.yaml"
    assert (
        "replicas: {{ .Values.no.such }}" in template.read_text().splitlines()[broken["line"] - 1]
    )
    assert found["dockerfile user"]["status"] == "not met"
    assert found["resources"]["status"] == "not judged"


def test_a_missing_dockerfile_hides_nothing_of_the_chart(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (units / "Dockerfile").unlink()
    document = judged(units, capsys, 1)
    found = {check["id"]: check for check in document["checks"]}
    assert found["dockerfile copies"]["findings"][0]["file"] == "Dockerfile"
    assert found["resources"]["status"] == "met"
    assert found["dockerfile user"]["status"] == "not judged"


def test_a_check_that_breaks_hides_no_other(
    units: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = Contract.examine

    def broken(self: Contract, check: str) -> Any:
        if check == "services":
            raise RuntimeError("of our own making")
        return examine(self, check)

    monkeypatch.setattr(Contract, "examine", broken)
    document = judged(units, capsys, 3)
    found = statuses(document)
    assert found.pop("services") == "not judged"
    assert "not judged" not in found.values()


def test_without_helm_the_rest_is_judged(
    units: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEPLOY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    document = judged(units, capsys, 3)
    found = statuses(document)
    assert found["renders"] == "not judged"
    assert found["dockerfile user"] == "met"
    assert document["verdict"] == "not judged"


FEATURE = """\
Feature: Units
  @R-1
  Scenario: Values do something
    Given the project as it lies in its folder
    Then each value is used by a template
  @R-2
  Scenario: It converts
    Given the application is deployed
    Then 3 km are some miles
  @R-2
  Scenario: Nobody is root
    Then no image runs as root
  @R-4
  Scenario: It has rights
    Then a value that does not exist is refused
"""


JOURNEY = """\
[[journey]]
name = "Somebody converts"
requirements = ["R-5"]
steps = [{ says = "3 km are asked for in miles", request = "GET /convert?amount=3" }]
"""


def test_requirements_are_judged_by_the_scenarios_that_carry_them(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (units / "features").mkdir()
    (units / "features" / "units.feature").write_text(FEATURE)
    (units / "deploy" / "helm" / "units" / "values.schema.json").unlink()
    ids = "\n".join(f'"R-{n}" = "Demand {n}"' for n in range(1, 6))
    (units / "deploy.toml").write_text(f"[requirements]\n{ids}\n{JOURNEY}")
    document = judged(units, capsys, 1)
    found = {item["id"]: item for item in document["requirements"]}
    assert found["R-1"]["status"] == "met"
    assert found["R-1"]["checks"] == ["values used"]
    assert found["R-2"]["status"] == "not provable"
    assert "1 checks hold; 1 of 2 scenarios need" in found["R-2"]["why"]
    assert found["R-3"]["why"] == "no scenario in features/ and no journey has its id"
    assert found["R-5"]["status"] == "not provable"
    assert "1 of 1 scenarios need an engine or a cluster" in found["R-5"]["why"]
    # Advice that a requirement demands counts.
    assert found["R-4"]["status"] == "not met"
    check = next(check for check in document["checks"] if check["id"] == "values checked")
    assert not check["advice"]


def test_the_terminal_tells_cause_place_and_remedy_in_plain_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    helm()
    assert main(["check", str(EXAMPLES / "polls")]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[0].startswith("polls: NOT MET without a cluster")
    at = out.index("    frontend/server.js:4\n")
    told = out[at : at + 400]
    assert "cause:  `http://localhost:5000` is written down" in told
    assert "fix:    read the address from the environment" in told
    assert max(map(len, out.splitlines())) <= 130


def test_a_document_is_written_beside_the_words(
    units: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["check", str(units), "--json", str(tmp_path / "v.json")]) == 0
    assert "met without a cluster" in capsys.readouterr().out
    assert json.loads((tmp_path / "v.json").read_text())["verdict"] == "met"


def test_a_document_is_written_through_no_link(units: Path, tmp_path: Path) -> None:
    (tmp_path / "host").write_text("mine")
    (units / "v.json").symlink_to(tmp_path / "host")
    assert main(["check", str(units), "--json", str(units / "v.json")]) == 0
    assert (tmp_path / "host").read_text() == "mine"
    assert json.loads((units / "v.json").read_text())["verdict"] == "met"


def test_a_document_that_cannot_be_written_is_said(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(units), "--json", str(units / "none" / "v.json")]) == 2
    assert "cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({}, "NothingToJudgeError"),
        ({"readme.txt": "x"}, "NothingToJudgeError"),
        ({"deploy.toml": 'nmae = "x"\n'}, "ProjectFileInvalidError"),
        ({"deploy.toml": "name = "}, "ProjectFileInvalidError"),
        ({"a/Chart.yaml": "name: a\n", "b/Chart.yaml": "name: b\n"}, "SeveralChartsError"),
        ({"a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n"}, "NoImageError"),
    ],
    ids=["empty", "something else", "unknown key", "not toml", "two charts", "no image"],
)
def test_bad_input_is_said_with_its_code(
    tmp_path: Path, files: dict[str, str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    helm()
    root = tmp_path / "p"
    root.mkdir()
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    assert main(["check", str(root), "--json", "-"]) == 2
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["verdict"] == "bad input"
    assert document["error"]["kind"] == kind
    assert "needed:" in told.err
    assert "fix:" in told.err


def test_no_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path / "none", capsys, 2)["error"]["kind"] == "FolderMissingError"


def test_init_writes_once_and_never_over_a_file(
    units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--print", str(units)]) == 0
    shown = capsys.readouterr().out
    assert not (units / "deploy.toml").exists()
    assert main(["init", str(units)]) == 0
    assert (units / "deploy.toml").read_text() == shown
    (units / "deploy.toml").write_text("mine")
    assert main(["init", str(units)]) == 2
    assert (units / "deploy.toml").read_text() == "mine"


def test_init_writes_through_no_link(units: Path, tmp_path: Path) -> None:
    (units / "deploy.toml").symlink_to(tmp_path / "elsewhere")
    assert main(["init", str(units)]) == 2
    assert not (tmp_path / "elsewhere").exists()
