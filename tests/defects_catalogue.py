"""Releases that are broken in one way each, and what has to be said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DeployError
from harness.kube import causes
from harness.kube.selection import INSTANCE

Values = dict[str, Any]
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
_SETTINGS = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "settings"},
    "stringData": {"uri": "x"},
}
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
    good, eats = serving(), python(_EATS)
    once_mounted = {"volumeMounts": [{"name": "once", "mountPath": "/once"}]}
    stray_labels = {"app": "stray", INSTANCE: "nobody"}
    stray = once(serving("/nope"), kind="Pod", name="stray", labels=stray_labels)
    small = {"resources": {"requests": {"cpu": "1m"}}}
    probed = {"readinessProbe": {"tcpSocket": {"port": 8000}}}
    dies = python(_DIES) | small
    return (
        Defect(
            "image-never",
            {"container": small | {"image": "nobody/nothing:1", "imagePullPolicy": "Never"}},
            causes.ImagePullError,
            ("ErrImageNeverPull", "nobody/nothing:1", "main"),
            "ErrImageNeverPull",
        ),
        Defect(
            "image-pull",
            {"container": small | {"image": "registry.invalid/nothing:1"}},
            causes.ImagePullError,
            ("registry.invalid/nothing:1", "no such host"),
            "Failed",
        ),
        Defect(
            "crash",
            {"container": dies | probed},
            causes.CrashLoopError,
            ("exit code 3", "after 1 restart", "| cannot go on"),
            "death",
        ),
        Defect(
            "crash-module",
            {"container": python("import nobody_has_this") | small | probed},
            causes.CrashLoopError,
            ("exit code 1", "No module named 'nobody_has_this'"),
            "death",
        ),
        Defect(
            "memory",
            {"container": eats | probed | {"resources": {"limits": {"memory": "40Mi"}}}},
            causes.OutOfMemoryError,
            ("memory", "at a limit of 40Mi"),
            "death",
        ),
        Defect(
            "no-command",
            {"container": small | {"command": ["/nowhere"]}},
            causes.ContainerStartError,
            ("/nowhere",),
            "Failed",
        ),
        Defect(
            "missing-key",
            {
                "container": good | {"env": [{"name": "URL", "valueFrom": _KEY}]},
                "objects": [_SETTINGS],
            },
            causes.ContainerConfigError,
            ("needed: key url in Secret settings that container main", "it has uri"),
            "Failed",
        ),
        Defect(
            "too-large",
            {"container": good | {"resources": {"requests": {"cpu": "64"}}}},
            causes.UnschedulableError,
            ("cpu 64000m", "Insufficient cpu", "free cpu"),
            "FailedScheduling",
        ),
        Defect(
            "probe-path",
            {"container": serving("/nope")},
            causes.ProbeFailingError,
            ("readiness probe", "statuscode: 404"),
            "Unhealthy",
        ),
        Defect(
            "probe-port",
            {"container": serving(port=8001)},
            causes.ProbePortError,
            ("on port 8001; it listens on 0.0.0.0:8000",),
            "Unhealthy",
        ),
        Defect(
            "probe-localhost",
            {"container": serving(HOST="127.0.0.1")},
            causes.ProbePortError,
            ("port 8000 is open on 127.0.0.1:8000 only",),
            "Unhealthy",
        ),
        Defect(
            "job",
            {"objects": [once(dies)]},
            causes.JobFailedError,
            ("BackoffLimitExceeded", "| cannot go on"),
            "Failed condition",
        ),
        Defect(
            "hook",
            {"objects": [once(dies, **_HOOK)]},
            causes.HookFailedError,
            ("pre-install hook", "| cannot go on"),
            "Failed condition",
        ),
        Defect(
            "hook-gone",
            {"objects": [once(dies, **_GONE)]},
            causes.HookFailedError,
            ("pre-install hook",),
            "Failed condition",
        ),
        Defect(
            "hook-pod",
            {"objects": [once(dies, kind="Pod", **_HOOK)]},
            causes.HookFailedError,
            ("pre-install hook", "exit code 3"),
            "death",
        ),
        Defect(
            "quota",
            {"container": python(_SERVES), "objects": [_QUOTA]},
            causes.PodRefusedError,
            ("exceeded quota: quota",),
            "FailedCreate",
        ),
        Defect(
            "admission",
            {"container": good},
            causes.PodRefusedError,
            ('violates PodSecurity "restricted',),
            "FailedCreate",
            strict=True,
        ),
        Defect(
            "selector",
            {"container": good, "objects": [service(app="nobody")]},
            causes.NoEndpointsError,
            (
                "no pod carries these labels: app=nobody",
                "pods of deployment selector: app=selector",
            ),
            "Service",
        ),
        Defect(
            "port-name",
            {"container": good | _PORTS, "objects": [service("htpp", app="port-name")]},
            causes.ServicePortError,
            ("port named htpp", "these ports: http"),
            "Service",
        ),
        Defect(
            "no-endpoint",
            {"container": good, "objects": [service(app="stray"), stray]},
            causes.ServiceUnreadyError,
            ("no endpoint", "pod stray: Running; not ready"),
            "Ready condition",
        ),
        Defect(
            "mount",
            {
                "container": good | {"volumeMounts": [{"name": "conf", "mountPath": "/conf"}]},
                "pod": {"volumes": [{"name": "conf", "configMap": {"name": "nobody"}}]},
            },
            causes.VolumeMountError,
            ("configmap nobody",),
            "FailedMount",
        ),
        Defect(
            "runtime",
            {
                "container": good,
                "pod": {"runtimeClassName": runtime},
                "objects": [_RUNTIME | {"metadata": {"name": runtime}}],
            },
            causes.SandboxError,
            ("nobody",),
            "FailedCreatePodSandBox",
        ),
        Defect(
            "deadline",
            {"container": serving(BUSY="600"), "deployment": {"progressDeadlineSeconds": 10}},
            causes.ProgressDeadlineError,
            ("has timed out progressing", "pod deadline-"),
            "Progressing condition",
        ),
        # What may recover has to be waited for.
        Defect("slow", {"container": serving(SILENT="11", BUSY="14")}, None, ("ready",), "Started"),
        Defect(
            "flap",
            {
                "container": serving(DIES_ONCE="yes") | once_mounted,
                "pod": {"volumes": [{"name": "once", "emptyDir": {}}]},
            },
            None,
            ("ended: Error, exit code 3",),
            "death",
        ),
    )
