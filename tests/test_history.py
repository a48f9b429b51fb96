"""The history of runs: what is kept, by several at once, and what is never overwritten."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from history_support import entry, result, scenario
from record_support import ROOT
from test_report import evidence, record

from harness.history import schema
from harness.history.durations import durations
from harness.history.errors import (
    HistoryDamagedError,
    HistoryError,
    HistoryForeignError,
    HistoryMissingError,
    HistoryNewerError,
    HistoryUnavailableError,
    RunUnknownError,
)
from harness.history.history import History
from harness.history.identity import identities
from harness.history.model import Source, Spent
from harness.history.phases import PHASES, length, phase_of
from harness.history.steadiness import steadiness
from harness.history.taking import entry_of
from harness.record.documents import read_document
from harness.record.messages import timestamp

HOSTILE = "'; DROP TABLE runs; --\x00\ud800<b>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "history.sqlite"


def test_run_is_read_as_it_was_kept(file: Path) -> None:
    kept = entry(1, result("A sale", "FAILED", 2.5, cause="no till"), result("B", "NOT_SELECTED"))
    with History.open(file) as history:
        assert history.add(kept) == 1
    with History.read(file) as history:
        assert history.runs() == [kept]
    assert not list(file.parent.glob("*-wal")), "nothing is left beside it"


def test_what_git_does_not_know_stays_unknown(file: Path) -> None:
    with History.open(file) as history:
        history.add(entry(1, source=Source()))
        assert history.runs()[0].source == Source("", None, "")


def test_hostile_names_are_only_names(file: Path) -> None:
    with History.open(file) as history:
        history.add(entry(1, result(HOSTILE, cause=HOSTILE), command=HOSTILE))
        (kept,) = history.runs()
    assert kept.results[0].scenario.name == HOSTILE.replace("\ud800", "?")
    assert kept.command == kept.results[0].cause


def test_old_runs_go_with_all_that_was_theirs(file: Path) -> None:
    with History.open(file) as history:
        for number in range(1, 8):
            history.add(entry(number, result(f"scenario {number}")), most=3)
        assert [run.number for run in history.runs()] == [5, 6, 7]
        assert [run.number for run in history.runs(last=2)] == [6, 7]
        assert [r.number for r in history.runs(until=entry(6).began)] == [5, 6]
    with sqlite3.connect(file) as connection:
        for table in ("sizes", "phases", "results", "demands"):
            asked = f"SELECT DISTINCT run FROM {table} ORDER BY run"
            assert connection.execute(asked).fetchall() == [(5,), (6,), (7,)], table
        assert connection.execute("SELECT count(*) FROM scenarios").fetchone() == (3,)
    connection.close()


WRITER = """
import sys
from pathlib import Path
from history_support import entry, result
from harness.history.history import History
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    with History.open(Path(sys.argv[1])) as history:
        history.add(entry(number, *(result(f"s{n}") for n in range(30))))
"""


def test_several_processes_keep_runs_at_once(file: Path) -> None:
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    for program in programs:
        _, said = program.communicate(timeout=60)
        assert program.returncode == 0, said
    with History.read(file) as history:
        runs = history.runs()
    assert [run.number for run in runs] == list(range(1, 61))
    assert all(len(run.results) == 30 for run in runs)


def broken_in_the_middle(file: Path) -> None:
    with History.open(file) as history:
        for number in range(1, 40):
            history.add(entry(number, *(result(f"s{n}") for n in range(50))))
    data = bytearray(file.read_bytes())
    for place in range(2 * 4096, len(data), 4096):
        data[place : place + 512] = b"\xff" * 512
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    with History.open(file) as history:
        history.add(entry(1, *(result(f"s{n}") for n in range(200))))
    file.write_bytes(file.read_bytes()[:9000])


def no_database(file: Path) -> None:
    file.write_text("something that was written by somebody " * 100)


def newer(file: Path) -> None:
    with History.open(file, [*schema.MIGRATIONS, "CREATE TABLE later (a)"]) as history:
        history.add(entry(1))


def another_program(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmarks (a)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (broken_in_the_middle, HistoryDamagedError),
        (cut_off, HistoryDamagedError),
        (no_database, HistoryDamagedError),
        (newer, HistoryNewerError),
        (another_program, HistoryForeignError),
        (Path.mkdir, HistoryUnavailableError),
    ],
    ids=["broken", "cut off", "no database", "newer", "foreign", "folder"],
)
def test_file_that_cannot_be_used_is_named_and_left(
    file: Path, spoil: Callable[[Path], None], cause: type[HistoryError]
) -> None:
    file.parent.mkdir()
    spoil(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(cause) as raised:
        History.open(file)
    assert str(file) in raised.value.looked
    assert (file.read_bytes() if file.is_file() else b"") == before
    with pytest.raises(cause), History.read(file) as history:
        history.runs()


def test_history_that_is_not_there_is_not_begun_by_reading(file: Path) -> None:
    with pytest.raises(HistoryMissingError):
        History.read(file)
    assert not file.exists()


def test_one_that_is_held_for_long_is_given_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.history.history._BUSY_SECONDS", 0.1)
    with History.open(file) as history:
        history.add(entry(1))
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with History.open(file) as history, pytest.raises(HistoryUnavailableError, match="locked"):
            history.add(entry(2))
        other.execute("ROLLBACK")
    other.close()
    with History.open(file) as history:
        assert history.add(entry(2)) == 2


LATER = "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none';\n"


def test_older_file_is_brought_to_the_newest_format(file: Path) -> None:
    with History.open(file) as history:
        history.add(entry(1))
    with History.open(file, [*schema.MIGRATIONS, LATER]) as history:
        assert history.runs() == [entry(1)]
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT note FROM runs").fetchall() == [("none",)]
        assert schema.version(connection) == 2
    connection.close()
    with pytest.raises(HistoryNewerError, match="format 2"):
        History.read(file)


def test_format_changes_wholly_or_not_at_all(file: Path) -> None:
    with History.open(file) as history:
        history.add(entry(1))
    with pytest.raises(HistoryUnavailableError):
        History.open(file, [*schema.MIGRATIONS, LATER + "ALTER TABLE absent ADD COLUMN a;\n"])
    with History.read(file) as history:
        assert history.runs() == [entry(1)]
    with sqlite3.connect(file) as connection:
        assert "note" not in str(connection.execute("SELECT sql FROM sqlite_schema").fetchall())
    connection.close()


def test_runs_are_called_by_number_commit_and_place(file: Path, tmp_path: Path) -> None:
    with History.open(file) as history:
        for number, commit in enumerate(("aaaa1111", "aaaa2222", "aaaa1111", ""), 1):
            history.add(entry(number, source=Source(commit, None, "")))

        def named(words: str) -> int:
            return history.named(words, tmp_path).number

        assert [named(w) for w in ("1", "#2", "last", "last-0", "last-3")] == [1, 2, 4, 4, 1]
        assert named("aaaa1") == 3, "the newest of a commit"
        assert named("AAAA2222") == 2
        for wrong in ("9", "last-4", "aaaa", "aaa", "HEAD", "--help", "last-x", ""):
            with pytest.raises(RunUnknownError):
                named(wrong)


# What is kept of a run


def test_scenarios_are_called_the_same_in_every_run(tmp_path: Path) -> None:
    feature = tmp_path / "selling.feature"
    feature.write_text(
        "Feature: Selling\n"
        "  Scenario: A sale\n    Given a shop\n"
        "  Scenario Outline: The price\n    Given <thing> for <price>\n\n"
        "    Examples:\n      | thing | price |\n      | tea | 2 |\n      | cake  | 3 |\n"
        "  Rule: One\n    Scenario: A sale\n      Given a shop\n"
    )
    before = list(identities(read_document(feature, tmp_path).messages).values())
    assert [(i.name, i.example) for i in before] == [
        ("A sale", ""),
        ("The price", "tea, 2"),
        ("The price", "cake, 3"),
        ("A sale", "#2"),
    ]
    feature.write_text("# moved\n\n" + feature.read_text().replace("| tea |", "| tea    |"))
    assert list(identities(read_document(feature, tmp_path).messages).values()) == before


def test_what_is_kept_of_a_run() -> None:
    words = "needed: a till\nseen:   no till\n        at all\nlooked: l\nfix:    f"
    messages = record(
        ("Sale", "FR-1", "PASSED", ""),
        ("Buy", "FR-2", "FAILED", words),
        ("Gift", "FR-2", "not run", ""),
        ("Other", "FR-1", "not selected", ""),
        ("Wait", "FR-1", "SKIPPED", "no counter"),
    )
    image = {"name": "api", "bytes": 1e8, "packed": 4e7, "limit_mb": 120, "goal_mb": 90}
    kept = entry_of([*messages, evidence("image", image)], exit_status=1, source=Source("c"))
    assert kept is not None
    assert [(r.scenario.name, r.status, r.cause) for r in kept.results] == [
        ("Sale", "PASSED", ""),
        ("Buy", "FAILED", "no till"),
        ("Gift", "NOT_RUN", ""),
        ("Other", "NOT_SELECTED", ""),
        ("Wait", "SKIPPED", "no counter"),
    ]
    assert {s.scenario.name for s in kept.results if s.scenario in kept.selected} == {
        *("Sale", "Buy", "Gift", "Wait")
    }
    assert [(d.id, d.status, d.selected, d.scenarios) for d in kept.demands] == [
        ("FR-1", "partly proven", 2, 3),
        ("FR-2", "failed", 2, 2),
        ("EC-1", "no scenario", 0, 0),
    ]
    assert kept.sizes[0].packed == 4e7
    assert (kept.exit_status, kept.workers) == (1, 1)
    assert "Not accepted" in kept.outcome


def test_run_that_began_nothing_is_not_kept() -> None:
    messages = record(("Sale", "FR-1", "not run", ""))
    assert entry_of(messages, exit_status=2, source=Source()) is None


def hook(name: str, at: float, took: float) -> list[dict[str, object]]:
    return [
        {"hook": {"id": name, "name": name, "type": "BEFORE_TEST_RUN"}},
        {"testRunHookStarted": {"id": f"{name}1", "hookId": name, "timestamp": timestamp(at)}},
        {
            "testRunHookFinished": {
                "testRunHookStartedId": f"{name}1",
                "result": {"status": "PASSED", "duration": timestamp(took)},
                "timestamp": timestamp(at + took),
            }
        },
    ]


def test_what_is_shared_is_not_the_scenarios_time() -> None:
    messages = record(("Sale", "FR-1", "PASSED", ""))
    for message in messages:
        if "testCaseFinished" in message:
            message["testCaseFinished"]["timestamp"] = timestamp(1041)  # it began at 1001
    phases = [
        {"name": "building image api", "at": 1003, "seconds": 8, "ok": True},
        {"name": "building image web", "at": 1007, "seconds": 6, "ok": True},
        {"name": "rolling out release shop", "at": 1016, "seconds": 5, "ok": True},
        {"name": "rolling out release beside", "at": 1030, "seconds": 9, "ok": True},
    ]
    told = evidence("phases", {"worker": "", "phases": phases})
    shared = [*hook("images", 1002, 13), *hook("release", 1014, 8)]  # the one within the other
    kept = entry_of([*messages, *shared, told], exit_status=0, source=Source())
    assert kept is not None
    assert kept.results[0].seconds == pytest.approx(40 - 20)
    assert kept.phases == (Spent("build", 10.0), Spent("install", 5.0))


def test_times_side_by_side_count_once() -> None:
    assert length([(0, 4), (2, 3), (3, 6), (8, 9)]) == 7
    assert length([(0, 4), (8, 20)], (2, 10)) == 4


def test_phases_are_called_by_the_words_that_the_harness_says() -> None:
    assert phase_of("making cluster deploy-shop") == "create"
    assert phase_of("something else") == "something else"
    sources = "".join(
        path.read_text() for path in (ROOT / "harness").rglob("*.py") if path.name != "phases.py"
    )
    said = [words for words in PHASES if f'"{words}' in sources]
    assert said == list(PHASES), "each is said somewhere"


def test_typical_times_are_of_what_went_well() -> None:
    runs = [
        entry(n, result("A", "PASSED" if n != 3 else "FAILED", float(n)), result("B", "SKIPPED"))
        for n in range(1, 6)
    ]
    runs.append(entry(6, phases=(Spent("build", 500.0, ok=False), Spent("install", 20.0))))
    found = durations(runs, last=3)
    assert found.scenarios == {scenario("A"): 4.0, scenario("A sale"): 1.0}
    assert found.phases == {"build": 5.0, "install": 10.0}


def test_estimates_are_of_a_kind_of_cluster(file: Path) -> None:
    with History.open(file) as history:
        assert durations(history.runs()).scenarios == {}
        history.add(entry(1, result("A", took=4.0)))
        history.add(entry(2, result("A", took=8.0), provider="minikube"))
        assert durations(history.runs(provider="kind")).scenarios == {scenario("A"): 4.0}
        assert durations(history.runs()).scenarios == {scenario("A"): 6.0}


# What wavers


def outcomes(*told: tuple[str, str], provider: str = "kind") -> list[int]:
    """Return changes and failures of a scenario, of runs given by tree and status."""
    runs = [
        entry(n, result("A", status), source=Source("", None, tree), provider=provider)
        for n, (tree, status) in enumerate(told, 1)
    ]
    found = steadiness(runs)
    return [found[0].changes, found[0].failed, len(found[0].outcomes)] if found else []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("t", "PASSED"), ("t", "PASSED")], []),
        ([("t", "PASSED"), ("t", "FAILED"), ("t", "PASSED")], [2, 1, 3]),
        ([("t", "PASSED"), ("u", "FAILED")], [0, 1, 2]),
        ([("t", "PASSED"), ("u", "FAILED"), ("t", "FAILED")], [1, 2, 3]),
        ([("", "PASSED"), ("", "FAILED")], [0, 1, 2]),
        ([("t", "PASSED"), ("t", "NOT_RUN"), ("t", "UNKNOWN"), ("t", "NOT_SELECTED")], []),
        ([("t", "FAILED"), ("t", "NOT_RUN"), ("t", "SKIPPED")], [0, 1, 1]),
    ],
    ids=["steady", "wavers", "changed", "other between", "unknown", "not run", "failed once"],
)
def test_scenario_wavers_only_with_the_same_sources(
    told: list[tuple[str, str]], expected: list[int]
) -> None:
    assert outcomes(*told) == expected


def test_scenario_that_passed_at_the_second_try_wavers() -> None:
    from dataclasses import replace

    again = replace(result("A"), attempts=2)
    assert [one.changes for one in steadiness([entry(1, again)])] == [1]


def test_another_kind_of_cluster_is_another_matter() -> None:
    runs = [entry(1, result("A")), entry(2, result("A", "FAILED"), provider="minikube")]
    assert [one.changes for one in steadiness(runs)] == [0]
