"""The mutants' runner, on a project and scenarios made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mutants.baseline import BaselineRedError
from mutants.change import Add, ChangeDoesNotApplyError, Remove, Replace
from mutants.launch import Launch, Preloaded, as_program
from mutants.mutant import DefinitionsInvalidError, Mutant, Needs, checked
from mutants.runner import NotRestoredError, Runner
from mutants.scenarios import Outcome, Run, RunUnusableError, Scenarios
from mutants.verdict import Fate, Verdict, judge

CONFTEST = """\
import pathlib, pytest

def pytest_addoption(parser):
    for name in ("project", "artifacts", "fresh"):
        parser.addoption(f"--deploy-{name}", default="")

def pytest_configure(config):
    if not (pathlib.Path(config.getoption("--deploy-project")) / "deploy.toml").is_file():
        raise pytest.UsageError("needed: a description of the project")

@pytest.fixture
def values(request):
    return (pathlib.Path(request.config.getoption("--deploy-project")) / "helm/values").read_text()

@pytest.fixture
def cluster(request):
    # What is on the "cluster" outlives a run, as it does on a real one.
    file = request.config.rootpath / "cluster"
    if request.config.getoption("--deploy-fresh") == "yes":
        file.unlink(missing_ok=True)
    return file
"""
SCENARIOS = """\
import pytest

@pytest.mark.static
def test_port(values):
    assert "port=80" in values, "the port is wrong: " + values.replace("\\n", " ")

@pytest.mark.static
def test_name(values):
    assert "name=shop" in values, "the name is wrong"

@pytest.mark.static
@pytest.mark.skipif(True, reason="never")
def test_never():
    assert False

@pytest.mark.cluster
def test_installed(values, cluster):
    stuck = cluster.exists() and "stuck" in cluster.read_text()
    cluster.write_text(cluster.read_text() if stuck else values)
    assert cluster.read_text() == values, "the cluster is stuck"
    assert "port=80" in values, "nobody answers"
"""
PORT = Replace("helm/values", "port=80", "port=81")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with scenarios, and below it the project that they accept."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # half of a small run's time
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  static: x\n  cluster: x\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_shop.py").write_text(SCENARIOS)
    project = tmp_path / "project"
    (project / "helm").mkdir(parents=True)
    (project / "deploy.toml").write_text("")
    (project / "helm" / "values").write_text("port=80\nname=shop\ncolour=red\n")
    return tmp_path


def run(
    root: Path,
    *mutants: Mutant,
    needs: Needs = Needs.NOTHING,
    launch: Launch = as_program,
    timeout: float = 30,
) -> list[Verdict]:
    told: list[Verdict] = []
    scenarios = Scenarios(root, timeout=timeout, launch=launch)
    runner = Runner(root / "project", scenarios, told.append, "installed")
    verdicts = runner.run(mutants, needs)
    assert sorted(v.mutant for v in told) == sorted(v.mutant for v in verdicts)
    return verdicts


@pytest.fixture(scope="module")
def preloaded() -> Preloaded:
    return Preloaded()


@pytest.fixture(params=["as a program", "preloaded"])
def launch(request: pytest.FixtureRequest, preloaded: Preloaded) -> Launch:
    return as_program if request.param == "as a program" else preloaded


def test_defects_are_killed_with_their_cause_or_told_apart(root: Path, launch: Launch) -> None:
    before = (root / "project" / "helm" / "values").read_text()
    verdicts = run(
        root,
        Mutant("shop-port", "Another port.", (PORT,), r"the port is wrong: port=81"),
        Mutant("shop-colour", "Nobody looks.", (Replace("helm/values", "red", "blue"),), "x"),
        Mutant("shop-name", "Another name.", (Replace("helm/values", "shop", "x"),), "the port"),
        Mutant("shop-described-not", "No description.", (Remove("deploy.toml"),), "a description"),
        launch=launch,
    )
    assert [(v.mutant, str(v.fate), v.scenario) for v in verdicts] == [
        ("shop-port", "killed", "test_port"),
        ("shop-colour", "survived", ""),
        ("shop-name", "wrong cause", "test_name"),
        ("shop-described-not", "killed", "before any scenario"),
    ]
    assert "the port is wrong: port=81 name=shop" in verdicts[0].cause
    assert "the name is wrong" in verdicts[2].cause
    assert (root / "project" / "helm" / "values").read_text() == before


def test_red_baseline_ends_it(root: Path) -> None:
    (root / "project" / "helm" / "values").write_text("port=81\nname=shop\n")
    mutant = Mutant("shop-name", "x.", (Replace("helm/values", "shop", "x"),), "name")
    with pytest.raises(BaselineRedError, match="test_port"):
        run(root, mutant)


def test_selection_that_matches_nothing_ends_it(root: Path) -> None:
    mutant = Mutant("shop-port", "x.", (PORT,), "port", notices="no_such_scenario")
    with pytest.raises(RunUnusableError, match="exit code 5"):
        run(root, mutant)


def test_one_bad_selection_among_good_ones_ends_it(root: Path) -> None:
    good = Mutant("shop-name", "x.", (Replace("helm/values", "shop", "x"),), "name")
    bad = Mutant("shop-port", "x.", (PORT,), "port", notices="no_such_scenario")
    with pytest.raises(RunUnusableError):
        run(root, good, bad)


def test_only_skipped_scenarios_judge_nothing(root: Path) -> None:
    mutant = Mutant("shop-port", "x.", (PORT,), "port", notices="test_never")
    with pytest.raises(RunUnusableError, match="skipped"):
        run(root, mutant)


def test_run_that_never_ends_is_a_wrong_cause(root: Path, launch: Launch) -> None:
    (root / "test_shop.py").write_text(
        "import pytest, time\n"
        "@pytest.mark.static\n"
        "def test_slow(values):\n    time.sleep(60 if 'port=81' in values else 0)\n"
    )
    mutant = Mutant("shop-port", "x.", (PORT,), "the port is wrong")
    (verdict,) = run(root, mutant, launch=launch, timeout=5)
    assert verdict.fate is Fate.WRONG_CAUSE
    assert verdict.scenario == "the run"


def test_cluster_is_restored_after_each_mutant(root: Path) -> None:
    mutant = Mutant("shop-port", "x.", (PORT,), "nobody answers", Needs.CLUSTER, "installed")
    verdicts = run(root, mutant, replace(mutant, id="shop-again"), needs=Needs.CLUSTER)
    assert [v.fate for v in verdicts] == [Fate.KILLED, Fate.KILLED]
    assert all(v.restoring > 0 for v in verdicts)
    assert (root / "cluster").read_text() == (root / "project" / "helm" / "values").read_text()


def test_cluster_that_cannot_be_mended_is_made_anew(root: Path) -> None:
    stuck = Replace("helm/values", "port=80", "port=stuck")
    (verdict,) = run(
        root,
        Mutant("shop-port", "x.", (stuck,), "nobody answers", Needs.CLUSTER, "installed"),
        needs=Needs.CLUSTER,
    )
    assert verdict.fate is Fate.KILLED
    assert "stuck" not in (root / "cluster").read_text()


def test_cluster_that_stays_broken_ends_it(root: Path) -> None:
    conftest = root / "conftest.py"
    conftest.write_text(conftest.read_text().replace('== "yes"', '== "never"'))
    stuck = Replace("helm/values", "port=80", "port=stuck")
    mutant = Mutant("shop-port", "x.", (stuck,), "nobody", Needs.CLUSTER, "installed")
    with pytest.raises(NotRestoredError, match="the cluster is stuck"):
        run(root, mutant, needs=Needs.CLUSTER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Replace("helm/values", "port=8080", "x"), "it holds 0 times"),
        (Replace("helm/values", "o", "0"), "it holds 4 times"),
        (Replace("helm/values", "port=80", "port=80"), "leaves the file as it is"),
        (Replace("helm/gone", "a", "b"), "no such file"),
        (Remove("helm/gone"), "no such file to remove"),
        (Add("helm/values", "x"), "there already"),
        (Add("gone/values", "x"), "its folder does not exist"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_change_that_does_not_apply_is_an_error(
    root: Path, change: Replace | Remove | Add, said: str
) -> None:
    with pytest.raises(ChangeDoesNotApplyError, match=said):
        run(root, Mutant("shop-x", "x.", (change,), "port"))


@pytest.mark.parametrize(
    ("mutant", "said"),
    [
        (Mutant("Shop", "x.", (PORT,), "x"), "not of the form"),
        (Mutant("shop-x", "x.", (), "x"), "changes nothing"),
        (Mutant("shop-x", "x.", (PORT,), ".*"), "any message"),
        (Mutant("shop-x", "x.", (PORT,), "("), "no pattern"),
        (Mutant("shop-x", "x.", (PORT,), "x", Needs.CLUSTER), "names no scenario"),
    ],
)
def test_definition_that_cannot_be_meant_is_an_error(mutant: Mutant, said: str) -> None:
    with pytest.raises(DefinitionsInvalidError, match=said):
        checked([mutant])


def test_id_is_given_once() -> None:
    mutant = Mutant("shop-x", "x.", (PORT,), "x")
    with pytest.raises(DefinitionsInvalidError, match="shop-x: defined twice"):
        checked([mutant, mutant])


MESSAGE = """\
step:   Then the answer is 401
needed: the port to be open
seen:   nobody listens
        for the second time
looked: port 99 of
        localhost
fix:    listen on all addresses, not on localhost
note:   more is in /tmp/localhost
"""


@pytest.mark.parametrize(
    ("cause", "fate"),
    [
        ("nobody listens", Fate.KILLED),
        ("port to be open", Fate.KILLED),
        ("for the second", Fate.KILLED),
        ("401", Fate.WRONG_CAUSE),
        ("localhost", Fate.WRONG_CAUSE),
    ],
)
def test_only_what_was_needed_and_seen_is_a_cause(cause: str, fate: Fate) -> None:
    run = Run((Outcome("s", "failed", MESSAGE, 1.0),), 2.0, 0.5)
    verdict = judge(Mutant("shop-x", "x.", (PORT,), cause), run)
    assert verdict.fate is fate
    assert (verdict.seconds, verdict.building) == (1.5, 0.5)


def test_later_scenario_may_know_the_cause() -> None:
    outcomes = (Outcome("a", "failed", "seen: a", 1.0), Outcome("b", "failed", "seen: b", 1.0))
    verdict = judge(Mutant("shop-x", "x.", (PORT,), "b$"), Run(outcomes, 2.0))
    assert (verdict.fate, verdict.scenario, verdict.others) == (Fate.KILLED, "b", 1)
