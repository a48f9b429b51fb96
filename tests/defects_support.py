"""Releases that are broken in one way each, rolled out for real, and what was said of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import DeployError
from harness.helm import Helm
from harness.helm.values import merged
from harness.kube import causes
from harness.kube.client import Kube
from harness.kube.deaths import Death, deaths
from harness.kube.pods import INSTANCE
from harness.kube.resources import labels_of, owner_uids, status_of, uid_of
from harness.kube.state import Change, parse_time
from harness.kube.watch import Watcher
from harness.progress import Progress
from harness.redact import Redactor
from harness.rollout import Rollout

Values = dict[str, Any]
CHART = Path(__file__).parent / "charts" / "defects"
_AT_ONCE = 10  # rollouts side by side
_TIMEOUT = 45.0

# Says when it ends, as its last words.
_DIES = "import sys, time; print('cannot go on', flush=True); time.sleep(0.2); "
_DIES += "print(f'ends at {time.time()}', flush=True); sys.exit(3)"
_SERVES = """
import http.server, os, pathlib, sys, time
once = pathlib.Path("/once/died")
if os.environ.get("DIES_ONCE") and not once.exists():
    once.touch()
    print(f"ends at {time.time()}", flush=True)
    sys.exit(3)
began = time.monotonic()
time.sleep(float(os.environ.get("SILENT", "0")))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        busy = time.monotonic() - began < float(os.environ.get("BUSY", "0"))
        self.send_response(404 if self.path != "/ready" else 503 if busy else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
server = http.server.HTTPServer((host, port), Answer)
print(f"serving on http://{host}:{port}", flush=True)
server.serve_forever()
"""
_EATS = "import time; eaten = [bytearray(b'x' * 2**20) for _ in range(256)]; time.sleep(60)"


def python(script: str) -> Values:
    return {"command": ["python3", "-c", script]}


def serving(path: str = "/ready", port: int = 8000, **env: str) -> Values:
    """Return a container that serves HTTP, and a probe of it."""
    return python(_SERVES) | {
        "resources": {"requests": {"cpu": "1m"}},
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "readinessProbe": {"httpGet": {"path": path, "port": port}, "periodSeconds": 1},
    }


def once(container: Values, *, kind: str = "Job", **meta: Any) -> Values:
    """Return a Job, or a bare pod, of one container."""
    spec: Values = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    spec |= {"containers": [{"name": "main"} | container]}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": spec}
    job = {"backoffLimit": 0, "template": {"spec": spec}}
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": meta, "spec": job}


def service(port: int | str = 8000, **selector: str) -> Values:
    ports = [{"port": 80, "targetPort": port}]
    return {"apiVersion": "v1", "kind": "Service", "spec": {"selector": selector, "ports": ports}}


@dataclass(frozen=True)
class Defect:
    """One way to be broken, and what has to be said of it.

    Attributes:
        name: of the release.
        values: for the chart.
        cause: the class of the error; None when the rollout has to end well.
        words: what the message has to contain.
        event: what the time to the report is counted from: the reason of the first event
            of the release, `death` for the last end of a container, a condition's type,
            or `Service` for its creation.
        strict: whether it goes to the namespace that admits restricted pods only.

    """

    name: str
    values: Values
    cause: type[DeployError] | None
    words: tuple[str, ...]
    event: str
    strict: bool = False


_KEY = {"secretKeyRef": {"name": "settings", "key": "url"}}
_RUNTIME = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "nobody"}
_HOOK = {"annotations": {"helm.sh/hook": "pre-install"}}
_GONE = {
    "annotations": {"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "hook-failed"}
}
_QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "spec": {"hard": {"pods": "0"}, "scopes": ["BestEffort"]},  # the others ask for something
}
_PORTS = {"ports": [{"name": "http", "containerPort": 8000}]}


def defects(runtime: str = "nobody") -> Sequence[Defect]:
    """Return all of them; `runtime` is a name for a RuntimeClass of their own."""
    good, dies, eats = serving(), python(_DIES), python(_EATS)
    small = {"resources": {"requests": {"cpu": "1m"}}}
    return (
        Defect(
            "image-never", {"container": small | {"image": "nobody/nothing:1", "imagePullPolicy": "Never"}},
            causes.ImagePullError, ("ErrImageNeverPull", "nobody/nothing:1", "main"), "ErrImageNeverPull",
        ),
        Defect(
            "image-pull", {"container": small | {"image": "registry.invalid/nothing:1"}},
            causes.ImagePullError, ("registry.invalid/nothing:1", "no such host"), "Failed",
        ),
        Defect(
            "crash", {"container": dies | small},
            causes.CrashLoopError, ("exit code 3", "after 1 restart", "| cannot go on"), "death",
        ),
        Defect(
            "crash-module", {"container": python("import nobody_has_this") | small},
            causes.CrashLoopError, ("exit code 1", "No module named 'nobody_has_this'"), "death",
        ),
        Defect(
            "memory", {"container": eats | {"resources": {"limits": {"memory": "40Mi"}}}},
            causes.OutOfMemoryError, ("OOMKilled at a limit of 40Mi",), "death",
        ),
        Defect(
            "no-command", {"container": small | {"command": ["/nowhere"]}},
            causes.ContainerStartError, ("/nowhere",), "Failed",
        ),
        Defect(
            "missing-key",
            {"container": good | {"env": [{"name": "URL", "valueFrom": _KEY}]},
             "objects": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings"}, "stringData": {"uri": "x"}}]},
            causes.ContainerConfigError, ("missing: key url in Secret settings",), "Failed",
        ),
        Defect(
            "too-large", {"container": good | {"resources": {"requests": {"cpu": "64"}}}},
            causes.UnschedulableError, ("cpu 64000m", "Insufficient cpu", "free cpu"), "FailedScheduling",
        ),
        Defect(
            "probe-path", {"container": serving("/nope")},
            causes.ProbeFailingError, ("readiness probe", "statuscode: 404"), "Unhealthy",
        ),
        Defect(
            "probe-port", {"container": serving(port=8001)},
            causes.ProbePortError, ("nobody listens on port 8001; it listens on 0.0.0.0:8000",), "Unhealthy",
        ),
        Defect(
            "probe-localhost", {"container": serving(HOST="127.0.0.1")},
            causes.ProbePortError, ("port 8000 is open on 127.0.0.1:8000 only",), "Unhealthy",
        ),
        Defect(
            "job", {"objects": [once(dies)]},
            causes.JobFailedError, ("BackoffLimitExceeded", "| cannot go on"), "Failed condition",
        ),
        Defect(
            "hook", {"objects": [once(dies, **_HOOK)]},
            causes.HookFailedError, ("pre-install hook", "| cannot go on"), "Failed condition",
        ),
        Defect(
            "hook-gone", {"objects": [once(dies, **_GONE)]},
            causes.HookFailedError, ("pre-install hook",), "death",
        ),
        Defect(
            "hook-pod", {"objects": [once(dies, kind="Pod", **_HOOK)]},
            causes.HookFailedError, ("pre-install hook", "exit code 3"), "death",
        ),
        Defect(
            "quota", {"container": python(_SERVES), "objects": [_QUOTA]},
            causes.PodRefusedError, ("exceeded quota: quota",), "FailedCreate",
        ),
        Defect(
            "admission", {"container": good},
            causes.PodRefusedError, ('violates PodSecurity "restricted',), "FailedCreate", strict=True,
        ),
        Defect(
            "selector", {"container": good, "objects": [service(app="nobody")]},
            causes.NoEndpointsError, ("no pod carries app=nobody", "app': 'selector'"), "Service",
        ),
        Defect(
            "port-name", {"container": good | _PORTS, "objects": [service("htpp", app="port-name")]},
            causes.ServicePortError, ("port named htpp", "these ports: http"), "Service",
        ),
        Defect(
            "no-endpoint",
            {"container": good, "deployment": {"replicas": 1},
             "objects": [service(app="stray"), once(serving("/nope"), kind="Pod", name="stray", labels={"app": "stray", INSTANCE: "nobody"})]},
            causes.ServiceUnreadyError, ("no endpoint", "pod stray: Running; not ready"), "Ready condition",
        ),
        Defect(
            "mount",
            {"container": good | {"volumeMounts": [{"name": "conf", "mountPath": "/conf"}]},
             "pod": {"volumes": [{"name": "conf", "configMap": {"name": "nobody"}}]}},
            causes.VolumeMountError, ("configmap nobody",), "FailedMount",
        ),
        Defect(
            "runtime", {"container": good, "pod": {"runtimeClassName": runtime}, "objects": [_RUNTIME | {"metadata": {"name": runtime}}]},
            causes.SandboxError, ("nobody",), "FailedCreatePodSandBox",
        ),
        Defect(
            "deadline", {"container": serving(BUSY="600"), "deployment": {"progressDeadlineSeconds": 5}},
            causes.ProgressDeadlineError, ("statuscode: 503",), "Progressing condition",
        ),
        # What may recover has to be waited for.
        Defect("slow", {"container": serving(SILENT="11", BUSY="14")}, None, ("ready",), "Started"),
        Defect(
            "flap",
            {"container": serving(DIES_ONCE="yes") | {"volumeMounts": [{"name": "once", "mountPath": "/once"}]},
             "pod": {"volumes": [{"name": "once", "emptyDir": {}}]}},
            None, ("ended: Error, exit code 3",), "death",
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a rollout.

    Attributes:
        error: what it raised, None when it ended well.
        said: the message, or the last line of progress.
        seconds: from the event to the report.
        deaths: of its containers, in order.
        seen_after: seconds from each death, as the container's own last words tell its
            moment, until our watch had it.

    """

    error: DeployError | None
    said: str
    seconds: float
    deaths: tuple[Death, ...] = ()
    seen_after: tuple[float, ...] = ()


@dataclass
class _Lines:
    lines: list[str] = field(default_factory=list)

    def write(self, text: str, /) -> None:
        self.lines.append(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


@dataclass(frozen=True)
class Producer:
    """Rolls broken releases out side by side, in one namespace and a strict one."""

    kube: Kube
    helm: Helm
    image: str
    namespaces: tuple[str, str]

    def produce(self, chosen: Sequence[Defect]) -> dict[str, Outcome]:
        """Return what became of each."""
        plain, strict = self.namespaces
        with Watcher(self.kube, plain) as one, Watcher(self.kube, strict) as other:

            def make(defect: Defect) -> Outcome:
                return self._roll_out(defect, other if defect.strict else one)

            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return dict(zip((d.name for d in chosen), pool.map(make, chosen), strict=True))

    def _roll_out(self, defect: Defect, watcher: Watcher) -> Outcome:
        stream, error = _Lines(), None
        rollout = Rollout(self.helm, self.kube, Progress(stream=stream), Redactor(), _TIMEOUT)
        try:
            rollout.run(CHART, defect.name, watcher.state.namespace, self._values(defect))
        except DeployError as raised:
            error = raised
        ended = datetime.now(UTC)
        history = _of_release(list(watcher.state.history), defect.name)
        found = tuple(d for d in deaths(history) if d.seen <= ended)
        begun = event_time(defect.event, history, found)
        return Outcome(
            error,
            str(error) if error else stream.lines[-1],
            (ended - begun).total_seconds() if begun else float("nan"),
            found,
            tuple(self._seen_after(found, error)),
        )

    def _values(self, defect: Defect) -> Values:
        """Return the chart's values, every container with the image unless it has one."""

        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(one) for one in value]
            if not isinstance(value, Mapping):
                return value
            given = {"image": self.image} if value.get("name") == "main" else {}
            return merged(given, {key: filled(one) for key, one in value.items()})

        return {"image": self.image, "container": None} | dict(filled(defect.values))

    def _seen_after(self, found: Iterable[Death], error: DeployError | None) -> Iterable[float]:
        """Yield how long the last death took to be seen, if its container tells its moment."""
        log = getattr(error, "log", ())
        for death in list(found)[-1:]:
            if told := re.search(r"ends at ([\d.]+)", "\n".join(log)):
                yield death.seen.timestamp() - float(told[1])


def event_time(what: str, history: Sequence[Change], found: Sequence[Death]) -> datetime | None:
    """Return when that happened which the report is measured from."""
    if what == "death":
        return parse_time(found[-1].at) if found else None
    if what == "Service":
        return next((_created(c.obj) for c in history if c.kind == "Service"), None)
    if what.endswith(" condition"):
        kind = what.removesuffix(" condition")
        times = [
            parse_time(told.get("lastUpdateTime") or told.get("lastTransitionTime"))
            for change in history
            for told in status_of(change.obj).get("conditions") or ()
            if told.get("type") == kind
        ]
        return max((time for time in times if time), default=None)
    events = [c.obj for c in history if c.kind == "Event" and c.obj.get("reason") == what]
    times = [parse_time(e.get("firstTimestamp") or e.get("eventTime")) for e in events]
    return min((time for time in times if time), default=None)


def _created(obj: Mapping[str, Any]) -> datetime | None:
    return parse_time(obj["metadata"].get("creationTimestamp"))


def _of_release(history: Sequence[Change], release: str) -> list[Change]:
    """Return the changes of a release's objects, of what they own, and events about them."""
    uids: set[str] = set()
    kept = []
    for _ in range(3):  # an owner may be told after what it owns
        for change in history:
            if labels_of(change.obj).get(INSTANCE) == release or owner_uids(change.obj) & uids:
                uids.add(uid_of(change.obj))
    for change in history:
        about = change.obj.get("involvedObject") or {}
        if uid_of(change.obj) in uids or about.get("uid") in uids:
            kept.append(change)
    return kept


def record(path: Path, chosen: Sequence[Defect], outcomes: Mapping[str, Outcome]) -> None:
    """Write what was seen, for `docs/causes.md`."""
    rows = [
        {
            "name": defect.name,
            "cause": defect.cause.__name__ if defect.cause else "",
            "event": defect.event,
            "seconds": round(outcomes[defect.name].seconds, 1),
            "said": outcomes[defect.name].error.headline  # type: ignore[union-attr]
            if outcomes[defect.name].error
            else outcomes[defect.name].said,
            "seen_after": [round(s, 2) for s in outcomes[defect.name].seen_after],
        }
        for defect in chosen
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"at": time.strftime("%Y-%m-%d", time.gmtime()), "rows": rows}, indent=1)
    )
