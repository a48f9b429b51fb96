"""The four-part error that everything in the harness raises."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Whose a failure is; only the project's own speak against the project."""

    PROJECT = "project"
    #: what the run was told: options, environment, description, features
    INPUT = "input"
    #: what it runs with: engine, cluster, tools, network, disk; the project could not be judged
    MACHINE = "machine"
    #: nobody foresaw it
    HARNESS = "harness"


class DeployError(Exception):
    """Something that was needed could not be had.

    Every cause has a subclass or a constructor of its own; all share the four parts,
    so that a reader always finds the same answers in the same place.

    Args:
        needed: what had to be true for the run to go on.
        seen: what was found instead, including the words of the tool that failed.
        looked: the places that were looked at (paths, commands, addresses).
        fix: what a person can do about it.

    Attributes:
        fault: whose it is. A class that does not say so says nothing against the project; one
            whose failures differ says it of each.

    """

    fault: Fault = Fault.MACHINE

    def __init__(self, *, needed: str, seen: str, looked: str, fix: str) -> None:
        self.needed = needed
        self.seen = seen
        self.looked = looked
        self.fix = fix
        super().__init__(needed, seen, looked, fix)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling (keyword-only arguments do not by themselves)."""
        return (_rebuild, (type(self), self.__dict__.copy()))

    @property
    def headline(self) -> str:
        """One line that names the cause."""
        return f"{self.needed}: {self.seen.strip().splitlines()[0] if self.seen.strip() else '-'}"

    def __str__(self) -> str:
        parts = (
            ("needed", self.needed),
            ("seen", self.seen),
            ("looked", self.looked),
            ("fix", self.fix),
        )
        notes = (("note", note) for note in getattr(self, "__notes__", ()))
        return "\n".join(f"{name + ':':<8}{_indented(text)}" for name, text in (*parts, *notes))


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n" + " " * 8)


def _rebuild(cls: type[DeployError], state: dict[str, object]) -> DeployError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, *(state[k] for k in ("needed", "seen", "looked", "fix")))
    return error
