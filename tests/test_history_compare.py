"""What changed from one run to another, in text, in JSON and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from history_support import entry, result

from harness.history.__main__ import main
from harness.history.comparison import Comparison
from harness.history.history import History
from harness.history.model import Demand, Entry, Result, Size, Source, Spent
from harness.history.text import WIDTH, compared, counts, listed


def names(results: list[Result]) -> list[str]:
    return [result.scenario.name for result in results]


BEFORE = entry(
    1,
    result("holds"),
    result("breaks", took=2.0),
    result("is mended", "FAILED", cause="old"),
    result("stays broken", "FAILED"),
    result("is skipped now"),
    result("is broken off now"),
    result("fails at last", "SKIPPED"),
    result("is not asked for now"),
    result("is asked for now", "NOT_SELECTED"),
    result("goes away"),
    result("takes long", took=1.0),
    demands=(
        *(Demand("FR-1", "proven", 2, 2), Demand("FR-2", "failed", 1, 1)),
        *(Demand("FR-3", "proven", 2, 2), Demand("FR-4", "not run", 1, 0)),
    ),
)
AFTER = entry(
    2,
    result("holds"),
    result("breaks", "FAILED", cause="there is no till"),
    result("is mended"),
    result("stays broken", "UNDEFINED"),
    result("is skipped now", "SKIPPED"),
    result("is broken off now", "UNKNOWN"),
    result("fails at last", "FAILED"),
    result("is not asked for now", "NOT_SELECTED"),
    result("is asked for now"),
    result("comes", took=5.0),
    result("takes long", took=9.0),
    exit_status=1,
    seconds=45.0,
    sizes=(Size("api", 110e6, 44e6, 120.0, 90.0), Size("web", 50e6, 0.0)),
    phases=(Spent("build", 7.5),),
    demands=(
        *(Demand("FR-1", "failed", 2, 2), Demand("FR-2", "proven", 1, 1)),
        *(Demand("FR-3", "partly proven", 2, 1), Demand("FR-4", "proven", 1, 1)),
    ),
)


def test_each_change_is_of_one_kind() -> None:
    told = Comparison(BEFORE, AFTER)
    assert names([p.after for p in told.failing()]) == ["breaks"]
    assert names(told.failing_first()) == ["fails at last"]
    assert names([p.after for p in told.still_failing()]) == ["stays broken"]
    assert names([p.after for p in told.passing()]) == ["is mended"]
    assert names([p.after for p in told.left_out()]) == ["is skipped now", "is broken off now"]
    assert names(told.new()) == ["comes"]
    assert names(told.gone()) == ["goes away"]
    assert told.not_asked() == 2
    assert [(v.after.id, v.after.status) for v in told.requirements()] == [
        ("FR-1", "failed"),
        ("FR-2", "proven"),
    ]
    assert names([p.after for p in told.slower()]) == ["takes long"]
    assert told.worse


def test_sizes_and_times_have_their_difference() -> None:
    told = Comparison(BEFORE, AFTER)
    (api, packed), (web, none) = told.sizes()
    assert (api.difference, api.percent) == (10e6, pytest.approx(10))
    assert packed.difference == 4e6
    assert (web.before, web.difference, none.after) == (None, None, None)
    assert [(p.name, p.difference) for p in told.phases()] == [("build", 2.5), ("install", None)]


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ("PASSED", "FAILED", True),
        ("PASSED", "UNDEFINED", True),
        ("PASSED", "PENDING", True),
        ("PASSED", "UNKNOWN", False),
        ("PASSED", "NOT_RUN", False),
        ("PASSED", "SKIPPED", False),
        ("PASSED", "NOT_SELECTED", False),
        ("SKIPPED", "FAILED", False),
        ("FAILED", "FAILED", False),
        ("FAILED", "PASSED", False),
    ],
)
def test_worse_is_what_passed_and_fails_now(before: str, after: str, *, worse: bool) -> None:
    told = Comparison(entry(1, result("A", before)), entry(2, result("A", after)))
    assert told.worse == worse


def test_requirement_that_was_proven_and_failed_is_worse() -> None:
    failed = entry(2, result("B", "FAILED"), demands=(Demand("FR-1", "failed", 1, 1),))
    assert Comparison(entry(1), failed).worse, "by a scenario that is new"


def test_run_of_some_files_takes_no_scenario_of_others_away() -> None:
    both = entry(1, result("A"), result("B", feature="features/buying.feature"))
    one = entry(2, result("C"), whole=False)
    assert names(Comparison(both, one).gone()) == ["A"]
    assert names(Comparison(one, both).new()) == ["A"]


def test_text_tells_the_worst_first_and_fits_a_terminal() -> None:
    long = "a very long name of a scenario, of many words, " * 6
    before = entry(1, result(long), *BEFORE.results, demands=BEFORE.demands)
    cause = "the till is not there, which takes many words to say " * 4
    after = entry(
        2,
        result(long, "FAILED", cause=cause),
        *AFTER.results,
        phases=(*AFTER.phases, Spent("a phase with a name that is far longer than fits", 5.0)),
    )
    text = compared(Comparison(before, after))
    assert max(map(len, text.splitlines())) <= WIDTH
    places = [
        text.index(words) for words in ("Fails now, passed before (2)", "Passes now", "Times")
    ]
    assert places == sorted(places)
    assert "cause: the till is not there" in text


EXPECTED = """\
Fails now, passed before (1)
  features/selling.feature
    - breaks
      cause: there is no till

Fails now, did not fail or pass before (1)
  features/selling.feature
    - fails at last

Fails as before (1)
  features/selling.feature
    - stays broken

Passes now, failed before (1)
  features/selling.feature
    - is mended

Passed before, not carried out now (2)
  features/selling.feature
    - is skipped now [skipped]
    - is broken off now [broken off]

New (1)
  features/selling.feature
    - comes

Gone (1)
  features/selling.feature
    - goes away

2 scenarios not compared: only one of the runs was asked for them.

Requirements (2 changed)
  FR-1     proven -> failed
  FR-2     failed -> proven

Sizes                             before         after        change
  api                           100.0 MB      110.0 MB      +10.0 MB   +10.0 %
    compressed                   40.0 MB       44.0 MB       +4.0 MB   +10.0 %
  web                                  -       50.0 MB

Times                             before         after        change
  build                            5.0 s         7.5 s        +2.5 s   +50.0 %
  install                           10 s             -
  the run as a whole                30 s          45 s         +15 s   +50.0 %

The runs did not have the same scenarios: the whole times differ.

Takes longer
  +8.0 s (1.0 s -> 9.0 s) takes long"""


def test_text_reads_well() -> None:
    head, _, rest = compared(Comparison(BEFORE, AFTER)).partition("\n\n")
    assert rest == EXPECTED
    assert "before  run 1, 2023-11-1" in head
    assert "commit c0ffee00, chart 1.0.0" in head
    came_to = "kind, 1 process, exit status 1, 45 s: 5 passed, 3 failed, 1 skipped, 1 broken off"
    assert came_to in " ".join(head.split())


def test_what_does_not_show_is_no_change() -> None:
    after = entry(2, seconds=30.01, phases=(Spent("build", 4.5), Spent("install", 10.0)))
    text = compared(Comparison(entry(1), after))
    assert "  api                           100.0 MB      100.0 MB          none\n" in text
    assert "  build                            5.0 s         4.5 s        -0.5 s   -10.0 %" in text
    assert "  the run as a whole                30 s          30 s          none" in text


def test_hostile_names_do_not_act_on_a_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;title\x07\u202eevil\r\nsecond"
    before, after = entry(1, result(hostile)), entry(2, result(hostile, "FAILED", cause=hostile))
    for text in (compared(Comparison(before, after)), listed([before, after])):
        assert not set(text) & set("\x1b\x07\u202e\r")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DEPLOY_HISTORY", "DEPLOY_ARTIFACTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(folder: Path, *runs: Entry) -> None:
    with History.open(folder / ".deploy" / "history.sqlite") as history:
        for run in runs:
            history.add(run)


def test_last_run_is_compared_with_the_one_before(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(folder, BEFORE, AFTER)
    assert main([]) == 1
    assert "Fails now, passed before (1)" in capsys.readouterr().out
    assert main(["2", "1"]) == 1, "what was mended fails in the other direction"
    assert main(["last", "2"]) == 0
    assert "Nothing that passed fails now." in capsys.readouterr().out
    assert main(["1"]) == 1
    assert main(["last-1", "c0ffee", "--json"]) == 1
    capsys.readouterr()
    main(["--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["worse"] is True
    assert told["before"]["scenarios"]["passed"] == 7
    assert told["failing"][0]["cause"] == "there is no till"
    assert told["sizes"][0]["bytes"]["percent"] == 10.0


def test_runs_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(folder, BEFORE, entry(2, source=Source("deadbeef" * 5, dirty=True, tree="t")))
    assert main(["--list"]) == 0
    head, newest, oldest, _, note = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "when", "commit", "cluster", "took", "scenarios"]
    assert newest.split()[0] == "2"
    assert "deadbeef+" in newest
    assert "7 passed, 2 failed" in oldest
    assert "+ after a commit" in note
    assert main(["--list", "--json"]) == 0
    assert [run["dirty"] for run in json.loads(capsys.readouterr().out)] == [False, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "fewer than two runs are kept"),
        (["1", "7"], "'7'"),
        (["nonsense"], "none of that number or commit"),
        (["--file", "absent.sqlite"], "no such file"),
        (["--file", "text.txt"], "not a database"),
    ],
)
def test_bad_input_is_said_and_is_2(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    keep(folder, BEFORE)
    (folder / "text.txt").write_text("words " * 1000)
    assert main(words) == 2
    told = capsys.readouterr()
    assert not told.out
    assert said in told.err


def test_wrong_words_are_2_too(folder: Path) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--compare"])
    assert raised.value.code == 2


def test_what_was_skipped_is_counted() -> None:
    results = [result("a"), result("b", "SKIPPED"), result("c", "SKIPPED"), result("d", "NOT_RUN")]
    assert counts(entry(1, *results)) == "1 passed, 2 skipped, 1 not run"
