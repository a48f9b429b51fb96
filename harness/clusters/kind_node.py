"""A container that is a node of a cluster, seen from the engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.clusters.base import Engine
from harness.clusters.errors import ClusterMissingError
from harness.command import CommandFailedError, Completed, run
from harness.labels import MANAGED

_MARK = "/kind/deploy-harness-complete"


@dataclass(frozen=True)
class NodeState:
    """What the engine says of a node container.

    Attributes:
        running: whether it runs.
        ours: whether it carries our label.
        image_id: id of the image it was made from.
        ports: published ports: container port to host port.

    """

    running: bool
    ours: bool
    image_id: str
    ports: dict[int, int]


class KindNode:
    """A node's container.

    Args:
        cluster: the cluster's name.
        engine: whose container it is.
        name: of the container, and of the node; that of kind's control plane by default.

    """

    def __init__(self, cluster: str, engine: Engine, name: str = "") -> None:
        self.cluster, self._engine = cluster, engine
        self.name = name or f"{cluster}-control-plane"

    def state(self) -> NodeState | None:
        """Return what the engine says, None when there is no such container."""
        try:
            done = self._docker("container", "inspect", self.name)
        except CommandFailedError as error:
            if "no such" in error.completed.stderr.lower():
                return None
            raise
        return _state(json.loads(done.stdout)[0])

    def leftovers(self) -> list[str]:
        """Return the names of all containers that kind made for this cluster."""
        mine = f"label=io.x-k8s.kind.cluster={self.cluster}"
        done = self._docker("ps", "--all", "--filter", mine, "--format", "{{.Names}}")
        return done.stdout.split()

    def start(self) -> None:
        """Start the stopped container."""
        self._docker("start", self.name, timeout=60)

    def stop(self) -> None:
        """Stop the container; what it holds stays."""
        self._docker("stop", "--time", "20", self.name, timeout=60)

    def mark_complete(self) -> None:
        """Note in the node that the cluster was made to its end."""
        self.run("touch", _MARK)

    def is_complete(self) -> bool:
        """Return whether the cluster was made to its end."""
        return self.run("test", "-e", _MARK, check=False).returncode == 0

    def refuse_unknown_ports(self, subnet: str) -> None:
        """Have ports that no Service offers refused, instead of leaving the node.

        With iptables, kube-proxy lets such a packet pass to the node's own gateway, where
        anything may answer. What is offered was rewritten to a pod's address before.
        """
        rule = ("-d", subnet, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
        there = self.run("iptables", "--wait", "-C", "FORWARD", *rule, check=False)
        if there.returncode != 0:
            self.run("iptables", "--wait", "-I", "FORWARD", *rule)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the node's own output."""
        done = self._docker("logs", "--tail", str(lines), self.name, check=False)
        return (done.stdout + done.stderr).strip()

    def run(
        self, *argv: str, stdin: bytes | None = None, timeout: float = 60, check: bool = True
    ) -> Completed:
        """Run a program in the node. Raises CommandFailedError."""
        words = self.argv(*argv, interactive=stdin is not None)
        return run(words, timeout=timeout, stdin=stdin, check=check)

    def argv(self, *argv: str, interactive: bool = False) -> list[str]:
        """Return the argument list that runs a program in the node."""
        flags = ["--interactive"] if interactive else []
        return [str(word) for word in self._engine.argv("exec", *flags, self.name, *argv)]

    def require_running(self, needed_for: str) -> None:
        """Raise ClusterMissingError unless the node runs."""
        state = self.state()
        if state is None or not state.running:
            raise ClusterMissingError(self.cluster, needed_for)

    def _docker(self, *words: str, timeout: float = 30, check: bool = True) -> Completed:
        return run(self._engine.argv(*words), timeout=timeout, check=check)


def _state(told: dict[str, Any]) -> NodeState:
    bindings = (told.get("HostConfig") or {}).get("PortBindings") or {}
    return NodeState(
        running=bool((told.get("State") or {}).get("Running")),
        ours=((told.get("Config") or {}).get("Labels") or {}).get(MANAGED) == "true",
        image_id=str(told.get("Image", "")),
        ports=_ports(bindings),
    )


def _ports(bindings: dict[str, Sequence[dict[str, str]] | None]) -> dict[int, int]:
    found = {}
    for inner, outer in bindings.items():
        for binding in outer or ():
            if binding.get("HostPort"):
                found[int(inner.partition("/")[0])] = int(binding["HostPort"])
    return found
