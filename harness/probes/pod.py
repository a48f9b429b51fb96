"""A pod of our own, from which a namespace is looked at as its pods see it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.exec import Exec
from harness.kube.replace import PodsReplaced
from harness.kube.resources import EVENT, POD, Object
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.labels import MANAGED, ROLE
from harness.probes import results
from harness.redact import Redactor

_READY = 60.0
_MARGIN = 20.0  # seconds that kubectl may add to a probe's own timeout


class ProbePod:
    """A small pod that asks questions; used as a context manager, which makes and removes it.

    It carries our label and none of the release's, so that no Service of the release
    leads to it and no step takes it for a part of the release. It keeps to the restricted
    pod security standard.

    Args:
        client: of the cluster.
        kubectl: path of the program.
        namespace: where to look from; exists already.
        image: reference of the probe image, loaded into the cluster already.
        redact: applied to what an error shows.

    Raises:
        DeployError: on entering, the cause for which the pod does not become Ready.

    """

    def __init__(
        self,
        client: Kube,
        kubectl: Path,
        namespace: str,
        image: str,
        *,
        redact: Redactor | None = None,
    ) -> None:
        self.namespace, self.image = namespace, image
        self.name = f"deploy-probe-{secrets.token_hex(4)}"
        self._client = client
        self._exec = Exec(client, kubectl, redact)

    def __enter__(self) -> ProbePod:
        labels = {MANAGED: "true", ROLE: "probe", f"{ROLE}.name": self.name}
        with Watcher(self._client, self.namespace, (POD, EVENT)) as watcher:
            self._client.create(POD, pod(self.name, self.image, labels), self.namespace)
            try:
                wait_for(PodsReplaced(labels, frozenset(), 1), watcher, _READY)
            except BaseException:
                self._remove()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def dns(self, name: str, *, timeout: float = 5.0) -> results.Dns:
        """Look a name up as a pod does, search domains included."""
        return results.dns(self._ask("dns", name, timeout=timeout))

    def tcp(self, host: str, port: int, *, timeout: float = 5.0) -> results.Tcp:
        """Try to connect."""
        return results.Tcp(**self._ask("tcp", host, str(port), timeout=timeout))

    def http(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        timeout: float = 10.0,
    ) -> results.Http:
        """Send one request. Headers and body travel by standard input, seen by nobody.

        Raises ValueError when a header holds a line break.
        """
        words, stdin = [method, url], ""
        if headers or body:
            words.append("--header-stdin")
            for name, value in (headers or {}).items():
                if any(c in "\r\n" for c in name + value) or ":" in name:
                    raise ValueError(f"not a header: {name!r}")
                stdin += f"{name}: {value}\r\n"
            stdin += "\r\n"
        if body:
            words.append("--body-stdin")
            stdin += body
        return results.http(self._ask("http", *words, stdin=stdin, timeout=timeout))

    def sql(self, url: str, *, timeout: float = 10.0) -> results.Sql:
        """Connect to a PostgreSQL by its URL and ask one small question.

        The URL travels by standard input: it is in no argument list.
        """
        plain = url.partition("://")
        scheme = plain[0].partition("+")[0]  # drivers of SQLAlchemy mean nothing here
        return results.Sql(**self._ask("sql", stdin=f"{scheme}://{plain[2]}\n", timeout=timeout))

    def _ask(self, *words: str, stdin: str | None = None, timeout: float) -> dict[str, Any]:
        argv = ["/probe", *words, f"--timeout={timeout}s"]
        done = self._exec.run(
            self.namespace, self.name, argv, stdin=stdin, timeout=timeout + _MARGIN
        )
        question = " ".join(words)
        if done.exit_code != 0:
            raise results.ProbeBrokenError(question, done.stderr.strip())
        return results.read(done.stdout, question)

    def _remove(self) -> None:
        try:
            self._client.delete(POD, self.name, self.namespace, grace=0)
        except NotFoundError:
            return  # it is gone already, with its namespace perhaps
        except DeployError as error:
            error.add_note(f"the probe pod {self.name} in {self.namespace} may be left")
            raise


def pod(name: str, image: str, labels: Mapping[str, str]) -> Object:
    """Return the manifest of a probe pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["sleep"],
                    "resources": {
                        "requests": {"cpu": "5m", "memory": "16Mi"},
                        "limits": {"cpu": "200m", "memory": "64Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
