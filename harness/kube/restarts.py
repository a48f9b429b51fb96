"""Containers that were started again: why, when, and what they said before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.kube.details import Details
from harness.kube.pods import Pod


@dataclass(frozen=True)
class Restart:
    """The last end of a container that runs again, or is to (EC-4).

    Attributes:
        pod: its pod's name.
        container: its name.
        count: how often it was started again.
        exit_code: of the run that ended last.
        reason: of that end (`Error`, `OOMKilled`, `Completed`, …).
        at: API timestamp of that end.
        log: the last lines of that run, redacted.

    """

    pod: str
    container: str
    count: int
    exit_code: int | None
    reason: str
    at: str
    log: tuple[str, ...]

    def describe(self) -> str:
        """Return all of it for a report."""
        head = (
            f"{self.pod}/{self.container}: restarted {self.count} times, last at {self.at}: "
            f"{self.reason or 'no reason given'}, exit code {self.exit_code}"
        )
        return "\n".join([head, *(f"  | {line}" for line in self.log)])


def restarts(pods: Iterable[Pod], details: Details) -> list[Restart]:
    """Return what is known of each container of these pods that was started again."""
    return [
        Restart(
            pod=pod.name,
            container=container.name,
            count=container.restarts,
            exit_code=container.last_exit,
            reason=container.last_reason,
            at=container.last_finished,
            log=tuple(details.last_words(pod.obj, container)),
        )
        for pod in pods
        for container in pod.containers
        if container.restarts
    ]
