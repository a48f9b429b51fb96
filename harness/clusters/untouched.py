"""A cluster that is not there, and notes who would have used it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.clusters.base import ClusterAccess, Loaded
from harness.clusters.errors import ClusterMissingError
from harness.command import Completed


@dataclass
class Untouched:
    """In a provider's place, to see whether a run stops before it needs a cluster (EC-1).

    Making a cluster is allowed, since images and cluster are made side by side; whatever
    puts something on it is noted in `touched`, and refused.
    """

    name: str = "untouched"
    touched: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Find nothing wrong."""

    def ensure(self) -> ClusterAccess:
        """Return access to nothing."""
        nowhere = Path("/nonexistent")
        return ClusterAccess(self.name, nowhere, self.name, "none", created=False)

    def load(self, images: Sequence[str], names: Mapping[str, str] | None = None) -> Loaded:  # noqa: ARG002
        """Note it, and raise ClusterMissingError."""
        raise self._refused(f"load {', '.join(images)}")

    def endpoint(self, node_port: int) -> str:
        """Note it, and raise ClusterMissingError."""
        raise self._refused(f"reach port {node_port}")

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:  # noqa: ARG002
        """Note it, and raise ClusterMissingError."""
        raise self._refused(f"run {' '.join(argv)}")

    def machine(self, node: str) -> None:
        """Return none."""

    def stop(self) -> None:
        """Do nothing."""

    def delete(self) -> None:
        """Do nothing."""

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of it."""
        return {"provider": "none", "name": self.name}

    def _refused(self, what: str) -> ClusterMissingError:
        self.touched.append(what)
        return ClusterMissingError(self.name, f"to {what}")
