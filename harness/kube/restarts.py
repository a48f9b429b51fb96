"""Containers that were started again: why, when, and what they said before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.kube.details import Details
from harness.kube.pods import Pod


@dataclass(frozen=True)
class Restart:
    """The last end of a container that runs again, or is to (EC-4).

    Attributes:
        pod: its pod's name.
        container: its name.
        count: how often it was started again, since the moment that was asked for.
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
        times = "once" if self.count == 1 else f"{self.count} times"
        head = (
            f"{self.pod}/{self.container}: restarted {times}, last at {self.at}: "
            f"{self.reason or 'no reason given'}, exit code {self.exit_code}"
        )
        return "\n".join([head, *(f"  | {line}" for line in self.log)])


#: How often containers had been started again at some moment, by the pod's uid and their name.
Counts = Mapping[tuple[str, str], int]


def restart_counts(pods: Iterable[Pod]) -> Counts:
    """Return how often each container of these pods was started again until now."""
    return {
        (pod.uid, container.name): container.restarts
        for pod in pods
        for container in pod.containers
    }


def restarts(pods: Iterable[Pod], details: Details, since: Counts | None = None) -> list[Restart]:
    """Return what is known of each container of these pods that was started again.

    Args:
        pods: whose containers.
        details: answers what the last run of each said.
        since: counts of an earlier moment; what they hold is not told again. A container
            that they do not know counts from its first start.

    """
    known = since or {}
    return [
        Restart(
            pod=pod.name,
            container=container.name,
            count=count,
            exit_code=container.last_exit,
            reason=container.last_reason,
            at=container.last_finished,
            log=tuple(details.last_words(pod.obj, container)),
        )
        for pod in pods
        for container in pod.containers
        if (count := container.restarts - known.get((pod.uid, container.name), 0)) > 0
    ]
