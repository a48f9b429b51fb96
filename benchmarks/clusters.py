"""Clusters: made, stopped and woken, until their API and their DNS answer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.loading import loading
from benchmarks.result import Result
from harness.cache import Cache
from harness.clusters.kind import KindProvider
from harness.clusters.minikube import MinikubeProvider
from harness.command import run
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply.engine import Engine, find_engine
from harness.supply.minikubebase import BASE
from harness.supply.nodes import find_node_image
from harness.supply.tools import find_minikube, find_tools
from harness.tenant import BESIDE_PORTS, NODE_PORTS

_NAME = "deploy-bench-create"
_MINIKUBE = "deploy-bench-minikube"


@dataclass
class _Silent:
    """A stream that keeps nothing."""

    lines: list[str] = field(default_factory=list)

    def write(self, text: str, /) -> None:
        self.lines.append(text)

    def flush(self) -> None:
        """Nothing is held back."""


def creating(times: int) -> Iterator[Result]:
    """Measure a cluster's life with the node image that this machine has."""
    environ, progress = dict(os.environ), Progress(stream=_Silent())
    cache = Cache.default(environ)
    engine = find_engine(environ, progress)
    tools = find_tools(engine, cache, progress, environ)
    provider = KindProvider(
        _NAME,
        tools,
        engine,
        find_node_image(engine, cache, progress, environ),
        cache,
        progress,
        host_port=None,
        node_ports=NODE_PORTS + BESIDE_PORTS,
    )
    api, dns = [], []
    for _ in range(times):
        provider.delete()
        started = time.monotonic()
        answered = _Answering(engine, started)
        provider.ensure()
        dns.append(time.monotonic() - started)
        answered.join()
        api.append(answered.seconds)
    yield Result("kind create to API healthy", tuple(api), "s", 12, "/readyz, asked from outside")
    yield Result("kind create to DNS answering", tuple(dns), "s", 14, "CoreDNS ready")
    yield Result(
        "restart to DNS answering", tuple(_restarts(provider, times)), "s", 8, "stopped, then woken"
    )
    yield from loading(provider, tools.kind, engine, cache, progress, times)
    provider.delete()


def _restarts(provider: KindProvider, times: int) -> Iterator[float]:
    for _ in range(times):
        provider.stop()
        started = time.monotonic()
        if provider.ensure().created:
            raise RuntimeError("the stopped cluster was not woken, but made anew")
        yield time.monotonic() - started


def beside(times: int) -> Iterator[Result]:
    """Measure Minikube the same way, if `DEPLOY_CLUSTER=minikube make prepare` has made it ready.

    And a stopped cluster that is started again.
    """
    environ, progress = dict(os.environ), Progress(stream=_Silent())
    cache = Cache.default(environ)
    engine = find_engine(environ, progress)
    try:
        provider = MinikubeProvider(
            _MINIKUBE,
            find_minikube(cache, progress, environ),
            engine,
            find_node_image(engine, cache, progress, environ, BASE),
            cache,
            progress,
            host_port=None,
            node_ports=NODE_PORTS + BESIDE_PORTS,
        )
    except DeployError:
        return
    made, again = [], []
    for _ in range(times):
        provider.delete()
        made.append(_seconds(provider.ensure))
        provider.stop()
        again.append(_seconds(provider.ensure))
    provider.delete()
    yield Result("minikube start to DNS answering", tuple(made), "s", 25, "CoreDNS ready")
    yield Result(
        "minikube stopped to DNS answering", tuple(again), "s", None, "minikube start again"
    )


def _seconds(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


class _Answering(threading.Thread):
    """Asks the node's API, inside the node, until it says that it is ready."""

    def __init__(self, engine: Engine, started: float) -> None:
        super().__init__(daemon=True)
        self._engine, self._begun, self.seconds = engine, started, float("nan")
        self.start()

    def run(self) -> None:
        argv = ("exec", f"{_NAME}-control-plane", "kubectl", "get", "--raw=/readyz")
        config = "--kubeconfig=/etc/kubernetes/admin.conf"
        while time.monotonic() - self._begun < 300:
            asked = run(self._engine.argv(*argv, config), timeout=20, check=False)
            if asked.returncode == 0 and asked.stdout.strip() == "ok":
                self.seconds = time.monotonic() - self._begun
                return
            time.sleep(0.2)
