"""What every kind of cluster can do for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.command import Completed
from harness.kube.client import Kube
from harness.kube.tenancy import Tenancy

_PATIENCE = 20.0  # seconds; more than an API server on a busy machine takes to start


@dataclass(frozen=True)
class ClusterAccess:
    """How to reach a cluster that is ready.

    Attributes:
        name: the cluster's name.
        kubeconfig: a file of this cluster's own, mode 0600.
        context: the context in it.
        kubernetes_version: as the API tells it (`v1.34.4`).
        created: whether this call made it; False when it was there and is used again.
        tenancy: what namespaces get that are made on it.
        witness: says what the machine of an API that does not answer knows of it.

    """

    name: str
    kubeconfig: Path
    context: str
    kubernetes_version: str
    created: bool
    tenancy: Tenancy = field(default_factory=Tenancy)
    witness: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def client(self) -> Kube:
        """Return a client for this cluster, which waits a little for an API that restarts."""
        return Kube(
            self.kubeconfig,
            self.context,
            tenancy=self.tenancy,
            patience=_PATIENCE,
            witness=self.witness,
        )


@dataclass(frozen=True)
class Loaded:
    """What loading images came to: references, and seconds of wall time."""

    loaded: tuple[str, ...]
    already_there: tuple[str, ...]
    pruned: tuple[str, ...]
    seconds: float


class Engine(Protocol):
    """What a provider needs of the container engine."""

    @property
    def local(self) -> bool:
        """Whether it runs on this machine, and not on another one."""

    def argv(self, *words: str) -> Sequence[str]:
        """Return the argument list of the engine's client, with the engine's address."""

    def image_id(self, ref: str) -> str | None:
        """Return the id of an image that the engine holds, None when it does not."""


class Machine(Protocol):
    """A node as a machine that can be lost for a while, with all that runs on it."""

    name: str

    def pause(self) -> None:
        """Have it do nothing, and answer nobody."""

    def resume(self) -> None:
        """Have it go on; nothing happens when it does."""


class Provider(Protocol):
    """One kind of cluster."""

    def check(self) -> None:
        """Raise what `ensure` could not do either way, before anything is made."""

    def ensure(self) -> ClusterAccess:
        """Return access to a healthy cluster; make, start or mend it as needed."""

    def load(self, images: Sequence[str], names: Mapping[str, str] | None = None) -> Loaded:
        """Bring images from the engine to where the cluster's pods can use them.

        Args:
            images: as the engine names them.
            names: further names for some of them, and whose each is.

        """

    def endpoint(self, node_port: int) -> str:
        """Return `http://HOST:PORT` at which this machine reaches a Service's NodePort."""

    def on_node(self, *argv: str, node: str = "", timeout: float = 60) -> Completed:
        """Run a program on a node, by default on the first. Raises CommandFailedError."""

    def machine(self, node: str) -> Machine | None:
        """Return the machine that a node is; None when it is not ours to lose."""

    def stop(self) -> None:
        """Stop it, so that `ensure` can start it again with all it holds."""

    def delete(self) -> object:
        """Remove it with all it holds; nothing happens when it is not there."""

    def describe(self) -> Mapping[str, str]:
        """Return what a report says of it."""
