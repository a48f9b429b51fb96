"""What a person needs after a failure, written to a folder before anything is torn down."""

from __future__ import annotations

import platform
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from harness.command import run
from harness.errors import DeployError
from harness.helm.manifest import release_objects
from harness.helm.values import masked
from harness.kube import diagnosis
from harness.kube.diagnosis import without_values
from harness.labels import CLUSTER, MANAGED, ROLE
from harness.redact import Redactor

if TYPE_CHECKING:
    from harness.deployment import Deployment

SUMMARY = "summary.txt"
_ASK = 30.0  # seconds for one question to a tool
_LINES = 300  # of what runs beside the cluster
_DESCRIBED = "nodes", "pods,deployments,statefulsets,daemonsets,jobs,services,endpointslices"
_PACKAGES = ("pytest", "pytest-bdd", "pytest-helm-charts", "kubernetes", "testcontainers")


@dataclass
class Written:
    """A folder of evidence.

    Attributes:
        folder: where it is.
        cause: the likeliest cause in one line, "" when none is known.
        unread: what could not be had, and why; nothing is left out in silence.

    """

    folder: Path
    cause: str = ""
    unread: list[str] = field(default_factory=list)

    def note(self) -> str:
        """Return what a failure's message says of it."""
        return f"all that was there to see is in {self.folder}"


def write(deployment: Deployment, occasion: str, error: BaseException | None = None) -> Written:
    """Write down cluster, release, what is beside it, and versions.

    What cannot be had is said in the summary and stops nothing else; nothing is raised.

    Args:
        deployment: whose; only what it has made already is looked at.
        occasion: what it is for; the folder's name.
        error: what went wrong.

    """
    folder = deployment.settings.artifacts / "diagnosis" / occasion
    shutil.rmtree(folder, ignore_errors=True)
    written, redact = Written(folder), deployment.redact
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_cluster(written, deployment, error)
    except Exception as failure:  # it must never stand in the way of what really failed
        written.unread.append(f"the cluster: {_told(failure)}")
    for name, read in _parts(deployment).items():
        _save(written, name, read, redact)
    _finish(written, error, redact)
    return written


def write_build_log(folder: Path, image: str, output: str, error: DeployError) -> Written:
    """Keep all that a failed build has said.

    Args:
        folder: where the run keeps its diagnoses.
        image: the image's name.
        output: of the build, redacted.
        error: what it ended with.

    """
    written = Written(folder / f"image-{image}")
    _save(written, "build.log", lambda: output, Redactor())
    _finish(written, error, Redactor())
    return written


def _write_cluster(written: Written, deployment: Deployment, error: BaseException | None) -> None:
    found = diagnosis.write(
        written.folder,
        deployment.kube(),
        deployment.settings.namespace,
        redact=deployment.redact,
        error=error if isinstance(error, DeployError) else None,
    )
    written.cause = found.causes[0] if found.causes else ""
    written.unread += found.unread


def _parts(deployment: Deployment) -> Mapping[str, Callable[[], str]]:
    name, namespace = deployment.settings.project.chart.release, deployment.settings.namespace
    described = {
        f"describe/{kinds.split(',')[0]}.txt": partial(_describe, deployment, kinds)
        for kinds in _DESCRIBED
    }

    def history() -> str:
        rows = deployment.helm().history(name, namespace)
        return "\n".join(
            f"{row.number}  {row.updated}  {row.status}  {row.chart}  {row.description}"
            for row in rows
        )

    def values() -> str:
        return _yaml(masked(deployment.helm().get_values(name, namespace)))

    def manifest() -> str:
        objects = release_objects(deployment.helm().get_manifest(name, namespace))
        return "---\n".join(_yaml(without_values(obj.body)) for obj in objects)

    return described | {
        "helm/history.txt": history,
        "helm/values.yaml": values,
        "helm/manifest.yaml": manifest,
        "beside.log": lambda: _beside(deployment),
        "versions.txt": lambda: versions(deployment),
    }


def versions(deployment: Deployment) -> str:
    """Return what took part, a line each; what is not known yet says why."""
    asked: dict[str, Callable[[], object]] = {
        "harness": _own_version,
        "python": platform.python_version,
        "system": platform.platform,
        **{f"package {name}": partial(metadata.version, name) for name in _PACKAGES},
        "engine": lambda: f"{deployment.engine.version} ({deployment.engine.reason})",
        "kubernetes": lambda: deployment.cluster().kubernetes_version,
        "helm": lambda: ".".join(map(str, deployment.helm().version)),
        "kind": lambda: run([deployment.tools.kind, "version"], timeout=_ASK).stdout.strip(),
        **{
            f"image {name}": partial(_image, deployment, name)
            for name in deployment.settings.project.images
        },
    }
    lines = []
    for name, ask in asked.items():
        try:
            lines.append(f"{name:<27} {ask()}")
        except Exception as error:
            lines.append(f"{name:<27} unknown: {_told(error)}")
    for key, value in deployment.provider.describe().items():
        lines.append(f"{'cluster ' + key:<27} {value}")
    return "\n".join(lines)


def _own_version() -> str:
    described = Path(__file__).parents[1] / "pyproject.toml"
    if not described.is_file():  # it was installed
        return metadata.version("deploy-harness")
    return str(tomllib.loads(described.read_text())["project"]["version"])


def _image(deployment: Deployment, name: str) -> str:
    image = deployment.image(name)
    return f"{image.ref} {image.id}"


def _describe(deployment: Deployment, kinds: str) -> str:
    access = deployment.cluster()
    words = [f"--kubeconfig={access.kubeconfig}", f"--context={access.context}"]
    words += [f"--namespace={deployment.settings.namespace}", "describe", kinds]
    return run([deployment.tools.kubectl, *words], timeout=_ASK).stdout


def _beside(deployment: Deployment) -> str:
    """Return the last log lines of database and stand-ins."""
    from harness.images.containers import tail

    cluster = deployment.settings.cluster_name
    wanted = [f"{MANAGED}=true", f"{CLUSTER}={cluster}"]
    parts = []
    for container in deployment.engine.sdk().containers.list(all=True, filters={"label": wanted}):
        if role := container.labels.get(ROLE):
            said = tail(container, deployment.redact, _LINES)
            parts.append(f"=== {role}: {container.name}, {container.status}\n{said}\n")
    return "\n".join(parts) or "nothing of ours runs beside the cluster\n"


def _save(written: Written, name: str, read: Callable[[], str], redact: Redactor) -> None:
    try:
        text = redact(read())
        file = written.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.rstrip() + "\n", encoding="utf-8")
    except Exception as error:
        written.unread.append(f"{name}: {redact(_told(error))}")


def _finish(written: Written, error: BaseException | None, redact: Redactor) -> None:
    """Put the one-line cause before the summary, and what is missing behind it."""
    told = redact(_told(error)) if error is not None else ""
    if isinstance(error, DeployError):
        written.cause = told
    written.cause = redact(written.cause)
    file = written.folder / SUMMARY
    try:
        summary = file.read_text(encoding="utf-8") if file.exists() else ""
        if not summary and error is not None:
            summary = redact(str(error)) + "\n"
        head = f"CAUSE: {written.cause or told or 'none that we know'}\n"
        head += f"SEEN:  {told}\n" if told and told not in head else ""
        missing = "".join(f"  {line}\n" for line in written.unread)
        tail = f"\nCOULD NOT BE HAD\n{missing}" if missing else ""
        file.write_text(f"{head}\n{summary}{tail}", encoding="utf-8")
    except OSError as failure:
        written.unread.append(f"{SUMMARY}: {failure}")


def _told(error: BaseException) -> str:
    if isinstance(error, DeployError):
        return error.headline
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _yaml(value: object) -> str:
    # Long lines stay whole: a secret that is broken in two would not be found.
    return yaml.safe_dump(value, sort_keys=False, width=2**20, allow_unicode=True)
