"""Only what a change can affect is run: with a real git repository, run by pytest itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.changes.files import BaseUnknownError, NoCommonHistoryError, changed_files

ROOT = Path(__file__).parents[1]
PLUGINS = ["options", "console", "features", "traceability", "binding", "changed", "failures"]
FEATURES = {
    "static": "@FR-1 @static\nFeature: Fit\n  Scenario: It fits\n    Then it fits\n",
    "images": "@FR-1\nFeature: Images\n  Scenario Outline: The <app> starts\n"
    "    Then the <app> starts\n    Examples:\n      | app |\n      | api |\n      | web |\n",
    "refusals": "@FR-1\nFeature: A chart that is wrong\n  Scenario: A wrong api\n"
    "    Then the api starts\n",
    "cluster": "@FR-2 @cluster\nFeature: Deployed\n  Scenario: It sells\n    Then it sells\n"
    "  Scenario: It fits too\n    Then it fits\n",
}
STEPS = {
    "fit": 'from pytest_bdd import then\n\n@then("it fits")\ndef fits(): ...\n',
    "sale": "from pytest_bdd import then\nfrom acts import words\n\n"
    '@then("it sells")\ndef sells(till): words.sold\n',
    "image": "from pytest_bdd import parsers, then\n\n"
    '@then(parsers.parse("the {app} starts"))\ndef starts(app): ...\n',
    "words": "sold = True\n",
    "__init__": "",
}
ALL = 6
WEB = """
[images.web]
context = "web"
repository = "shop-web"
port = 3000
health = "/health"

[requirements]"""


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@x.test", "-c", "commit.gpgsign=false")
    command = ["git", *who, "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A committed project with scenarios of every kind; its branch `main` is where it began."""
    monkeypatch.delenv("CI", raising=False)
    for item in project_dir.iterdir():
        item.rename(pytester.path / item.name)
    description = pytester.path / "deploy.toml"
    description.write_text(description.read_text().replace("\n[requirements]", WEB))
    files = {f"features/{name}.feature": text for name, text in FEATURES.items()}
    files |= {f"acts/{name}.py": text for name, text in STEPS.items()}
    files |= {
        "api/main.py": "",
        "web/page.ts": "",
        "docs/page.md": "",
        ".gitignore": "__pycache__\n.deploy\nstdout\nstderr\nrunpytest-*\n",
        "props/till.py": "import pytest\n\n@pytest.fixture\ndef till(): ...\n",
        "props/__init__.py": "",
        "pytest.ini": f"[pytest]\npythonpath = . {ROOT}\ntestpaths = features\n"
        "addopts = -p no:pytest-kind -p no:helm-charts -p no:anyio --strict-markers\n"
        "markers =\n    deploy: x\n    requirement(id): x\n",
        "conftest.py": "pytest_plugins = "
        + repr(
            [f"plugin.{name}" for name in PLUGINS]
            + ["props.till", "acts.fit", "acts.sale", "acts.image"]
        ),
    }
    for name, text in files.items():
        (pytester.path / name).parent.mkdir(exist_ok=True)
        (pytester.path / name).write_text(text)
    git(pytester.path, "init", "-q", "-b", "main")
    git(pytester.path, "add", ".")
    git(pytester.path, "commit", "-q", "-m", "begun")
    git(pytester.path, "checkout", "-q", "-b", "work")
    return pytester


def run(shop: pytest.Pytester, *args: str) -> pytest.RunResult:
    return shop.runpytest_inprocess("-p", "no:cacheprovider", *args)


@pytest.mark.parametrize(
    ("file", "count", "said"),
    [
        ("chart/templates/new.yaml", 4, "part of the chart"),
        ("api/main.py", 5, "goes into the image api"),
        ("web/README.md", 5, "goes into the image web"),
        ("features/cluster.feature", 2, "the scenarios in it"),
        ("acts/fit.py", 2, "carries out sentences"),
        ("acts/words.py", 1, "carries out sentences"),
        ("props/till.py", 1, "carries out sentences"),
        ("docs/page.md", 0, "documentation"),
        ("README.md", 0, "documentation"),
        ("deploy.toml", ALL, "the project's description"),
        ("conftest.py", ALL, "anything may depend on it"),
        ("acts/__init__.py", ALL, "anything may depend on it"),
        ("something.new", ALL, "anything may depend on it"),
    ],
)
def test_file_selects(shop: pytest.Pytester, file: str, count: int, said: str) -> None:
    with_comment = shop.path / file
    with_comment.parent.mkdir(exist_ok=True)
    with with_comment.open("a") as text:
        text.write("\n# changed\n")
    result = run(shop, "--deploy-changed=main")
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=count, deselected=ALL - count)
    shown = count or "none"
    result.stdout.fnmatch_lines(
        [
            f"1 file changed since main: {shown} of {ALL} scenarios can be affected",
            f"  {file} -> {shown}: {said}",
        ]
    )


def test_a_fixture_that_is_asked_for_by_its_name_may_be_any(shop: pytest.Pytester) -> None:
    (shop.path / "acts/fit.py").write_text(
        STEPS["fit"].replace("fits(): ...", 'fits(request): request.getfixturevalue("till")')
    )
    git(shop.path, "commit", "-q", "-a", "-m", "by name")
    (shop.path / "props/till.py").write_text("import pytest\n\n@pytest.fixture\ndef till(): 1\n")
    run(shop, "--deploy-changed=HEAD").assert_outcomes(passed=3, deselected=3)


def test_nothing_is_never_silent(shop: pytest.Pytester) -> None:
    result = run(shop, "--deploy-changed=main", "-q")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"0 files changed since main: none of {ALL} scenarios can be affected",
            "no scenario is run: this proves nothing about the application",
        ]
    )


def test_each_selection_has_its_reason(shop: pytest.Pytester) -> None:
    (shop.path / "acts/words.py").write_text("sold = 1\n")
    (shop.path / "features/cluster.feature").write_text(FEATURES["cluster"] + "\n")
    result = run(shop, "--deploy-changed=main", "-v", "--junitxml=junit.xml")
    result.stdout.fnmatch_lines(
        [
            "  features/cluster.feature::test_it_sells <- acts/words.py: carries out sentences; "
            "features/cluster.feature: the scenarios in it"
        ]
    )
    assert "acts/words.py: carries out sentences" in (shop.path / "junit.xml").read_text()


def test_many_files_are_told_by_folder(shop: pytest.Pytester) -> None:
    for number in range(40):
        (shop.path / "docs" / f"{number}.md").write_text("")
    (shop.path / "steps.md").write_text("")
    result = run(shop, "--deploy-changed=main")
    result.stdout.fnmatch_lines(
        ["41 files changed since main: none of *", "  docs (40 files) -> none: documentation"]
    )
    run(shop, "--deploy-changed=main", "-v").stdout.fnmatch_lines(
        ["  docs/7.md -> none: documentation"]
    )


def test_committed_staged_moved_and_deleted_files_count(shop: pytest.Pytester) -> None:
    path = shop.path
    git(path, "mv", "api/main.py", "web/main.py")
    git(path, "commit", "-q", "-m", "moved")
    git(path, "checkout", "-q", "main")
    git(path, "commit", "-q", "--allow-empty", "-m", "others go on")
    git(path, "checkout", "-q", "work")
    (path / "staged").write_text("")
    git(path, "add", "staged")
    (path / "docs/page.md").unlink()
    (path / "new file\n").write_text("")
    (path / ".deploy").mkdir()
    (path / ".deploy" / "ignored").write_text("")
    names = {str(file.relative_to(path)) for file in changed_files("main", path)}
    assert names == {"api/main.py", "web/main.py", "staged", "docs/page.md", "new file\n"}


@pytest.mark.parametrize("base", ["nowhere", "0" * 40, "--output=x", "HEAD:api"])
def test_base_that_is_none_ends_before_anything(shop: pytest.Pytester, base: str) -> None:
    result = run(shop, f"--deploy-changed={base}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*needed: the git revision {base}, to compare with"])
    assert "collected" not in result.stdout.str()
    with pytest.raises(BaseUnknownError):
        changed_files(base, shop.path)


def test_history_without_a_common_commit(shop: pytest.Pytester) -> None:
    git(shop.path, "checkout", "-q", "--orphan", "other")
    git(shop.path, "commit", "-q", "-m", "another beginning")
    with pytest.raises(NoCommonHistoryError, match="both come from"):
        changed_files("main", shop.path)


def test_shallow_clone_is_told(shop: pytest.Pytester, tmp_path: Path) -> None:
    git(shop.path, "commit", "-q", "--allow-empty", "-m", "more")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{shop.path}", "clone")
    with pytest.raises(NoCommonHistoryError) as caught:
        changed_files("origin/main", clone)
    assert "shallow" in caught.value.seen
    assert "--unshallow" in caught.value.fix


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(BaseUnknownError, match="repository"):
        changed_files("main", tmp_path)


def test_workers_choose_alike_and_it_is_told(shop: pytest.Pytester) -> None:
    (shop.path / "web/page.ts").write_text("changed")
    result = run(shop, "--deploy-changed=main", "-n", "2")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["  web/page.ts -> 5: goes into the image web"])
    git(shop.path, "checkout", "-q", ".")
    result = run(shop, "--deploy-changed=main", "-n", "2")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["no scenario is run: *"])


def test_other_tests_stay(shop: pytest.Pytester) -> None:
    (shop.path / "test_arithmetic.py").write_text("def test_arithmetic(): assert 1 + 1 == 2\n")
    git(shop.path, "add", ".")
    git(shop.path, "commit", "-q", "-m", "a test")
    result = run(shop, "--deploy-changed=HEAD", "features", "test_arithmetic.py")
    result.assert_outcomes(passed=1, deselected=ALL)
    assert result.ret == pytest.ExitCode.OK


def test_words_that_select_nothing_are_still_an_error(shop: pytest.Pytester) -> None:
    (shop.path / "something.new").write_text("")
    result = run(shop, "--deploy-changed=main", "-k", "never_heard_of")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
