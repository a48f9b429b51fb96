"""Skips that can be foreseen: told by what would skip, and looked up by a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from harness.errors import DeployError

if TYPE_CHECKING:
    from harness.settings import Settings

Look = Callable[["Settings"], object]
F = TypeVar("F", bound=Callable[..., object])
_LOOK = "__deploy_foresight__"


def skips_when(look: Look) -> Callable[[F], F]:
    """Tell of a fixture or a sentence when it would skip its scenario. Changes nothing of it.

    Args:
        look: returns the reason, or raises the DeployError that is the reason; anything else,
            such as a program that was found, means that it would not skip. It asks neither
            engine nor cluster.

    """

    def mark(function: F) -> F:
        setattr(function, _LOOK, look)
        return function

    return mark


def foreseen(function: object, settings: Settings) -> str:
    """Return why a function would skip; "" when it would not, or nobody can tell."""
    look: Look | None = getattr(function, _LOOK, None)
    if look is None:
        return ""
    try:
        found = look(settings)
    except DeployError as error:
        return f"{error.headline}; {error.fix}"
    return found if isinstance(found, str) else ""
