"""What is inferred, each fact with the reason that it was inferred for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.contract.finding import Place

Key = tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One line of a description: its key, its value, why, and where that stands.

    `sure` is false for a choice among several, or a guess that nothing speaks against.
    """

    key: Key
    value: Any
    why: str
    place: Place | None = None
    sure: bool = True

    @property
    def dotted(self) -> str:
        """Return the key as messages show it."""
        return ".".join(self.key)

    @property
    def reason(self) -> str:
        """Return why, with the place."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.why}{'' if self.sure else ' (see whether it is right)'}"


@dataclass
class Facts:
    """All facts in the order of the file that is written of them, and remarks beside them."""

    facts: dict[Key, Fact] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(
        self,
        *key: str,
        value: Any,
        why: str,
        place: Place | None = None,
        sure: bool = True,
    ) -> None:
        """Write down a fact, unless something better is known of the key already."""
        if value is not None and key not in self.facts:
            self.facts[key] = Fact(key, value, why, place, sure)

    def remark(self, text: str) -> None:
        """Write down what a person should know, once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def get(self, *key: str) -> Any:
        """Return the value of a key; None when nothing is known."""
        fact = self.facts.get(key)
        return fact.value if fact else None

    def below(self, *key: str) -> Iterator[Fact]:
        """Yield the facts below a key."""
        yield from (f for f in self.facts.values() if f.key[: len(key)] == key)

    def nested(self) -> dict[str, Any]:
        """Return the values as the description's file would give them."""
        whole: dict[str, Any] = {}
        for fact in self.facts.values():
            here = whole
            for part in fact.key[:-1]:
                here = here.setdefault(part, {})
            here[fact.key[-1]] = fact.value
        return whole
