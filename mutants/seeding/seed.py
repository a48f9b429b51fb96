"""What a seed is: a defect that is described by role and shape, and the kind of its cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutants.seeding.piece import Piece

Make = Callable[["Piece"], None]


class CannotApplyError(Exception):
    """A project has nothing in which this defect could be. Its text says what it lacks."""


@dataclass(frozen=True)
class Seed:
    """A defect.

    Args:
        id: that of the mutant of the Todo app which is the same defect.
        checks: those that may name it; the first that the mutant of the Todo app is named by.
        needed: a pattern of what the check needed. `<inner>` and `<front>` stand for the names
            of the role that uses the database and of the one that people open.
        seen: the same of what was seen: the kind of the cause.
        make: puts it into a copy. Raises CannotApplyError.
        elsewhere: checks that name it in other projects than the Todo app, and why they do.

    """

    id: str
    checks: tuple[str, ...]
    needed: str
    seen: str
    make: Make = field(repr=False)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def matches(self, needed: str, seen: str, names: Mapping[str, Iterable[str]]) -> bool:
        """Say whether a finding has this kind of cause, in a project whose roles have names."""
        return all(
            re.search(_filled(pattern, names), text, re.MULTILINE)
            for pattern, text in ((self.needed, needed), (self.seen, seen))
        )


def _filled(pattern: str, names: Mapping[str, Iterable[str]]) -> str:
    for word, ones in names.items():
        one_of = "|".join(sorted({re.escape(one) for one in ones}))
        pattern = pattern.replace(f"<{word}>", f"(?:{one_of})")
    return pattern


class Catalogue:
    """The seeds of one topic, each made by a function."""

    def __init__(self) -> None:
        self.seeds: list[Seed] = []

    def seed(
        self,
        id: str,
        checks: str | tuple[str, ...],
        needed: str,
        seen: str = "",
        *,
        elsewhere: Mapping[str, str] | None = None,
    ) -> Callable[[Make], Make]:
        """Take a function for the seed with this id."""
        several = (checks,) if isinstance(checks, str) else checks

        def taken(make: Make) -> Make:
            self.seeds.append(Seed(id, several, needed, seen, make, elsewhere or {}))
            return make

        return taken

    def never(self, why: str, *ids: str) -> None:
        """Take mutants that are about something of the Todo app alone."""

        def make(_piece: Piece) -> None:
            raise CannotApplyError(why)

        self.seeds += [Seed(id, (), "", "", make) for id in ids]
