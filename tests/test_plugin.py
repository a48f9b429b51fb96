"""The plugin, run by pytest itself in projects made for it."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FEATURE = """\
@FR-1
Feature: Selling

  Scenario: A sale
    Given a shop
    Then it sells
"""
STEPS = """\
from pytest_bdd import given, then
from harness.errors import DeployError

@given("a shop")
def shop(): ...

@then("it sells")
def sells(): ...
"""


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project with one feature, its steps, and our plugin."""
    monkeypatch.delenv("CI", raising=False)  # there pytest tells each failure a second time
    for item in project_dir.iterdir():
        item.rename(pytester.path / item.name)
    (pytester.path / "features").mkdir()
    (pytester.path / "features" / "selling.feature").write_text(FEATURE)
    modules = ["options", "console", "features", "traceability", "binding", "failures", "summary"]
    plugins = [f"plugin.{name}" for name in modules]
    pytester.makeconftest(f"pytest_plugins = {plugins!r}\n{STEPS}")
    pytester.makeini(
        f"[pytest]\npythonpath = {ROOT}\ntestpaths = features\n"
        "addopts = -p no:pytest-kind -p no:helm-charts -p no:anyio --strict-markers\n"
        "markers =\n    deploy: x\n    requirement(id): x\n"
    )
    return pytester


def run(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    return shop.runpytest_inprocess(*args)


def edit(shop: pytest.Pytester, name: str, old: str, new: str) -> None:
    path = shop.path / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_feature_file_is_collected_and_selected(shop: pytest.Pytester) -> None:
    result = run(shop, "-v", "-m", "deploy")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["features/selling.feature::test_a_sale PASSED*"])


@pytest.mark.parametrize(("word", "count"), [("FR-1", 1), ("FR-2", 0)])
def test_requirement_selects(shop: pytest.Pytester, word: str, count: int) -> None:
    run(shop, "-k", word).assert_outcomes(passed=count, deselected=1 - count)


def test_unknown_tag_is_refused(shop: pytest.Pytester) -> None:
    edit(shop, "features/selling.feature", "@FR-1", "@FR-9")
    result = run(shop)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*features/selling.feature:1: @FR-9 is no requirement; *known is @FR-2"]
    )


def test_wrong_option_ends_before_any_test(shop: pytest.Pytester) -> None:
    result = run(shop, "--deploy-cluster=mesos")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    named = "needed: one of kind, minikube, existing for cluster"
    result.stderr.fnmatch_lines([named, "seen:   'mesos'"])
    result.assert_outcomes()


def test_missing_chart_ends_before_any_test(shop: pytest.Pytester) -> None:
    (shop.path / "chart" / "Chart.yaml").unlink()
    result = run(shop)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["needed: a Helm chart in */chart"])


def test_failure_reads_as_step_and_four_parts(shop: pytest.Pytester) -> None:
    edit(
        shop,
        "conftest.py",
        "def sells(): ...",
        "def sells(): raise DeployError(needed='n', seen='s', looked='l', fix='f')",
    )
    result = run(shop)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["step:   Then it sells", "needed: n", "seen:   s", "looked: l", "fix:    f"]
    )
    result.stdout.no_fnmatch_line("*conftest.py:*")


def test_cause_that_strikes_twice_is_told_once(shop: pytest.Pytester) -> None:
    edit(
        shop,
        "conftest.py",
        "def shop(): ...",
        "def shop(broken): ...\n"
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def broken(): raise DeployError(needed='n', seen='s', looked='l', fix='f')",
    )
    with (shop.path / "features" / "selling.feature").open("a") as file:
        file.write("\n  Scenario: Another sale\n    Given a shop\n")
    result = run(shop)
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("looked: l") == 1
    result.stdout.fnmatch_lines(["n: s", "(as in features/selling.feature::test_a_sale)"])


def test_fast_tests_need_no_description(shop: pytest.Pytester) -> None:
    (shop.path / "deploy.toml").unlink()
    shop.makepyfile("def test_arithmetic(): assert 1 + 1 == 2")
    run(shop, "test_fast_tests_need_no_description.py").assert_outcomes(passed=1)


#: What no collection may import: each costs 0.1 to 0.7 s.
HEAVY = (
    "jinja2",
    "kubernetes",
    "pykube",
    "docker",
    "testcontainers",
    "playwright",
    "pydantic",
    "psycopg",
)
COUNTER = f"""
import sys

def pytest_collection_finish(session):
    print("items:", len(session.items), "heavy:", sorted({set(HEAVY)!r} & set(sys.modules)))
"""


def test_collecting_the_features_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(counter=COUNTER)
    result = pytester.run(
        sys.executable,
        *("-m", "pytest", "-c", ROOT / "pytest.ini", f"--rootdir={ROOT}", "-p", "counter"),
        *("--collect-only", "-q", "-s", ROOT / "features"),
        timeout=60,
    )
    result.stdout.re_match_lines([r"items: [1-9]\d* heavy: \[\]"])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("conftest.py", '@then("it sells")', '@then("it buys")', "Then it sells: no definition"),
        ("conftest.py", "def sells", "async def sells", "sells is async, which would never run"),
        (
            "conftest.py",
            '@given("a shop")',
            '@given("a shop")\ndef other(): ...\n\n@given("a shop")',
            "Given a shop: 2 definitions: conftest.other, conftest.shop",
        ),
        (
            "features/selling.feature",
            "Then it sells",
            "Then it sells\n\n  Scenario: A sale\n    Given a shop",
            "selling.feature:8: the name of features/selling.feature:4 again: A sale",
        ),
    ],
    ids=["undefined", "async", "ambiguous", "same name"],
)
def test_scenario_that_cannot_run_is_refused(
    shop: pytest.Pytester, file: str, old: str, new: str, said: str
) -> None:
    edit(shop, file, old, new)
    result = run(shop)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}"])
    result.assert_outcomes()


def test_long_scenarios_run_when_asked_for(shop: pytest.Pytester) -> None:
    edit(shop, "features/selling.feature", "@FR-1", "@FR-1 @extended")
    result = run(shop, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*long; --deploy-extended=yes runs it*"])
    run(shop, "--deploy-extended=yes").assert_outcomes(passed=1)
    assert run(shop, "--deploy-extended=perhaps").ret == pytest.ExitCode.USAGE_ERROR
