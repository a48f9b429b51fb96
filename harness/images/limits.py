"""What one build may take of this machine, and the error of one that takes more."""

from __future__ import annotations

from dataclasses import dataclass

from harness.images.failure import BuildError, Failure
from harness.images.spec import ImageSpec
from harness.redact import Redactor

GIB, GB = 2**30, 10**9


@dataclass(frozen=True)
class Limits:
    """The limits of a build.

    Args:
        memory: bytes for each step, its processes together.
        processes: processes and threads of each step.
        written: bytes by which the engine's disk may shrink during the build.
        left_free: bytes that have to stay free there.

    """

    memory: int = 4 * GIB
    processes: int = 4096
    written: int = 20 * GB
    left_free: int = 2 * GB


@dataclass(frozen=True)
class Exceeded:
    """A limit that a build has come to: what it may, what was seen, where, and a remedy.

    Attributes:
        disk: whether the room that it has taken is to be given back.

    """

    allowed: str
    seen: str
    looked: str
    fix: str
    disk: bool = False


def memory(limits: Limits) -> Exceeded:
    """Return what is said of a step that needs more memory."""
    return Exceeded(
        f"{limits.memory / GIB:.1f} GiB of memory for each step",
        "a step came to that limit, and processes of it were killed",
        "the step's memory, as the kernel counts it",
        "have the step use less memory, or allow more: --deploy-build-memory",
    )


def processes(limits: Limits) -> Exceeded:
    """Return what is said of a step that starts more processes."""
    return Exceeded(
        f"{limits.processes} processes and threads for each step",
        "a step came to that limit, and could start no more",
        "the step's processes, as the kernel counts them",
        "see what starts them: a step that starts itself again never ends",
    )


def written(limits: Limits, lost: int) -> Exceeded:
    """Return what is said of a build that fills the disk."""
    return Exceeded(
        f"{limits.written / GB:.1f} GB of the engine's disk",
        f"the disk has {lost / GB:.1f} GB less than when it began; it was ended, and what its "
        "steps had written was removed",
        "the free space of the engine's folder",
        "see what the step writes, or allow more: --deploy-build-disk",
        disk=True,
    )


def disk_full(limits: Limits, free: int) -> Exceeded:
    """Return what is said of a build on a disk that is about to be full."""
    return Exceeded(
        f"the engine's disk as long as {limits.left_free / GB:.1f} GB of it stay free",
        f"{free / GB:.1f} GB are free; it was ended, and what its steps had written was removed",
        "the free space of the engine's folder",
        "free some room, or see what the step writes",
        disk=True,
    )


class BuildExceededError(BuildError):
    """A build has come to one of its limits."""

    def __init__(
        self,
        spec: ImageSpec,
        failure: Failure,
        exceeded: Exceeded,
        redact: Redactor,
        output: str = "",
    ) -> None:
        self.log, self.exceeded = redact(output), exceeded
        one = failure.instruction
        text = f"{one.word} {one.rest}" if one else ""
        where = f"line {one.line}, `{text[:117]}`" if one else "a step that is not known"
        super().__init__(
            needed=f"image {spec.name} to build with {exceeded.allowed}",
            seen=redact("\n".join((f"at {where}: {exceeded.seen}", *failure.lines))),
            looked=f"{spec.file}, {exceeded.looked}",
            fix=exceeded.fix,
        )
