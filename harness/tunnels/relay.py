"""A small pod of ours that connects to Services as any pod does, for this machine's sake."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.kube.errors import ConflictError
from harness.kube.pods import is_deleted, is_ready
from harness.kube.replace import PodsReplaced
from harness.kube.resources import DEPLOYMENT, EVENT, POD, Object, name_of
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED, ROLE
from harness.probes.pod import pod
from harness.tunnels.portforward import PodConnection, PodUnreachableError

if TYPE_CHECKING:
    from harness.kube.client import Kube

NAME = "deploy-relay"
_PORT = 8080
_LABELS = {MANAGED: "true", ROLE: "relay"}
_READY = 120.0  # seconds: it may be the first image that a node pulls from a registry
_AGAIN = 15.0  # seconds in which a pod that has gone is followed by another
_PAUSE = 0.2
_HEAD = 64 * 1024


@dataclass
class Relay:
    """The relay of one namespace; it serves any Service that pods there may call.

    A port-forward alone ends at one pod, past the Service: it would break when the pod is
    replaced, and prove nothing of the Service. The relay is replaced by nobody, and calls
    the Service by its name for each connection.

    Args:
        client: of the cluster.
        namespace: where it runs; one of ours.
        image: of the probe, as the cluster's nodes pull it.

    """

    client: Kube
    namespace: str
    image: str
    _pod: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def ensure(self) -> None:
        """Have it run. Raises the DeployError of what keeps it, such as an image pull."""
        with Watcher(self.client, self.namespace, (POD, EVENT)) as watcher:
            with contextlib.suppress(ConflictError):
                self.client.create(DEPLOYMENT, deployment(self.image), self.namespace)
            wait_for(PodsReplaced(_LABELS, frozenset(), 1), watcher, _READY)

    def connect(self, host: str, port: int) -> PodConnection:
        """Return a connection to a host and port as pods see them.

        Raises:
            PodUnreachableError: says which part of the way failed.

        """
        deadline = time.monotonic() + _AGAIN
        while True:
            try:
                found = self._find()
                connection = PodConnection(self.client, self.namespace, found, _PORT)
            except PodUnreachableError:
                with self._lock:
                    self._pod = ""  # it may have been replaced: look again
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
                continue
            try:
                self._ask(connection, f"{host}:{port}")
            except BaseException:
                connection.close()
                raise
            return connection

    def _find(self) -> str:
        with self._lock:
            if not self._pod:
                labels = ",".join(f"{key}={value}" for key, value in _LABELS.items())
                pods = self.client.list(POD, self.namespace, labels=labels)
                ready = [name_of(p) for p in pods if is_ready(p) and not is_deleted(p)]
                if not ready:
                    raise PodUnreachableError(f"no pod of {NAME} is ready in {self.namespace}")
                self._pod = ready[0]
            return self._pod

    def _ask(self, connection: PodConnection, target: str) -> None:
        connection.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        said = b""
        while b"\r\n\r\n" not in said and len(said) < _HEAD:
            if not (more := connection.receive()):
                raise PodUnreachableError(f"the relay in {self.namespace} ended the connection")
            said += more
        head, _, rest = said.partition(b"\r\n\r\n")
        words = head.split(b"\r\n")[0].split(b" ", 2)
        if len(words) < 2 or words[1] != b"200":
            reason = rest.decode(errors="replace").strip() or head.decode(errors="replace")
            raise PodUnreachableError(f"from {self.namespace}, {target}: {reason}")
        connection.put_back(rest)


def deployment(image: str) -> Object:
    """Return the manifest: one pod, and another when it is lost."""
    labels: Mapping[str, str] = _LABELS
    template = pod("", image, labels)
    [container] = template["spec"]["containers"]
    container |= {"name": "relay", "args": ["relay", str(_PORT)]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": dict(labels)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": template["spec"]},
        },
    }
