"""What a namespace looked like when something went wrong, as files for a person."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from harness.errors import DeployError
from harness.kube.client import Kube
from harness.kube.details import Details
from harness.kube.endpoints import ready_endpoints, service_findings
from harness.kube.errors import ApiUnreachableError
from harness.kube.finding import Finding, Patience
from harness.kube.health import pod_findings
from harness.kube.jobs import job_failed
from harness.kube.logs import logs
from harness.kube.pods import Container, containers, describe_pod
from harness.kube.resources import (
    CONFIG_MAP,
    ENDPOINT_SLICE,
    JOB,
    NODE,
    QUOTA,
    RELEASE,
    SECRET,
    SERVICE,
    Object,
    Resource,
    meta,
    name_of,
)
from harness.kube.state import Snapshot
from harness.kube.waits import event_line
from harness.redact import MASK, Redactor

_LOG_LINES = 500
_NOISE = ("managedFields",)
# Keys of Secrets whose values are words that any message may contain.
_NO_SECRET = re.compile(r"(?i)(?:^|[._-])(?:user(?:name)?|host|port|db|database|name|namespace)$")
T = TypeVar("T")


@dataclass(frozen=True)
class Diagnosis:
    """A written bundle.

    Attributes:
        folder: where its files lie; `summary.txt` is the one to read first.
        causes: what was found wrong, the surest first, one line each.
        unread: what could not be had, and why; nothing is left out in silence.

    """

    folder: Path
    causes: tuple[str, ...]
    unread: tuple[str, ...]


def write(
    folder: Path,
    client: Kube,
    namespace: str,
    *,
    redact: Redactor,
    error: DeployError | None = None,
) -> Diagnosis:
    """Write all that the cluster tells of a namespace into a folder.

    `summary.txt` has the causes first, then pods, endpoints, nodes and events in order;
    `objects/` each object, values of Secrets masked; `logs/` each container's present and
    previous log. All of it is redacted; `redact` learns the values of the namespace's
    Secrets. What cannot be read is said, and stops nothing.

    Args:
        folder: made if missing.
        client: of the cluster.
        namespace: which one.
        redact: knows this run's secrets.
        error: the error that led here, told first.

    """
    reader = _Reader(client, namespace)
    objects = [obj for kind in (*RELEASE, CONFIG_MAP, SECRET, QUOTA) for obj in reader.list(kind)]
    redact.add(*(value for obj in objects for value in secret_values(obj)))
    snapshot = Snapshot.of(objects, namespace=namespace)
    details = Details(client, redact=redact)
    found = _findings(snapshot, details)
    causes = tuple(
        redact(finding.cause(details).headline)
        for finding in sorted(found, key=lambda finding: finding.seconds)
    )
    for pod in snapshot.pods():
        for container in containers(pod):
            _write_logs(folder / "logs", reader, pod, container, redact)
    nodes = reader.list(NODE)
    for obj in (*objects, *nodes):
        if obj["kind"] != "Event" and not _is_helms(obj):
            file = folder / "objects" / f"{obj['kind'].lower()}-{name_of(obj)}.yaml"
            # Long lines stay whole: a secret that is broken in two would not be found.
            _save(file, redact(yaml.safe_dump(without_values(obj), sort_keys=False, width=2**20)))
    summary = _summary(snapshot, found, causes, error, nodes, reader.unread)
    _save(folder / "summary.txt", redact("\n".join(summary) + "\n"))
    return Diagnosis(folder, causes, tuple(reader.unread))


def _findings(snapshot: Snapshot, details: Details) -> list[Finding]:
    """Return what is, or may become, hopeless about pods, Jobs and Services."""
    patience = Patience()
    found = [f for p in snapshot.pods() for f in pod_findings(p, snapshot, patience, details)]
    found += [f for job in snapshot.all(JOB) for f in job_failed(job, snapshot)]
    for service in snapshot.all(SERVICE):
        found += service_findings(service, snapshot, patience, rolled_out=True)
    return found


class _Reader:
    """Reads what it can, and keeps what it could not. A silent API is asked once."""

    def __init__(self, client: Kube, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self.unread: list[str] = []
        self._silent: DeployError | None = None

    def _ask(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        if self._silent is None:
            try:
                return ask()
            except ApiUnreachableError as error:
                self._silent = error
                self.unread.append(f"{what}: {error.headline}")
            except DeployError as error:
                self.unread.append(f"{what}: {error.headline}")
        else:
            self.unread.append(f"{what}: not asked, since the API does not answer")
        return otherwise

    def list(self, resource: Resource) -> Sequence[Object]:
        nothing: Sequence[Object] = ()
        return self._ask(
            resource.plural, lambda: self._client.list(resource, self._namespace), nothing
        )

    def log(self, pod: str, container: str, *, previous: bool) -> str:
        def ask() -> str:
            return logs(
                self._client,
                self._namespace,
                pod,
                container,
                previous=previous,
                tail=_LOG_LINES,
                timestamps=True,
            )

        which = "previous log" if previous else "log"
        return self._ask(f"{which} of {pod}/{container}", ask, "")


def _write_logs(
    folder: Path, reader: _Reader, pod: Object, container: Container, redact: Redactor
) -> None:
    if not container.running and container.last_exit is None:
        return  # it has not begun, so there is no log
    name = name_of(pod)
    _save(
        folder / f"{name}-{container.name}.log",
        redact(reader.log(name, container.name, previous=False)),
    )
    if container.restarts:
        text = reader.log(name, container.name, previous=True)
        _save(folder / f"{name}-{container.name}-previous.log", redact(text))


def _summary(
    snapshot: Snapshot,
    found: Sequence[Finding],
    causes: Sequence[str],
    error: DeployError | None,
    nodes: Sequence[Object],
    unread: Sequence[str],
) -> list[str]:
    lines = [f"namespace {snapshot.namespace} at {snapshot.now:%Y-%m-%d %H:%M:%S} UTC", ""]
    if error is not None:
        lines += ["THE ERROR", *_indented(str(error)), ""]
    lines += ["CAUSES", *_indented("\n".join(causes) or "none that we know"), ""]
    pods = [describe_pod(pod) for pod in snapshot.pods()]
    lines += ["PODS", *_indented("\n".join(pods) or "none"), ""]
    slices = snapshot.all(ENDPOINT_SLICE)
    services = [
        f"{name_of(s)} ({(s.get('spec') or {}).get('type')}): "
        f"{', '.join(ready_endpoints(s, slices)) or 'NO READY ENDPOINT'}"
        for s in snapshot.all(SERVICE)
    ]
    lines += ["SERVICES AND THEIR READY ENDPOINTS", *_indented("\n".join(services) or "none"), ""]
    lines += ["NODES", *_indented("\n".join(map(_node_line, nodes)) or "unknown"), ""]
    events = [event_line(event) for event in snapshot.events()]
    lines += ["EVENTS", *_indented("\n".join(events) or "none"), ""]
    if unread:
        lines += ["COULD NOT BE READ", *_indented("\n".join(unread)), ""]
    if found:
        lines += ["see logs/ for what the containers of these pods wrote"]
    return lines


def _node_line(node: Object) -> str:
    told = (node.get("status") or {}).get("conditions") or ()
    return f"{name_of(node)}: " + ", ".join(f"{c.get('type')}={c.get('status')}" for c in told)


def without_values(obj: Object) -> Object:
    """Return an object without noise, and a Secret without its values."""
    clean = dict(obj)
    clean["metadata"] = {k: v for k, v in meta(obj).items() if k not in _NOISE}
    if obj.get("kind") == SECRET.kind:
        for part in ("data", "stringData"):
            if obj.get(part):
                clean[part] = dict.fromkeys(obj[part], MASK)
        notes = clean["metadata"].get("annotations")
        if notes:  # kubectl repeats the whole object in one
            clean["metadata"]["annotations"] = dict.fromkeys(notes, MASK)
    return clean


def secret_values(obj: Object) -> Iterator[str]:
    """Yield what a Secret holds, apart from what is only a name, and from Helm's own notes."""
    if obj.get("kind") != SECRET.kind or _is_helms(obj):
        return
    for key, value in (obj.get("data") or {}).items():
        if not _NO_SECRET.search(key):
            with contextlib.suppress(ValueError):
                yield base64.b64decode(value).decode(errors="ignore")


def _is_helms(obj: Object) -> bool:
    """Return whether an object is where Helm keeps a revision: only Helm can read it."""
    return str(obj.get("type", "")).startswith("helm.sh/")


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _save(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
