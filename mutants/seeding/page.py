"""The page that tells how the defects are named in which project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mutants.seeding.naming import GOOD, Named, Naming

_HEAD = """\
# Defects in projects of other names

Each static mutant of the Todo app is a defect that other projects may have as well. Here it is
put into a copy of an example, found there by role and shape: the program that uses the database
in place of `backend`, the one that people open in place of `frontend`. It counts as *the same*
when the check that names it in the Todo app names it there too, with the same kind of cause. Most
are named in a project without a description; some contradict what is described, and are named
when the project was described, as by `python -m harness init`, before it had the defect.
Made by `make seeded`.
"""


def figures(name: str, namings: Sequence[Naming]) -> str:
    """Return the figures of a project in one line."""
    count = Counter(one.named for one in namings)
    there = len(namings) - count[Named.CANNOT]
    same = sum(count[named] for named in GOOD)
    words = f"{name}: {same} of {there} named the same, {count[Named.DESCRIBED]} of them once it is"
    words += f" described; {count[Named.ELSEWHERE]} by another check; {_missed(count)} otherwise or"
    return f"{words} not at all; {count[Named.CANNOT]} of {len(namings)} cannot be there"


def _missed(count: Mapping[Named, int]) -> int:
    return count[Named.OTHERWISE] + count[Named.NOT]


def page(judged: Mapping[str, Sequence[Naming]]) -> str:
    """Return the page: figures, what is not named the same, and each defect by project."""
    columns = " | ".join(judged)
    lines = [_HEAD, "| project | can be there | the same | of them once described |"]
    lines[-1] += " by another check | otherwise, not at all | cannot be there |"
    lines.append("|---|---|---|---|---|---|---|")
    for name, namings in judged.items():
        count = Counter(one.named for one in namings)
        cells = [
            len(namings) - count[Named.CANNOT],
            sum(count[named] for named in GOOD),
            *(count[named] for named in (Named.DESCRIBED, Named.ELSEWHERE)),
            _missed(count),
            count[Named.CANNOT],
        ]
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    if left := [(n, one) for n, all_ in judged.items() for one in all_ if _left(one)]:
        lines += ["", "## Not named the same", ""]
        lines += [f"- `{one.seed}` in {name}: {one.named}: {_cell(one.told)}" for name, one in left]
    lines += ["", "## Each defect", "", f"| defect | {columns} |", f"|---|{'---|' * len(judged)}"]
    for row in zip(*judged.values(), strict=True):
        lines.append(f"| {row[0].seed} | {' | '.join(_mark(one) for one in row)} |")
    return "\n".join([*lines, ""])


def _left(one: Naming) -> bool:
    return one.named not in (*GOOD, Named.CANNOT)


def _mark(one: Naming) -> str:
    if one.named is Named.CANNOT:
        return f"no: {_cell(one.told)}"
    if one.named in GOOD:
        check = one.told.partition(":")[0]
        return check if one.named is Named.SAME else f"{check}, once described"
    return f"**{one.named}**"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
