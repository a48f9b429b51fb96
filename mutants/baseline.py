"""The project without a defect: green, or nothing that follows would mean anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DeployError
from mutants.copying import copied
from mutants.mutant import MARKS, Mutant, Needs
from mutants.scenarios import Outcome, Run, Scenarios


class BaselineRedError(DeployError):
    """Scenarios fail without any defect."""

    def __init__(self, needs: Needs, failures: Sequence[Outcome]) -> None:
        told = "\n".join(f"{one.scenario}:\n{_indented(one.message)}" for one in failures[:5])
        super().__init__(
            needed=f"the scenarios ({needs}) to pass on the project as it is",
            seen=told,
            looked="the project without a defect",
            fix="mend that first: a defect cannot be told from what fails anyway",
        )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[:12])


def check_baseline(
    project: Path, scenarios: Scenarios, needs: Needs, mutants: Sequence[Mutant]
) -> Run:
    """Run all that the mutants will be asked on the project as it is.

    Raises:
        BaselineRedError: something fails.
        RunUnusableError: nothing was selected.

    """
    names = sorted({mutant.notices for mutant in mutants})
    # One that asks all scenarios makes all of them part of the baseline.
    wanted = "" if "" in names else " or ".join(f"({name})" for name in names)
    with copied(project) as copy:
        run = scenarios.run(copy, MARKS[needs], wanted)
    if run.failures:
        raise BaselineRedError(needs, run.failures)
    return run
