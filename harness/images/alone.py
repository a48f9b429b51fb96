"""Running an image by itself: does it start, answer, keep quiet and obey (US1.1, US1.2)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError, Fault
from harness.images import containers
from harness.images.inspect import inspect
from harness.images.running import (
    Answer,
    ContainerExitedError,
    ContainerSilentError,
    Running,
    Stopped,
)
from harness.redact import Redactor

if TYPE_CHECKING:
    from harness.supply.engine import Engine

__all__ = [
    "Alone",
    "Answer",
    "CommandInImageFailedError",
    "ContainerExitedError",
    "ContainerNotStartedError",
    "ContainerSilentError",
    "Running",
    "Stopped",
]


class ContainerNotStartedError(DeployError):
    """The engine could not start a container."""

    fault = Fault.PROJECT

    def __init__(self, image: str, reason: str) -> None:
        super().__init__(
            needed=f"a container of {image} to start",
            seen=reason,
            looked="the container engine's answer",
            fix="correct the image's entry point, user or name as the engine's words say",
        )


class CommandInImageFailedError(DeployError):
    """A command run in an image ended with an exit code other than 0."""

    fault = Fault.PROJECT

    def __init__(self, image: str, command: Sequence[str], code: int | None, log: str) -> None:
        self.code = code
        super().__init__(
            needed=f"`{' '.join(command)}` in {image} to succeed",
            seen=f"exit code {code}; its last words:\n{log}",
            looked="the container's log",
            fix="read its last words above",
        )


#: What a container may, whose image is somebody's: no more memory and processes than a pod
#: usually has, and of root's powers those by which a server binds its port and leaves root.
LIMITS: Mapping[str, Any] = {
    "mem_limit": 2 * 2**30,
    "memswap_limit": 2 * 2**30,
    "pids_limit": 1024,
    "security_opt": ["no-new-privileges"],
    "cap_drop": ["ALL"],
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"],
}


@dataclass(frozen=True)
class Alone:
    """How an image is to be run by itself.

    Args:
        engine: where to run it.
        image: the image.
        port: the port that it listens on in the container; None for a plain command.
        env: its environment, secrets included: it goes to the engine over the API,
            never through an argument list or a file.
        secrets: values to keep out of logs and errors.
        command: instead of the image's CMD.
        network: a network of the engine to join. Where it has no way out, this machine
            reaches the container at its address there.
        absent: names of others that are not there. They are known, and nobody answers at them:
            a server that looks its neighbours up when it starts would not start without.
        read_only: root file system read-only, with `tmpfs` folders to write to.

    """

    engine: Engine
    image: str
    port: int | None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    command: Sequence[str] | None = None
    network: str | None = None
    absent: Sequence[str] = ()
    read_only: bool = True
    tmpfs: Sequence[str] = ("/tmp",)  # noqa: S108 - a path in the container

    def _mode_of(self, folder: str) -> str:
        """Return options by which the image's user can write, whatever the folder below is."""
        if folder == "/tmp":  # noqa: S108 - a path in the container
            return "mode=1777"
        owner = re.fullmatch(r"(\d+)(?::(\d+))?", inspect(self.engine, self.image).user)
        if owner is None:
            return "mode=1777"
        return f"mode=1777,uid={owner[1]},gid={owner[2] or 0}"

    @contextlib.contextmanager
    def started(self) -> Iterator[Running]:
        """Start it, and remove it in the end whatever happens.

        Raises:
            ContainerNotStartedError: the engine refused.

        """
        from docker.errors import APIError, ImageNotFound

        options: dict[str, Any] = {"ports": {}, "tmpfs": {}}
        if self.port:
            options["ports"] = {f"{self.port}/tcp": ("127.0.0.1",)}
        if self.read_only:
            options["tmpfs"] = {folder: self._mode_of(folder) for folder in self.tmpfs}
        if self.absent:
            options["extra_hosts"] = dict.fromkeys(self.absent, "127.0.0.1")
        if self.network:
            options["network"] = self.network
        try:
            container = self.engine.sdk().containers.create(
                self.image,
                command=list(self.command) if self.command is not None else None,
                environment=dict(self.env),
                labels=containers.labels("", "alone"),
                read_only=self.read_only,
                **LIMITS,
                **options,
            )
        except (APIError, ImageNotFound) as error:
            raise ContainerNotStartedError(self.image, str(error.explanation)) from error
        try:
            try:
                container.start()
            except APIError as error:
                raise ContainerNotStartedError(self.image, str(error.explanation)) from error
            closed = self.network and containers.is_closed(self.engine, self.network)
            network = self.network if closed and self.network else ""
            yield Running(self.image, self.port, container, Redactor(self.secrets), network)
        finally:
            containers.remove(container)

    def to_end(self, timeout: float = 60.0) -> str:
        """Run it to its end and return its log, as for a migration.

        Args:
            timeout: seconds that it may take.

        Raises:
            ContainerNotStartedError: the engine refused.
            CommandInImageFailedError: exit code other than 0, or not done in time
                (then the code is None).

        """
        with self.started() as running:
            ended = running.watch.exited.wait(timeout)
            log = running.log()
            if not ended or running.watch.code != 0:
                last = "\n".join(log.splitlines()[-30:])
                late = "" if ended else f"\n(still running after {timeout:.0f} s)"
                raise CommandInImageFailedError(
                    self.image, self.command or (), running.watch.code, last + late
                )
            return log
