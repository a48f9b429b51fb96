"""What a watch does not tell, asked for only when a verdict needs it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.errors import NotFoundError
from harness.kube.exec_stream import stream
from harness.kube.pods import Container, containers, is_ready, same_image
from harness.kube.quantity import Capacity, capacity
from harness.kube.resources import (
    CONFIG_MAP,
    NODE,
    POD,
    SECRET,
    Object,
    Resource,
    meta,
    name_of,
    status_of,
    uid_of,
)
from harness.kube.selection import Selection, is_meant, query
from harness.kube.sockets import COMMAND, Listener, listeners
from harness.kube.state import Snapshot
from harness.redact import Redactor

_FRESH = 1.5  # seconds for which what listens in a container is not read again
_EXEC = 5.0
# What a kubelet answers, as if it were a log, when it has removed the log.
_NO_LOG = re.compile(r"failed to try resolving symlinks|unable to retrieve container logs")
_KEY_OF = re.compile(r"couldn't find key \S+ in (Secret|ConfigMap) (\S+)")


class Details:
    """Asks the API for log lines, for free room, and for what listens in a container.

    An answer that cannot be had is said to be missing and hides no verdict.
    """

    def __init__(self, client: Kube, *, redact: Redactor | None = None, lines: int = 15) -> None:
        self._client, self._redact, self._lines = client, redact or Redactor(), lines
        self._ended: dict[tuple[str, str, str], list[str]] = {}
        self._heard: dict[tuple[str, str, str], tuple[float, tuple[Listener, ...] | None]] = {}

    def last_lines(self, pod: Object, container: str, *, previous: bool = False) -> list[str]:
        """Return the last lines of a container's log, redacted.

        Args:
            pod: whose.
            container: which of its containers.
            previous: of the run before the present one, or else of the present one.

        """
        namespace = str(meta(pod).get("namespace", ""))
        for want in dict.fromkeys((previous, False)):
            query = {"container": container, "tailLines": str(self._lines)}
            if want:
                query["previous"] = "true"
            try:
                text = self._client.text(POD.path(namespace, name_of(pod), "log"), query)
            except DeployError:
                continue  # no run before this one, or not started yet
            if text.strip() and not _NO_LOG.match(text):
                return self._redact(text).rstrip().splitlines()
        return []

    def last_words(self, pod: Object, container: Container) -> list[str]:
        """Return the last lines of the run that ended last; they are read once."""
        key = (uid_of(pod), container.name, container.last_finished)
        if key not in self._ended:
            # Of a run that has ended and has no successor yet, the log is the present one.
            over = bool(container.ended)
            self._ended[key] = self.last_lines(pod, container.name, previous=not over)
        return self._ended[key]

    def listening(self, pod: Object, container: Container) -> tuple[Listener, ...] | None:
        """Return what listens in a running container's pod; None when it cannot be told.

        It is asked inside the container, whose image may lack the program for it; then it
        is not asked again.
        """
        key = (uid_of(pod), container.name, container.started)
        at, found = self._heard.get(key, (0.0, ()))
        if found is None or time.monotonic() - at < _FRESH:
            return found
        came = stream(
            self._client,
            str(meta(pod).get("namespace", "")),
            name_of(pod),
            COMMAND,
            container=container.name,
            stdin=None,
            timeout=_EXEC,
        )
        told = "local_address" in came.stdout  # the table's head
        self._heard[key] = time.monotonic(), listeners(came.stdout) if told else None
        return self._heard[key][1]

    def capacity(self) -> list[Capacity]:
        """Return each node's allocatable and requested resources; [] when it may not be read."""
        try:
            return capacity(self._client.list(NODE), self._client.list(POD))
        except DeployError:
            return []

    def images_like(self, image: str) -> list[str]:
        """Return the images of the same repository that a node has; [] when none is known."""
        repository = _repository(image)
        try:
            nodes = self._client.list(NODE)
        except DeployError:
            return []
        names = (
            n for node in nodes for i in status_of(node).get("images") or () for n in i["names"]
        )
        return sorted(
            name
            for name in set(names)
            if "@" not in name and same_image(_repository(name), repository)
        )

    def keys_beside(self, pod: Object, message: str) -> list[str]:
        """Return the keys of the Secret or ConfigMap of which a kubelet misses one."""
        named = _KEY_OF.search(message)
        if named is None:
            return []
        resource = SECRET if named[1] == SECRET.kind else CONFIG_MAP
        namespace = str(meta(pod).get("namespace", ""))
        try:
            found = self._client.get(resource, named[2].rpartition("/")[2], namespace)
        except DeployError:
            return []
        return sorted(found.get("data") or {})

    def behind(self, snapshot: Snapshot, resources: Iterable[Resource], labels: Selection) -> str:
        """Return the first object of which the API has news that no watch has told yet.

        A watch may lag behind a change that somebody else knows to be made, by moments
        on an idle machine and by more on a busy one. Returns "" when it does not.
        """
        for resource in resources:
            known = {name_of(obj): _edition(obj) for obj in snapshot.all(resource, labels)}
            try:
                found = self._client.list(resource, snapshot.namespace, labels=query(labels))
                listed = [obj for obj in found if is_meant(obj, labels)]
            except NotFoundError:
                listed = []  # this cluster has no such kind
            except DeployError as error:
                return f"{resource.plural} ({error.headline})"
            there = {name_of(obj): _edition(obj) for obj in listed}
            for name in sorted(known.keys() | there.keys()):
                if known.get(name) != there.get(name):
                    return f"{resource.kind.lower()} {name}"
        return ""

    def unready_lines(self, snapshot: Snapshot) -> list[str]:
        """Return the last log lines of each container that is not ready, for a report."""
        lines: list[str] = []
        for pod in snapshot.pods():
            if is_ready(pod):
                continue
            for container in containers(pod):
                if container.ready or container.waiting == "PodInitializing":
                    continue
                log = self.last_lines(pod, container.name)
                lines += [f"last lines of {name_of(pod)}/{container.name}:"] if log else []
                lines += [f"  {line}" for line in log]
        return lines


def _repository(image: str) -> str:
    """Return a reference without its tag and digest."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return f"{path}{slash}{last.partition(':')[0]}"


def _edition(obj: Object) -> tuple[str, int]:
    return uid_of(obj), int(meta(obj).get("generation") or 0)
