"""A state that is, or may become, hopeless, and how much is tolerated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import DeployError
from harness.kube.details import Details


@dataclass(frozen=True)
class Patience:
    """For how long each state that may recover is tolerated; seconds unless said."""

    restarts: int = 1
    init_restarts: int = 3
    dependency_restarts: int = 4
    pull: float = 20.0
    config: float = 4.0
    unschedulable: float = 4.0
    node: float = 90.0
    volume: float = 30.0
    sandbox: float = 30.0
    probe: float = 7.0
    localhost: float = 3.0
    elsewhere: float = 30.0
    refusal: float = 5.0
    endpoints: float = 5.0


@dataclass(frozen=True)
class Finding:
    """A state that is hopeless, or becomes so in `seconds` if nothing changes.

    `cause` is only built when needed, since it may read logs.
    """

    text: str
    seconds: float
    cause: Callable[[Details], DeployError]


def always(cause: DeployError) -> Callable[[Details], DeployError]:
    """Return what gives a cause that needs no details."""
    return lambda _: cause
