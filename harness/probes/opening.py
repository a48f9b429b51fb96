"""A public Service that has just been rolled out: until it answers, or its cause is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.services import (
    ImageNotRunningError,
    Service,
    ServiceAmbiguousError,
    ServiceNotFoundError,
)
from harness.probes.outside import NotAnsweringError, wait_until_answers
from harness.probes.reach import Place, Reach
from harness.probes.unreachable import UnreachableError

_EARLY = 8.0  # seconds of silence after which the cluster is asked; forwarding takes 1 or 2
_CAUSES = (UnreachableError, ServiceNotFoundError, ServiceAmbiguousError, ImageNotRunningError)


class Roles(Protocol):
    """A release, as far as its Services matter here."""

    @property
    def kube(self) -> Kube:
        """A client of its cluster."""

    def service(self, role: str) -> Service:
        """Return the Service that leads to the pods of a role."""


def wait_until_open(
    url: str,
    why: Callable[[], DeployError | None] | None = None,
    *,
    early: float = _EARLY,
    within: float = 30.0,
) -> None:
    """Ask an address until the answer is 200; all pods behind it are Ready already.

    Args:
        url: what to ask.
        why: asked once after `early` seconds; what it returns ends the wait. None: nobody
            is asked.
        early: seconds.
        within: seconds in all.

    Raises:
        NotAnsweringError: with the last thing that was seen.
        DeployError: the cause that `why` knows.

    """
    if why is None:
        wait_until_answers(url, within=within)
        return
    try:
        wait_until_answers(url, within=early)
    except NotAnsweringError as silent:
        if cause := why():
            raise cause from silent
        wait_until_answers(url, within=within - early)


def why_closed(
    release: Roles, role: str, path: str, place: Callable[[], AbstractContextManager[Place]]
) -> DeployError | None:
    """Return why a role's Service does not answer, None when the cluster sees no cause.

    Args:
        release: just rolled out.
        role: whose Service is asked.
        path: that is asked for.
        place: makes a place in the cluster to call from, for as long as it takes.

    """
    try:
        service = release.service(role)
        [port, *_] = [p.port for p in service.ports if p.node_port] or [service.ports[0].port]
        with place() as inside:
            Reach(inside, release.kube).call(service.name, port, path)
    except _CAUSES as cause:
        return cause
    except DeployError:  # to look did not work, which is no cause
        return None
    return None
