"""A container that is a node of a cluster, seen from the engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.clusters.base import Engine
from harness.clusters.errors import ClusterMissingError
from harness.command import CommandFailedError, Completed, run
from harness.errors import DeployError
from harness.labels import MANAGED
from harness.redact import Redactor

_MARK = "/kind/deploy-harness-complete"
_API_CONTAINERS = ("crictl", "ps", "--all", "--name", "^(kube-apiserver|etcd)$")


@dataclass(frozen=True)
class NodeState:
    """What the engine says of a node container.

    Attributes:
        running: whether it runs, and is not paused.
        paused: whether it is held still.
        ours: whether it carries our label.
        image_id: id of the image it was made from.
        ports: published ports: container port to host port.
        address: in the network that it shares with the other nodes; "" while it is stopped.

    """

    running: bool
    ours: bool
    image_id: str
    ports: dict[int, int]
    address: str = ""
    paused: bool = False


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
        return look(self._engine, [self.name]).get(self.name)

    def start(self) -> None:
        """Start the stopped container."""
        self._docker("start", self.name, timeout=60)

    def stop(self) -> None:
        """Stop the container; what it holds stays."""
        self._docker("stop", "--time", "20", self.name, timeout=60)

    def pause(self) -> None:
        """Hold every process of the node still, those of its pods too."""
        self._docker("pause", self.name)

    def resume(self) -> None:
        """Let it go on; nothing happens when it is not paused."""
        done = self._docker("unpause", self.name, check=False)
        if done.returncode != 0 and "not paused" not in done.stderr.lower():
            raise CommandFailedError(done, Redactor())

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

    def lead_to_api(self, service: str, port: int) -> None:
        """Have pods of a node that was started reach the API until kube-proxy leads them there.

        Whoever asks before gets no answer at all, and asks again seconds later. Rules of
        kube-proxy come before this one.
        """
        rule = ("-d", service, "-p", "tcp", "--dport", "443", "-j", "REDIRECT", "--to-ports")
        self.run("iptables", "--wait", "-t", "nat", "-A", "PREROUTING", *rule, str(port))

    def restart_kubelet(self) -> None:
        """Start the kubelet anew, now that the API answers.

        It has asked before, and after each refusal it waits twice as long.
        """
        self.run("systemctl", "restart", "kubelet")

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the node's own output."""
        done = self._docker("logs", "--tail", str(lines), self.name, check=False)
        return (done.stdout + done.stderr).strip()

    def words_of_api(self) -> str:
        """Return how the node and the containers of its API server are; raises nothing."""
        try:
            state = self.state()
            if state is None or not state.running:
                is_ = "gone" if state is None else "paused" if state.paused else "stopped"
                return f"node {self.name} is {is_}"
            told = self.run(*_API_CONTAINERS, check=False, timeout=10)
        except DeployError as error:
            return f"node {self.name} cannot be asked: {error.headline}"
        return f"node {self.name} runs, and in it:\n{(told.stdout + told.stderr).strip()}"

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


def look(engine: Engine, names: Sequence[str]) -> dict[str, NodeState]:
    """Return what the engine says of containers, by name; those that are not there are left out.

    Raises:
        CommandFailedError: the engine cannot be asked.

    """
    done = run(engine.argv("container", "inspect", *names), timeout=30, check=False)
    if done.returncode != 0 and "no such" not in done.stderr.lower():
        raise CommandFailedError(done, Redactor())
    told = {str(one["Name"]).removeprefix("/"): _state(one) for one in json.loads(done.stdout)}
    return {name: told[name] for name in names if name in told}


def _state(told: dict[str, Any]) -> NodeState:
    bindings = (told.get("HostConfig") or {}).get("PortBindings") or {}
    state = told.get("State") or {}
    networks = (told.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = [str(one["IPAddress"]) for one in networks.values() if one.get("IPAddress")]
    return NodeState(
        running=bool(state.get("Running")) and not state.get("Paused"),
        ours=((told.get("Config") or {}).get("Labels") or {}).get(MANAGED) == "true",
        image_id=str(told.get("Image", "")),
        ports=_ports(bindings),
        address=addresses[0] if addresses else "",
        paused=bool(state.get("Paused")),
    )


def _ports(bindings: dict[str, Sequence[dict[str, str]] | None]) -> dict[int, int]:
    found = {}
    for inner, outer in bindings.items():
        for binding in outer or ():
            if binding.get("HostPort"):
                found[int(inner.partition("/")[0])] = int(binding["HostPort"])
    return found
