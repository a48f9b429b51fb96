"""Which Service of a release leads to people, while the release comes and goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import DeployError
from harness.kube.pods import objects_of_release
from harness.kube.resources import SERVICE, Object, name_of
from harness.tunnels.portforward import PodUnreachableError

if TYPE_CHECKING:
    from harness.kube.client import Kube

_OPEN = ("NodePort", "LoadBalancer")


@dataclass
class PublicService:
    """The one Service of a release that is open to the outside, looked for when needed.

    Args:
        client: of the cluster.
        namespace: of the release.
        release: its name.
        port: of the Service, as the project describes it.

    """

    client: Kube
    namespace: str
    release: str
    port: int
    _name: str = field(default="", init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def host(self) -> str:
        """Its name, by which any pod of the cluster finds it. Raises PodUnreachableError."""
        with self._lock:
            if not self._name:
                self._name = self._find()
            return f"{self._name}.{self.namespace}.svc"

    def forget(self) -> None:
        """Look for it anew the next time: another version of the chart may name it otherwise."""
        with self._lock:
            self._name = ""

    def _find(self) -> str:
        try:
            found = objects_of_release(self.client, SERVICE, self.namespace, self.release)
        except DeployError as error:
            raise PodUnreachableError(error.headline) from error
        fits = [s for s in found if self.port in _ports(s)]
        chosen = [s for s in fits if s["spec"].get("type") in _OPEN] or fits
        if len(chosen) != 1:
            names = ", ".join(map(name_of, found)) or "none"
            raise PodUnreachableError(
                f"no single Service of release {self.release} in {self.namespace} has port"
                f" {self.port}; there are: {names}"
            )
        return name_of(chosen[0])


def _ports(service: Object) -> set[int]:
    return {int(port["port"]) for port in service["spec"].get("ports") or ()}
