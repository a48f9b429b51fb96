"""What all faults have in common: they take hold or say so, and they go away again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from harness.errors import DeployError


class FaultWithoutEffectError(DeployError):
    """A fault was made and nothing came of it, so nothing would be proven by what follows."""

    def __init__(self, fault: str, wanted: str, seen: str, looked: str) -> None:
        super().__init__(
            needed=f"the fault `{fault}` to take hold: {wanted}",
            seen=seen,
            looked=looked,
            fix="nothing is known about the application from this: see why what was broken "
            "still works",
        )


class Fault(ABC):
    """One thing that is broken on purpose, for the length of a block.

    On entering it is broken, and it is made sure that this really shows. It is put right
    by `end`, or on leaving the block, however that is left; twice does no harm. A fault
    that fails on its way in is put right as well.
    """

    _begun = False

    @abstractmethod
    def describe(self) -> str:
        """Return what is broken, as a sentence without a full stop."""

    @abstractmethod
    def _break(self) -> None:
        """Break it."""

    @abstractmethod
    def _check(self) -> None:
        """See that it is broken. Raises FaultWithoutEffectError."""

    @abstractmethod
    def _mend(self) -> None:
        """Put it right, also when it was broken by half or not at all."""

    def __enter__(self) -> Self:
        self._begun = True
        try:
            self._break()
            self._check()
        except BaseException as error:
            self._end_after(error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Put it right. Raises the DeployError of what cannot be put right."""
        if not self._begun:
            return
        try:
            self._mend()
        except DeployError as error:
            error.add_note(f"so this fault may still be there: {self.describe()}")
            raise
        self._begun = False

    def _end_after(self, error: BaseException) -> None:
        try:
            self.end()
        except DeployError as further:
            error.add_note(f"and it could not be put right: {further.headline}")
