"""`python -m mutants`: make each defect, ask the scenarios, and tell which notice it."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.result import machine
from harness.command import environment
from harness.errors import DeployError
from mutants.definitions import all_mutants
from mutants.launch import Preloaded
from mutants.mutant import Mutant, Needs
from mutants.record import Record, page, totals
from mutants.runner import Runner
from mutants.scenarios import Scenarios
from mutants.seeding.command import run as seed
from mutants.verdict import Fate, Verdict

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = "deploy-mutants"
RESTORE = "one_installation_and_everything_is_well"
_PAGE = Path(__file__).with_name("RESULTS.md")
_RECORD = ROOT / ".deploy" / "mutants.json"


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when every mutant was killed, 1 when one was not, 2 when none can be judged."""
    asked = _parser().parse_args(words)
    try:
        if asked.project:
            return seed(ROOT, asked.project, asked.k, environment(), _say, asked.page)
        mutants = all_mutants()
        chosen = [m for m in mutants if _wanted(m, asked.needs, asked.k)]
        if asked.open:
            killed = Record(_RECORD).killed()
            chosen = [m for m in chosen if m.id not in killed]
        if asked.list:
            _say(*(f"{m.needs:<8} {m.id:<40} {m.says}" for m in chosen))
            return 0
        if not chosen:
            _say(f"no mutant is selected by {asked.k!r}")
            return 2
        verdicts = _judge(chosen, Record(_RECORD), asked.cluster_name)
    except DeployError as error:
        _say(str(error))
        return 2
    known = Record(_RECORD).known(mutants)
    _PAGE.write_text(page(mutants, known), encoding="utf-8")
    _say("", *totals(chosen, Record(_RECORD).known(chosen)))
    return int(any(verdict.fate is not Fate.KILLED for verdict in verdicts))


def _judge(chosen: Sequence[Mutant], record: Record, cluster: str) -> list[Verdict]:
    where = machine()
    scenarios = Scenarios(ROOT, ["features", f"--deploy-cluster-name={cluster}"])
    at_once = replace(scenarios, timeout=60, launch=Preloaded())

    alone = threading.Lock()

    def told(verdict: Verdict) -> None:
        with alone:
            record.add([verdict], where)
            _say(verdict.line())

    verdicts: list[Verdict] = []
    for needs in Needs:
        if ours := [mutant for mutant in chosen if mutant.needs is needs]:
            _say(f"# {needs}: {len(ours)} mutants, after the project as it is")
            how = at_once if needs is Needs.NOTHING else scenarios
            verdicts += Runner(ROOT, how, told, RESTORE).run(ours, needs)
    return verdicts


def _wanted(mutant: Mutant, needs: list[Needs] | None, word: str) -> bool:
    return (not needs or mutant.needs in needs) and any(
        one in f"{mutant.id} {mutant.builds}" for one in word.split(" or ")
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    for needs in Needs:
        parser.add_argument(
            f"--{needs}",
            action="append_const",
            dest="needs",
            const=needs,
            help=f"those that need {needs.name.lower()} only",
        )
    parser.add_argument("-k", default="", metavar="WORD", help="those with WORD in their id")
    parser.add_argument("--open", action="store_true", help="those not killed the last time")
    parser.add_argument("--list", action="store_true", help="say what there is, judge nothing")
    parser.add_argument("--cluster-name", default=CLUSTER, help=f"default: {CLUSTER}")
    parser.add_argument(
        "--project",
        action="append",
        type=Path,
        metavar="DIR",
        help="seed the static ones into a copy of another project, and tell how it names them",
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page of that")
    return parser


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
