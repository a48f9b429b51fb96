"""The mutants that are defined: each can still be made, and the page tells what became of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mutants.__main__ import main
from mutants.copying import PARTS, copy_project
from mutants.definitions import all_mutants
from mutants.mutant import Mutant, Needs
from mutants.record import Record, page, totals
from mutants.verdict import Fate, Verdict

ROOT = Path(__file__).parents[1]
MUTANTS = all_mutants()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, as every mutant gets one."""
    target = tmp_path_factory.mktemp("mutants") / "project"
    copy_project(ROOT, target)
    return target


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_it_can_still_be_made(mutant: Mutant, project: Path) -> None:
    before = {c.path: _read(project / c.path) for c in mutant.changes}
    try:
        for change in mutant.changes:
            change.apply(project)
        assert any(_read(project / path) != text for path, text in before.items())
    finally:
        for path, text in before.items():
            if text is None:
                (project / path).unlink(missing_ok=True)
            else:
                (project / path).write_text(text)


def _read(file: Path) -> str | None:
    return file.read_text() if file.is_file() else None


def test_there_are_enough_and_each_reads_as_a_sentence() -> None:
    assert len(MUTANTS) >= 60
    assert {mutant.needs for mutant in MUTANTS} == set(Needs)
    for mutant in MUTANTS:
        assert re.fullmatch(r"[A-Z`].{10,120}\.", mutant.says), mutant.says
        # The change itself must not be described by the harness's own files.
        assert all(c.path.startswith(PARTS) for c in mutant.changes), mutant.id


def test_page_tells_totals_and_what_is_left(tmp_path: Path) -> None:
    some = MUTANTS[:4]
    verdicts = [
        Verdict(some[0].id, Fate.KILLED, "test_a", "the | cause", 2, 1.24),
        Verdict(some[1].id, Fate.SURVIVED, "", "", 0, 2.0),
        Verdict(
            some[2].id,
            Fate.WRONG_CAUSE,
            "test_b",
            "no hub.example.io/library/x:1",
            0,
            4.0,
            20.0,
            9.0,
        ),
    ]
    one, other = (Record(tmp_path / "kept" / "mutants.json") for _ in range(2))
    one.add(verdicts[:2], "a machine")  # two runs at once
    other.add(verdicts[2:], "a machine")
    again = Record(tmp_path / "kept" / "mutants.json")
    assert again.killed() == {some[0].id}
    known = again.known(some)
    text = page(some, known)
    assert f"| {some[0].id} |" in text
    assert "test_a (and 2 more): the \\| cause | 1.2 |" in text
    assert "4.0 + 20 building + 9 restoring" in text
    assert f"- `{some[1].id}`: {some[1].says} No scenario failed." in text
    assert f"- `{some[3].id}`: {some[3].says} Not judged yet." in text
    assert "test_b: no library/x:1 |" in text  # whatever registry an engine means
    assert "a machine." in text
    assert "| static | 4 | 1 | 1 | 1 | 1 | 2.0 | 4.0 | 3 | 1 |" in text
    assert totals(some, known)[-1] == "Killed: 1 of 4, 25.0 % (goal: 95 %, **not met**)."


def test_chosen_mutants_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--static", "-k", "probes or services-select"]) == 0
    told = capsys.readouterr().out.splitlines()
    chosen = [m for m in MUTANTS if m.needs is Needs.NOTHING and _is_chosen(m)]
    assert [line.split()[:2] for line in told] == [["static", m.id] for m in chosen]
    assert len(chosen) >= 3


def _is_chosen(mutant: Mutant) -> bool:
    return "probes" in mutant.id or "services-select" in mutant.id


def test_choice_of_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-k", "no-such-mutant"]) == 2
    assert "no mutant is selected by 'no-such-mutant'" in capsys.readouterr().out


def test_record_forgets_nothing_that_is_still_defined(tmp_path: Path) -> None:
    record = Record(tmp_path / "mutants.json")
    record.add([Verdict("gone-long-ago", Fate.KILLED, "s", "c", 0, 1.0)], "m")
    assert not record.known(MUTANTS)
