"""`python -m mutants --project DIR`: how the defects are named in projects of other names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.project import Project
from mutants.definitions import all_mutants
from mutants.mutant import Needs
from mutants.seeding.catalogue import all_seeds
from mutants.seeding.naming import GOOD, Named, Naming, misnamed, seeded
from mutants.seeding.page import figures, page

Say = Callable[[str], None]


def run(
    own: Path,
    folders: Sequence[Path],
    word: str,
    environ: Mapping[str, str],
    say: Say,
    file: Path | None,
) -> int:
    """Seed each defect into each project, after seeing how it is named in our own.

    Args:
        own: the project that the mutants are made for.
        folders: those of other projects; nothing in them is changed.
        word: a part of the ids that are taken, several joined by ` or `.
        environ: says where Helm is.
        say: takes the lines for a person.
        file: where the page is written, if anywhere.

    Returns:
        0 when every defect that can be there is named the same, or by another check for the
        reason that its seed states; 1 when one is not; 2 when nothing is selected.

    Raises:
        DeployError: a project cannot be judged.

    """
    seeds = [seed for seed in all_seeds() if any(one in seed.id for one in word.split(" or "))]
    if not seeds:
        say(f"no defect is selected by {word!r}")
        return 2
    wanted = {seed.id: seed for seed in seeds}
    mutants = [m for m in all_mutants() if m.needs is Needs.NOTHING and m.id in wanted]
    say(f"# {Project.load(own).name}: {len(mutants)} defects, as they are named in it")
    wrong = 0
    for id, said in misnamed(own, mutants, wanted, environ):
        say(f"{id}: not named there as its seed says: {said}")
        wrong += 1
    judged: dict[str, list[Naming]] = {}
    for folder in folders:
        say(f"# {folder}")
        with seeded(folder, environ) as project:
            judged[folder.resolve().name] = namings = []
            for seed in seeds:
                namings.append(project.name(seed))
                say(namings[-1].line())
    for name, namings in judged.items():
        say(figures(name, namings))
    if file is not None:
        file.write_text(page(judged), encoding="utf-8")
    fine = (*GOOD, Named.CANNOT, Named.ELSEWHERE)
    bad = [one for namings in judged.values() for one in namings if one.named not in fine]
    return int(bool(wrong or bad))
