"""Making each defect, asking the scenarios, and putting right what a defect has broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import DeployError
from harness.scope import Scope
from mutants.baseline import check_baseline
from mutants.copying import copied
from mutants.mutant import MARKS, Mutant, Needs
from mutants.scenarios import Run, Scenarios
from mutants.verdict import Verdict, judge


class NotRestoredError(DeployError):
    """The good state did not come back after a defect was taken out again."""

    def __init__(self, mutant: Mutant, run: Run) -> None:
        first = run.failures[0]
        super().__init__(
            needed=f"the good state again after the defect {mutant.id}",
            seen=f"{first.scenario}: {first.message}",
            looked="the project without a defect, installed over what the defect left, then anew",
            fix="see what the defect left behind; `make clean` removes the cluster",
        )


@dataclass(frozen=True)
class Runner:
    """Judges mutants.

    Args:
        project: the project that is changed, in copies only.
        scenarios: how scenarios are run.
        told: called with each verdict as it falls.
        restore: the scenario that installs the project and proves that all is well.
        workers: how many mutants that need nothing are judged side by side.

    """

    project: Path
    scenarios: Scenarios
    told: Callable[[Verdict], None]
    restore: str
    workers: int = 2

    def run(self, mutants: Sequence[Mutant], needs: Needs) -> list[Verdict]:
        """Judge mutants that all need the same, in order of their definition.

        Raises:
            BaselineRedError: the scenarios fail without any defect.
            ChangeDoesNotApplyError, RunUnusableError: a definition is wrong.
            NotRestoredError: the cluster could not be mended.

        """
        for mutant in mutants:  # at once, not after minutes
            with copied(self.project, mutant.changes):
                pass
        check_baseline(self.project, self.scenarios, needs, mutants)
        if needs is not Needs.NOTHING:
            return [self._judged(mutant) for mutant in mutants]
        scope = Scope()

        def judged(mutant: Mutant) -> Verdict:
            with scope.entered():
                return self._judged(mutant)

        with ThreadPoolExecutor(self.workers, "mutant") as pool:
            try:
                return list(pool.map(judged, mutants))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                scope.cancel()
                raise

    def _judged(self, mutant: Mutant) -> Verdict:
        with copied(self.project, mutant.changes) as copy:
            run = self.scenarios.run(copy, MARKS[mutant.needs], mutant.notices)
        verdict = judge(mutant, run)
        if mutant.needs is Needs.CLUSTER:
            verdict = replace(verdict, restoring=self._restored(mutant))
        self.told(verdict)
        return verdict

    def _restored(self, mutant: Mutant) -> float:
        """Install the good project again and return the seconds that it took."""
        marks, seconds = MARKS[Needs.CLUSTER], 0.0
        with copied(self.project) as copy:
            # Over what the defect left; if that cannot be mended, on a new cluster.
            for words in ((), ("--deploy-fresh=yes",)):
                run = self.scenarios.run(copy, marks, self.restore, *words)
                seconds += run.seconds
                if not run.failures:
                    return seconds
        raise NotRestoredError(mutant, run)
