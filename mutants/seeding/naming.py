"""Whether a defect is named in a project as it is named in the Todo app."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness import contract
from harness.contract import Finding
from harness.errors import DeployError
from harness.helm.rendering import Renderer
from harness.inference import described
from harness.inference.opening import opened
from harness.project import Project
from harness.verdict import judge
from mutants.copying import copied
from mutants.mutant import Mutant
from mutants.seeding.piece import Piece
from mutants.seeding.seed import CannotApplyError, Seed
from mutants.seeding.shape import Shape


class Named(StrEnum):
    """How a seeded defect is named."""

    SAME = "the same"
    DESCRIBED = "the same, once the project is described"
    ELSEWHERE = "the same cause, by another check"
    OTHERWISE = "otherwise"
    NOT = "not at all"
    CANNOT = "cannot be there"


#: Those that count as named the same.
GOOD = (Named.SAME, Named.DESCRIBED)


@dataclass(frozen=True)
class Naming:
    """How a defect is named in a project.

    Attributes:
        told: check and cause, or why the defect cannot be there.

    """

    seed: str
    named: Named
    told: str

    def line(self) -> str:
        """Return it in one line."""
        return f"{self.named}: {self.seed}: {self.told}"


_Said = tuple[str, str, str]  # check, needed, seen


@dataclass(frozen=True)
class Seeded:
    """A project into which defects are seeded, one at a time and in copies only.

    Two ways lead to a verdict: that of a project without a description, and that of a project
    which was described, by `init`, before it had the defect.
    """

    folder: Path
    shape: Shape
    helm: Renderer
    environ: Mapping[str, str]
    before: frozenset[_Said]

    def name(self, seed: Seed) -> Naming:
        """Seed a defect, and tell how it is named."""
        with tempfile.TemporaryDirectory(prefix="deploy-seed-") as folder:
            root = Path(folder).resolve() / self.folder.resolve().name
            _copy(self.folder, root)
            try:
                seed.make(Piece(root, self.shape))
            except CannotApplyError as error:
                return Naming(seed.id, Named.CANNOT, str(error))
            found = list[_Said]()
            for way, named in ((self._inferred, Named.SAME), (self._described, Named.DESCRIBED)):
                new = [one for one in way(root) if one not in self.before]
                for check, needed, seen in new:
                    if check in seed.checks and seed.matches(needed, seen, self.shape.names):
                        return Naming(seed.id, named, _told(check, needed, seen))
                found += new
        for check, needed, seen in found:
            if check in seed.elsewhere and seed.matches(needed, seen, self.shape.names):
                why = seed.elsewhere[check]
                return Naming(seed.id, Named.ELSEWHERE, f"{_told(check, needed, seen)}; {why}")
        if found:
            return Naming(seed.id, Named.OTHERWISE, _told(*found[0]))
        return Naming(seed.id, Named.NOT, f"{seed.checks[0]} says nothing")

    def _inferred(self, root: Path) -> list[_Said]:
        try:
            verdict = judge(root, self.environ)
        except DeployError as error:
            return [("no verdict", error.needed, error.seen)]
        return [(i.id, one.needed, one.seen) for i in verdict.checks for one in i.findings]

    def _described(self, root: Path) -> list[_Said]:
        data = self.shape.project.model_dump(exclude={"root"})
        project = Project.checked(root, data)
        return _said(contract.judge(project, self.helm))


@contextlib.contextmanager
def seeded(folder: Path, environ: Mapping[str, str]) -> Iterator[Seeded]:
    """Give a project into which defects can be seeded.

    Raises:
        DeployError: the project cannot be described or judged, or Helm is missing.

    """
    with opened(folder, environ) as (copy, helm, missing):
        if helm is None:
            raise missing or AssertionError("Helm is there or missing")
        project = described(copy, helm).project
        shape = Shape(project, helm)
        one = Seeded(folder, shape, helm, environ, frozenset())
        before = frozenset([*one._inferred(folder), *one._described(copy.root)])
        yield Seeded(folder, shape, helm, environ, before)


def misnamed(
    own: Path, mutants: Iterable[Mutant], seeds: Mapping[str, Seed], environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each mutant that is not named, in the project it is made for, as its seed says.

    With what is said of it there. Else the seed would compare with nothing.
    """
    with opened(own, environ) as (_copy_of_it, helm, missing):
        if helm is None:
            raise missing or AssertionError("Helm is there or missing")
        shape = Shape(Project.load(own), helm)
        for mutant in mutants:
            seed = seeds[mutant.id]
            if not seed.checks:
                continue  # it is about something that only this project has
            with copied(own, mutant.changes) as copy:
                said = _said(contract.judge(Project.load(copy), helm))
            hits = {c for c, needed, seen in said if seed.matches(needed, seen, shape.names)}
            if seed.checks[0] not in hits:
                yield mutant.id, "; ".join(_told(*one) for one in said[:3]) or "nothing"


def _copy(source: Path, target: Path) -> None:
    left_out = shutil.ignore_patterns(".git", "node_modules", ".next", "__pycache__", ".deploy")
    shutil.copytree(source, target, ignore=left_out)


def _said(findings: Iterable[Finding]) -> list[_Said]:
    return [(one.check, one.needed, one.seen) for one in findings]


def _told(check: str, needed: str, seen: str) -> str:
    return f"{check}: {needed}: {seen.splitlines()[0] if seen else '-'}"
