"""A pod of our own that runs one program to its end, whatever that is."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.errors import NotFoundError
from harness.kube.pods import describe_pod
from harness.kube.resources import EVENT, POD, status_of
from harness.kube.state import Snapshot
from harness.kube.waits import Hopeless, Pending, Ready, Verdict, WaitTimeoutError, wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED, ROLE
from harness.probes.pod import pod

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Ended:
    """A pod has ended: `Succeeded` or `Failed`, as is wanted."""

    name: str
    phase: str

    def describe(self) -> str:
        """Return what is waited for."""
        return f"pod {self.name} to have {self.phase.lower()}"

    def evaluate(self, snapshot: Snapshot, details: Details) -> Verdict:  # noqa: ARG002
        """Judge the one pod by its phase; the other end is hopeless."""
        obj = snapshot.get(POD, self.name)
        if obj is None:
            return Pending("it is not there yet")
        phase, seen = status_of(obj).get("phase"), describe_pod(obj)
        if phase == self.phase:
            return Ready()
        if phase in ("Succeeded", "Failed"):
            where = f"pod {self.name} in namespace {snapshot.namespace}"
            return Hopeless(WaitTimeoutError(self.describe(), 0, seen, "", where))
        return Pending(seen)


@contextlib.contextmanager
def ended_pod(
    client: Kube, namespace: str, image: str, program: Sequence[str], phase: str
) -> Iterator[str]:
    """Have a pod that has run one program; yields its name, which says nothing of the program.

    Args:
        client: of the cluster.
        namespace: where; exists already.
        image: loaded into the cluster already.
        program: its words, the first being a path in the image.
        phase: how it is to end: `Succeeded` or `Failed`.

    Raises:
        WaitTimeoutError: it does not end so.

    """
    name = f"worker-{secrets.token_hex(4)}"
    manifest = pod(name, image, {MANAGED: "true", ROLE: "ended"})
    manifest["spec"]["restartPolicy"] = "Never"
    (container,) = manifest["spec"]["containers"]
    container["name"] = "worker"
    container["command"], container["args"] = [program[0]], list(program[1:])
    with Watcher(client, namespace, (POD, EVENT)) as watcher:
        try:
            client.create(POD, manifest, namespace)
            wait_for(Ended(name, phase), watcher, _TIMEOUT)
            yield name
        finally:
            with contextlib.suppress(NotFoundError):
                client.delete(POD, name, namespace, grace=0)
