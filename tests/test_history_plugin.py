"""The history of runs as pytest itself writes it, in a project made for it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from record_support import FEATURES, make_shop
from test_record_plugin import edit, run, started

from harness.command import run as run_program
from harness.history.history import History
from harness.history.model import Entry

GIT = {
    **{f"GIT_{who}_NAME": "shop" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "shop@example.com" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@pytest.fixture
def shop(
    pytester: pytest.Pytester, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    for name in ("CI", "DEPLOY_HISTORY", "GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    # What is above the folder of a test is no repository of it.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(pytester.path.parent))
    make_shop(pytester, project_dir, FEATURES)
    return pytester


def git(shop: pytest.Pytester, *words: str) -> str:
    return run_program(["git", *words], timeout=30, cwd=shop.path, env=GIT).stdout.strip()


def commit(shop: pytest.Pytester) -> str:
    if not (shop.path / ".git").exists():
        git(shop, "init", "--quiet")
        (shop.path / ".gitignore").write_text("__pycache__/\nrunpytest-*\nstd*\n")
    git(shop, "add", "--all", ":(exclude).deploy")
    git(shop, "commit", "--quiet", "--message", "x")
    return git(shop, "rev-parse", "HEAD")


def kept(shop: pytest.Pytester, file: str = ".deploy/history.sqlite") -> list[Entry]:
    with History.read(shop.path / file) as history:
        return history.runs()


def statuses(entry: Entry) -> dict[str, str]:
    return {result.scenario.name: result.status for result in entry.results}


def page(shop: pytest.Pytester) -> str:
    return (shop.path / ".deploy" / "report.html").read_text()


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_run_is_kept_with_all_that_it_came_to(shop: pytest.Pytester, args: tuple[str, ...]) -> None:
    head = commit(shop)
    result = run(shop, *args)
    result.stdout.fnmatch_lines(["history *run 1 in .deploy/history.sqlite"])
    (entry,) = kept(shop)
    assert statuses(entry) == {
        "A sale": "PASSED",
        "The price of tea": "PASSED",
        "The price of cake": "PASSED",
        "Things in a table": "PASSED",
        "It fails": "FAILED",
        "It is pending": "PENDING",
        "A condition": "SKIPPED",
        "A long one": "SKIPPED",
    }
    by_name = {result.scenario.name: result for result in entry.results}
    assert by_name["It fails"].cause == "nobody"
    assert by_name["The price of tea"].scenario.example == "tea, 2"
    assert by_name["The price of tea"].scenario.feature == "features/selling.feature"
    assert entry.source.commit == head
    assert entry.source.dirty is False
    assert entry.source.tree == git(shop, "rev-parse", "HEAD^{tree}")
    assert (entry.chart, entry.provider, entry.exit_status) == ("1.0.0", "kind", 1)
    assert entry.workers == (2 if args else 1)
    assert {demand.id: demand.status for demand in entry.demands} == {
        "FR-1": "proven",
        "FR-2": "failed",
    }
    assert entry.whole
    assert "No earlier run is kept, so there is no trend yet." in page(shop)


def test_sources_are_told_apart_by_what_is_in_them(shop: pytest.Pytester) -> None:
    commit(shop)
    before = git(shop, "status", "--porcelain"), len(list((shop.path / ".git").rglob("*")))
    run(shop, "-k", "sale")
    (shop.path / "chart" / "new.yaml").write_text("a: 1\n")  # not tracked
    run(shop, "-k", "sale")
    (shop.path / "chart" / "new.yaml").unlink()
    run(shop, "-k", "sale")
    (shop.path / "chart" / "new.yaml").write_text("a: 1\n")
    assert before[1] == len(list((shop.path / ".git").rglob("*"))), "nothing is written there"
    commit(shop)
    run(shop, "-k", "sale")
    one, two, three, four = (entry.source for entry in kept(shop))
    assert [one.dirty, two.dirty, three.dirty, four.dirty] == [False, True, False, False]
    assert one == three
    assert two.tree == four.tree, "the same, committed or not"
    assert two.tree != one.tree


def test_sources_that_change_during_a_run_are_like_no_others(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def sells(): ...",
        "def sells():\n    from pathlib import Path\n    Path('edited.txt').write_text('x')",
    )
    head = commit(shop)
    run(shop, "-k", "sale")
    (entry,) = kept(shop)
    assert (entry.source.commit, entry.source.tree) == (head, "")


def test_run_without_git_is_kept_too(shop: pytest.Pytester) -> None:
    run(shop, "-k", "sale")
    assert [(e.source.commit, e.source.dirty, e.source.tree) for e in kept(shop)] == [
        ("", None, "")
    ]


def test_what_was_not_asked_for_is_neither_run_nor_gone(shop: pytest.Pytester) -> None:
    run(shop)
    run(shop, "-k", "sale")
    run(shop, "features/selling.feature")
    _, part, file = kept(shop)
    assert Counter(statuses(part).values()) == {"PASSED": 1, "NOT_SELECTED": 7}
    assert Counter(statuses(file).values()) == {"PASSED": 4, "NOT_SELECTED": 4}
    told = compare(shop, "1", "2")
    assert told.returncode == 0, told.stderr
    assert "Gone" not in told.stdout
    assert "7 scenarios not compared" in told.stdout


def compare(shop: pytest.Pytester, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "harness.history", *words]
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        argv,
        cwd=shop.path,
        env={"PYTHONPATH": root, "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_breaks_is_found_and_shown(shop: pytest.Pytester) -> None:
    commit(shop)
    run(shop)
    run(shop)
    edit(shop.path / "conftest.py", "def sells(): ...", "def sells(): assert 1 == 2, 'no change'")
    run(shop)
    told = compare(shop)
    assert told.returncode == 1
    assert "Fails now, passed before (1)" in told.stdout
    assert "- A sale" in told.stdout
    assert "FR-1     proven -> failed" in told.stdout
    trends = re.sub(r"\s+", " ", page(shop).partition('<section id="trends"')[2])
    assert "This is run 3; 3 runs are shown, from run 1 on." in trends
    assert "failed in 1 of the last 3 runs of it" in trends
    assert "with the same sources; failed in 1" not in trends, "they were changed"


def test_scenario_that_wavers_is_shown(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def sells(): ...",
        "def sells():\n    import os\n    assert 'AWAY' not in os.environ",
    )
    commit(shop)
    run(shop, "-k", "sale")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWAY", "1")
        run(shop, "-k", "sale")
    run(shop, "-k", "sale")
    assert "changed 2 times with the same sources; failed in 1 of the last 3" in page(shop)


def test_interrupted_run_is_kept_as_it_was(shop: pytest.Pytester) -> None:
    program = started(shop)
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    (entry,) = kept(shop)
    assert entry.exit_status == pytest.ExitCode.INTERRUPTED
    assert set(statuses(entry).values()) >= {"NOT_RUN", "UNKNOWN"}


def test_what_an_early_end_leaves_is_not_run(shop: pytest.Pytester) -> None:
    run(shop, "-x")
    (entry,) = kept(shop)
    assert Counter(statuses(entry).values()) == {"FAILED": 1, "NOT_RUN": 7}


def test_worker_that_dies_fails_what_it_was_at(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def nobody(): raise",
        "def nobody(): os._exit(1)\ndef no(): raise",
    )
    run(shop, "-n", "2", "--max-worker-restart=0")
    (entry,) = kept(shop)
    assert statuses(entry)["It fails"] == "FAILED"
    assert len(entry.results) == 8


@pytest.mark.parametrize(
    "args",
    [
        ("--collect-only", "-q"),
        ("-k", "no such scenario"),
        ("-k", "no such scenario", "-n", "1"),
        ("--deploy-history=none", "-k", "sale"),
        ("--deploy-record=no", "-k", "sale"),
    ],
    ids=["collect only", "none selected", "none in two processes", "none", "no record"],
)
def test_nothing_is_kept_of_nothing(shop: pytest.Pytester, args: tuple[str, ...]) -> None:
    run(shop, *args)
    assert not (shop.path / ".deploy" / "history.sqlite").exists()


def test_run_that_only_says_what_it_would_do_is_not_kept(shop: pytest.Pytester) -> None:
    conftest = shop.path / "conftest.py"
    conftest.write_text(f"{conftest.read_text()}\ndef pytest_runtestloop(): return True\n")
    run(shop, "-k", "sale")
    assert (shop.path / ".deploy" / "messages.ndjson").exists()
    assert not (shop.path / ".deploy" / "history.sqlite").exists()


def test_two_runs_of_one_folder_are_both_kept(shop: pytest.Pytester) -> None:
    program = started(shop, "-k", "sale")
    run(shop, "-k", "tea").assert_outcomes(passed=1)
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    first, second = kept(shop)
    assert statuses(first)["The price of tea"] == "PASSED"
    assert statuses(second)["A sale"] == "UNKNOWN"


def test_run_without_scenarios_says_nothing_of_the_one_before(shop: pytest.Pytester) -> None:
    run(shop, "-k", "sale")
    record = shop.path / ".deploy" / "messages.ndjson"
    before = record.read_bytes()
    run(shop, "-k", "no such scenario", "-n", "1")
    assert len(kept(shop)) == 1
    assert record.read_bytes() == before


def test_file_of_ones_own(shop: pytest.Pytester) -> None:
    run(shop, "-k", "sale", "--deploy-history=kept/runs.sqlite").assert_outcomes(passed=1)
    assert len(kept(shop, "kept/runs.sqlite")) == 1
    assert not (shop.path / ".deploy" / "history.sqlite").exists()
    wrong = run(shop, "-k", "sale", "--deploy-history=kept")
    assert wrong.ret == pytest.ExitCode.USAGE_ERROR
    wrong.stderr.fnmatch_lines(["*needed: a file, or none, for history*"])


def test_damaged_history_fails_no_run(shop: pytest.Pytester) -> None:
    file = shop.path / ".deploy" / "history.sqlite"
    file.parent.mkdir()
    file.write_text("words " * 1000)
    result = run(shop, "-k", "sale")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["history *not added to: *file is not a database*"])
    assert file.read_text() == "words " * 1000
    assert "The history of runs cannot be read." in page(shop)


def test_page_made_again_shows_the_runs_up_to_its_own(shop: pytest.Pytester) -> None:
    for _ in range(3):
        run(shop, "-k", "sale")
    record = (shop.path / ".deploy" / "messages.ndjson").read_text()
    run(shop, "-k", "sale")
    (shop.path / ".deploy" / "messages.ndjson").write_text(record)
    argv = [sys.executable, "-m", "harness.report"]
    root = str(Path(__file__).parents[1])
    run_program(argv, timeout=60, cwd=shop.path, env={"PYTHONPATH": root})
    assert "This is run 3; 3 runs are shown, from run 1 on." in page(shop)


# Attachments


def test_attachments_of_records_that_are_gone_are_swept(shop: pytest.Pytester) -> None:
    edit(
        shop.path / "conftest.py",
        "def sells(): ...",
        "def sells(evidence): evidence.text(f'{os.getpid()}.log', 'x' * 100_000)",
    )
    folder = shop.path / ".deploy" / "attachments"
    run(shop, "-k", "sale", "-n", "1")
    (first,) = folder.iterdir()
    run(shop, "-k", "sale")
    (second,) = folder.iterdir()
    assert second != first
    run(shop, "-k", "no such scenario")
    assert list(folder.iterdir()) == [second]
    run(shop, "-k", "cake")
    assert not list(folder.iterdir())
