"""A cluster and a registry as somebody else has them: `python -m benchmarks.shared up|down`.

Prints the options with which a run uses them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cache import Cache
from harness.clusters.kind import KindProvider
from harness.progress import Progress
from harness.registries.container import OFFICIAL, RegistryContainer
from harness.registries.login import PASSWORD, USERNAME
from harness.supply.bases import Bases
from harness.supply.engine import Engine, find_engine
from harness.supply.nodes import find_node_image
from harness.supply.tools import Tools, find_tools
from harness.tenant import BESIDE_PORTS, NODE_PORTS

_NAME = "deploy-existing"
_NETWORK = "kind"
_USERS = {"acceptance": "pulls-and-pushes"}
_HOSTS = """\
server = "http://{place}"
[host."http://{place}"]
  capabilities = ["pull", "resolve"]
"""


@dataclass
class Shared:
    """A kind cluster, a registry in its network, and how a run is told of them.

    Args:
        engine: holds both.
        tools: kind and kubectl.
        provider: of the cluster.
        registry: wants a name and password, and speaks plain HTTP.
        address: of this machine, as pods reach it.

    """

    engine: Engine
    tools: Tools
    provider: KindProvider
    registry: RegistryContainer
    address: str

    @property
    def kubeconfig(self) -> Path:
        """The cluster's."""
        return self.provider.kubeconfig

    @property
    def context(self) -> str:
        """The context in it."""
        return self.provider.context

    def options(self, database: str = "external") -> list[str]:
        """Return the options of pytest."""
        return [
            "--deploy-cluster=existing",
            f"--deploy-kubeconfig={self.kubeconfig}",
            f"--deploy-context={self.context}",
            f"--deploy-registry={self.registry.inside}/acceptance",
            f"--deploy-registry-push={self.registry.outside}/acceptance",
            f"--deploy-host-address={self.address}",
            f"--deploy-database={database}",
        ]

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that hold the login."""
        [(name, password)] = _USERS.items()
        return {USERNAME: name, PASSWORD: password}


def up(name: str = _NAME) -> Shared:
    """Return the cluster and the registry, made where they are not there."""
    environ, progress = dict(os.environ), Progress(stream=sys.stderr)
    cache = Cache.default(environ)
    engine = find_engine(environ, progress)
    tools = find_tools(engine, cache, progress, environ)
    image = find_node_image(engine, cache, progress, environ)
    provider = KindProvider(
        name,
        tools,
        engine,
        image,
        cache,
        progress,
        host_port=None,
        node_ports=NODE_PORTS + BESIDE_PORTS,
    )
    provider.ensure()
    official = Bases(engine, cache, progress, environ).ensure(OFFICIAL).ref
    registry = RegistryContainer(
        engine, official, f"{name}-registry", network=_NETWORK, users=_USERS, owner=name
    )
    registry.ensure()
    folder = f"/etc/containerd/certs.d/{registry.inside}"
    provider.on_node("mkdir", "-p", folder)
    hosts = _HOSTS.format(place=registry.inside)
    words = ("exec", "--interactive", f"{name}-control-plane", "cp", "/dev/stdin")
    engine.run(*words, f"{folder}/hosts.toml", timeout=30, stdin=hosts)
    return Shared(engine, tools, provider, registry, _gateway(engine))


def down(shared: Shared) -> None:
    """Remove both."""
    shared.registry.delete()
    shared.provider.delete()


@contextmanager
def shared(name: str = _NAME) -> Iterator[Shared]:
    """Have both for the length of a block."""
    made = up(name)
    try:
        yield made
    finally:
        down(made)


def _gateway(engine: Engine) -> str:
    """Return this machine's address in the network of the nodes."""
    [network] = [n for n in engine.sdk().networks.list(names=[_NETWORK]) if n.name == _NETWORK]
    configs = ((network.attrs or {}).get("IPAM") or {}).get("Config") or []
    return next(str(c["Gateway"]).partition("/")[0] for c in configs if "." in c.get("Gateway", ""))


def main() -> None:
    """Make them and print the options, or remove them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared", description=__doc__)
    parser.add_argument("what", choices=["up", "down"])
    words = parser.parse_args()
    made = up()
    if words.what == "down":
        down(made)
        return
    print(" ".join([*(f"{k}={v}" for k, v in made.environ.items()), *made.options()]))


if __name__ == "__main__":
    main()
