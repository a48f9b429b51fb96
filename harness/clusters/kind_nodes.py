"""All nodes of a kind cluster: containers that are started, stopped and looked at together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.clusters.base import Engine
from harness.clusters.errors import ClusterMissingError
from harness.clusters.kind_node import KindNode, NodeState, look
from harness.command import run
from harness.jobs import side_by_side


@dataclass(frozen=True)
class Started:
    """Nodes that were started at a moment; what was known of them before counts no more."""

    at: datetime
    names: frozenset[str]

    @classmethod
    def now(cls, names: Iterable[str]) -> Started:
        """Return that these are started now; to the second, as the API tells its times."""
        return cls(datetime.now(UTC).replace(microsecond=0), frozenset(names))


@dataclass(frozen=True)
class KindNodes:
    """The nodes that a cluster is to have; the first is the control plane.

    Args:
        cluster: the cluster's name.
        engine: whose containers they are.
        count: how many nodes, the control plane among them.

    """

    cluster: str
    engine: Engine
    count: int = 1

    def __iter__(self) -> Iterator[KindNode]:
        return (KindNode(self.cluster, self.engine, name) for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that kind gives to the containers and to the nodes, in kind's order."""
        workers = (f"worker{number if number > 1 else ''}" for number in range(1, self.count))
        return tuple(f"{self.cluster}-{role}" for role in ("control-plane", *workers))

    @property
    def first(self) -> KindNode:
        """The control plane."""
        return KindNode(self.cluster, self.engine, self.names[0])

    def look(self) -> dict[str, NodeState]:
        """Return the state of every node that there is, wanted or not, by name in kind's order."""
        mine = f"label=io.x-k8s.kind.cluster={self.cluster}"
        words = self.engine.argv("ps", "--all", "--filter", mine, "--format", "{{.Names}}")
        found = run(words, timeout=30).stdout.split()
        return look(self.engine, list(dict.fromkeys([*self.names, *sorted(found)])))

    def require_running(self, needed_for: str) -> None:
        """Raise ClusterMissingError unless all of them run."""
        there = self.look()
        if not all(name in there and there[name].running for name in self.names):
            raise ClusterMissingError(self.cluster, needed_for)

    def start(self) -> Started | None:
        """Have all of them run; return which had to be started, None when none had to.

        One that is only paused goes on where it was.
        """
        states = {name: state for name, state in self.look().items() if not state.running}
        started = Started.now(name for name, state in states.items() if not state.paused)
        side_by_side(self._have_run, list(states.items()))
        return started if started.names else None

    def stop(self) -> None:
        """Stop all of them that run; what they hold stays."""
        running = {name for name, state in self.look().items() if state.running}
        side_by_side(KindNode.stop, [node for node in self if node.name in running])

    def _have_run(self, one: tuple[str, NodeState]) -> None:
        name, state = one
        node = KindNode(self.cluster, self.engine, name)
        if state.paused:
            node.resume()
        else:
            node.start()
