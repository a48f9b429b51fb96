"""The sign by which other runs see that one is alive."""

from __future__ import annotations

import contextlib
import getpass
import re
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.errors import DeployError
from harness.kube.errors import ConflictError
from harness.kube.resources import LEASE, NAMESPACE, Object, meta
from harness.labels import MANAGED

if TYPE_CHECKING:
    from harness.kube.client import Kube

NAME = "deploy-run"
#: Seconds without a sign after which a run counts as dead, and between two signs.
EXPIRES = 60.0
RENEW = 10.0


@dataclass
class Heartbeat:
    """A Lease in one of the run's namespaces, renewed until it is stopped.

    Args:
        client: of the cluster.
        namespace: one of ours.
        owner: whose run it is.
        every: seconds between two signs.

    """

    client: Kube
    namespace: str
    owner: str
    every: float = RENEW
    _stop: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _thread: threading.Thread | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Give the first sign, and then one after the other. Raises what the API refuses."""
        spec = {
            "holderIdentity": self.owner,
            "leaseDurationSeconds": int(EXPIRES),
            "acquireTime": _now(),
            "renewTime": _now(),
        }
        lease = {
            "apiVersion": LEASE.api,
            "kind": LEASE.kind,
            "metadata": {"name": NAME, "labels": {MANAGED: "true"}},
            "spec": spec,
        }
        try:
            self.client.create(LEASE, lease, self.namespace)
        except ConflictError:
            self.client.patch(LEASE, NAME, {"spec": spec}, self.namespace)
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give no further sign."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def _beat(self) -> None:
        while not self._stop.wait(self.every):
            # One sign that does not come through is no matter; the next may.
            with contextlib.suppress(DeployError):
                change = {"spec": {"renewTime": _now()}}
                self.client.patch(LEASE, NAME, change, self.namespace)


def seen_at(obj: Object) -> datetime:
    """Return when an object was last written, by the clock of the cluster.

    Whatever a run's own clock says does not count: machines' clocks differ.
    """
    times = [str(meta(obj)["creationTimestamp"])]
    times += [
        str(entry["time"]) for entry in meta(obj).get("managedFields") or () if "time" in entry
    ]
    return max(datetime.fromisoformat(time) for time in times)


def server_time(client: Kube) -> datetime:
    """Return the time by the cluster's clock, in its answer to a question that changes nothing."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"generateName": "deploy-clock-"},
    }
    return seen_at(client.json("POST", NAMESPACE.path(), query={"dryRun": "All"}, body=body))


def owner_here() -> str:
    """Return user and machine, as a label's value."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "nobody"
    words = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{user}_{socket.gethostname()}")[:63]
    return words.strip("_.-") or "somebody"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
