"""A release that asks for more than the cluster has."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.kube.causes import UnschedulableError
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.namespaces import ours
from harness.kube.quantity import Capacity, capacity
from harness.kube.resources import NAMESPACE, NODE, POD
from harness.rollout import Rollout


@dataclass
class TooLarge(Fault):
    """A release of a chart, in a namespace of its own, of which no pod fits on any node.

    Args:
        rollout: installs it.
        client: of the cluster.
        chart: its folder.
        release: its name.
        namespace: made for it, and removed with all that is in it. That takes some seconds
            more, which nobody has to wait for: whoever makes it again does.
        values: given how much memory to ask for (a Kubernetes quantity, more than any
            node has), returns the values with which the pods ask for it.

    Attributes:
        cause: what the rollout ended with.
        asked: the memory, as it was asked for.
        room: what each node had before.
        seconds: from the beginning of the rollout until it ended with that.

    """

    rollout: Rollout
    client: Kube
    chart: Path
    release: str
    namespace: str
    values: Callable[[str], Mapping[str, Any]]
    cause: UnschedulableError | None = field(default=None, init=False)
    asked: str = field(default="", init=False)
    room: list[Capacity] = field(default_factory=list, init=False)
    seconds: float = field(default=0.0, init=False)

    def describe(self) -> str:
        """Return what is broken."""
        return f"release {self.release} asks for {self.asked} of memory, more than any node has"

    def room_now(self) -> list[Capacity]:
        """Return what each node has at this moment."""
        return capacity(self.client.list(NODE), self.client.list(POD))

    def _break(self) -> None:
        self.room = self.room_now()
        most = max(node.allocatable["memory"] for node in self.room)
        self.asked = f"{int(most / 2**20) + 1024}Mi"
        started = time.monotonic()
        try:
            self.rollout.run(self.chart, self.release, self.namespace, self.values(self.asked))
        except UnschedulableError as error:
            self.cause = error
        self.seconds = time.monotonic() - started

    def _check(self) -> None:
        if self.cause is None:
            raise FaultWithoutEffectError(
                self.describe(),
                "its pods to find no place",
                "it was rolled out",
                "\n".join(node.describe() for node in self.room),
            )

    def _mend(self) -> None:
        with contextlib.suppress(NotFoundError):
            if self.namespace in ours(self.client):
                self.client.delete(NAMESPACE, self.namespace)
