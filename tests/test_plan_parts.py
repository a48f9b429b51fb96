"""What a plan is made of: measured times, hidden values, skips that are foreseen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from history_support import entry, result
from record_support import FEATURES, make_shop

from harness.helm.masking import Mask
from harness.history.history import History
from harness.history.model import Identity, Result
from harness.plan.foresight import foreseen, skips_when
from harness.plan.manifests import read
from harness.plan.model import Phase, Plan, PlannedScenario
from harness.plan.surroundings import Containers
from harness.plan.times import measured, recorded
from harness.supply.__main__ import main
from harness.supply.bases import BaseUnknownError

SETTINGS: Any = object()


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    make_shop(pytester, project_dir, FEATURES)
    return pytester


def test_times_leave_out_what_the_run_shares(shop: pytest.Pytester) -> None:
    shop.runpytest_subprocess("-p", "no:cacheprovider", timeout=60)
    folder = shop.path / ".deploy"
    times = recorded(folder)
    sale = times.scenario("features/selling.feature", "A sale")
    assert sale is not None
    assert 0.04 <= sale < 10  # a sentence and a fixture of 0.02 s each; the town's is not in it
    assert times.scenario("features/buying.feature", "It fails") is None
    assert times.scenario("features/selling.feature", "The price of tea") is not None
    assert times.source.startswith("the run of 2")
    older = folder / "messages-2.ndjson"
    older.write_bytes((folder / "messages.ndjson").read_bytes().replace(b"A sale", b"Old sale"))
    os.utime(older, (1, 1))
    (folder / "messages-gw0.ndjson").write_text("{}\n")
    times = recorded(folder)
    assert times.scenario("features/selling.feature", "A sale") == sale
    assert times.scenario("features/selling.feature", "Old sale") == sale


def test_no_record_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "messages.ndjson").write_text('{"cut')
    for folder in (tmp_path, tmp_path / "nowhere"):
        times = recorded(folder)
        assert (times.source, times.phase("x"), times.scenario("x", "y")) == ("", None, None)


def test_phases_are_found_by_name(tmp_path: Path) -> None:
    body = (
        '{"worker": "", "phases": [{"name": "waking cluster c: it was stopped", "seconds": 4.0},'
        ' {"name": "building image api", "seconds": 2.0},'
        ' {"name": "building image api", "seconds": 9.0, "ok": false}]}'
    )
    import json

    from harness.plan.times import RecordedTimes
    from harness.report.model import Evidence, Run

    evidence = (Evidence("phases", json.loads(body), passed=True),)
    run = Run((), (), evidence, 1.0, 1.0, ended=True, success=True, message="", workers=1)
    times = RecordedTimes([run])
    assert times.phase("waking cluster c") == 4.0
    assert times.phase("building image api") == 2.0
    assert times.phase("building image ap") is None


def test_history_tells_what_is_usual_and_records_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    assert measured(tmp_path, file, "kind").source == "", "there is none"
    file.write_text("no database " * 100)
    assert measured(tmp_path, file, "kind").source == "", "nor one that can be read"
    file.unlink()
    rows = (Identity("f", "Price", "tea"), Identity("f", "Price", "cake"))
    prices = [Result(row, "PASSED", 2.0 * place, 1) for place, row in enumerate(rows, 1)]
    with History.open(file) as history:
        for number, took in enumerate((3.0, 9.0, 4.0), 1):
            history.add(entry(number, result("A", took=took), *prices))
        history.add(entry(4, result("A", took=500.0), provider="minikube"))
    times = measured(tmp_path, file, "kind")
    assert times.scenario("features/selling.feature", "A") == 4.0
    assert times.scenario("f", "Price") == 3.0
    assert times.scenario("f", "A") is None
    assert times.phase("rolling out release shop") == 10.0
    assert times.phase("building image api") is None, "what is built side by side is not one's own"
    assert times.source == "the last of 3 runs, up to 2023-11-14 22:16 UTC"
    assert measured(tmp_path, None, "kind").source == ""


def test_stages_follow_each_other_and_processes_share() -> None:
    scenario = PlannedScenario("i", "u", "f", "n", (), "cluster", seconds=8.0)
    skipped = PlannedScenario("i", "u", "f", "n", (), "cluster", skipped="why", seconds=100.0)
    unknown = PlannedScenario("i", "u", "f", "n", (), "cluster")
    phases = (Phase("a", 1, 3.0), Phase("b", 1, 5.0), Phase("c", 2, None), Phase("d", 3, 2.0))
    plan = Plan(
        project="p",
        notes=(),
        processes=2,
        left_out=0,
        others=0,
        scenarios=(scenario, skipped, unknown),
        tools=(),
        obstacles=(),
        images=(),
        cluster=None,
        services=(),
        release=None,
        changes=None,
        phases=phases,
        measured="",
    )
    assert plan.seconds == (5.0 + 2.0 + 4.0, 2)


def test_mask_hides_what_sounds_secret() -> None:
    mask = Mask(b"key")
    pod = {
        "kind": "Pod",
        "spec": {
            "env": [
                {"name": "API_KEY", "value": "hunter2"},
                {"name": "MODE", "value": "fast"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
            ]
        },
    }
    shown = mask(pod)
    env = shown["spec"]["env"]
    assert env[0]["value"].startswith("7 characters, hidden (")
    assert env[1:] == pod["spec"]["env"][1:]  # type: ignore[index]
    assert pod["spec"]["env"][0]["value"] == "hunter2"  # type: ignore[index]
    config = mask({"kind": "ConfigMap", "data": {"password": "hunter2", "word": "hi"}})
    assert config["data"] == {"password": env[0]["value"], "word": "hi"}
    assert Mask(b"other")(pod)["spec"]["env"][0] != env[0]
    assert Mask(b"other").name != mask.name == Mask(b"key").name


def test_foreseen_skips() -> None:
    def raises(settings: object) -> None:
        raise BaseUnknownError("image:1", "nothing")

    @skips_when(lambda settings: "always")
    def skipped() -> None: ...

    @skips_when(lambda settings: Path())
    def found() -> None: ...

    @skips_when(raises)
    def missing() -> None: ...

    assert foreseen(skipped, SETTINGS) == "always"
    assert foreseen(found, SETTINGS) == ""
    assert foreseen(missing, SETTINGS).startswith("the base image image:1: nothing; ")
    assert foreseen(test_foreseen_skips, SETTINGS) == ""


def test_containers_are_of_a_cluster_or_beside_it() -> None:
    class Engine:
        def run(self, *words: str, **more: object) -> Any:
            lines = "c-1\trunning\t\t\tc\nc-2\texited\t\t\tc\nd\trunning\tc\tdatabase\t\n"
            lines += "mini\trunning\tmini\t\t\n"
            return type("Said", (), {"stdout": lines, "returncode": 0})

    found = Containers.look(Engine())  # type: ignore[arg-type]
    assert found.state("c") == "stopped"
    assert found.count("c") == 2
    assert found.state("c", "database") == found.state("mini") == "runs already"
    assert found.state("other") == "new"
    assert Containers.look(None).state("c") == "unknown"


@pytest.mark.parametrize("text", [None, "", "a: 1\n", "---\n# x\n"])
def test_what_is_no_kept_manifest_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "m.yaml").write_text(text)
    assert read(tmp_path / "m.yaml") is None


def test_nothing_is_prepared_for_a_plan(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project_dir)
    monkeypatch.setenv("DEPLOY_DOCKER", str(project_dir / "none"))
    assert main(["--run", "-m", "deploy", "--deploy-plan", "-k", "us2"]) == 0
    assert "nothing is prepared" in capsys.readouterr().out
