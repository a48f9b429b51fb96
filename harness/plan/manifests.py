"""The manifests of the release: kept by a run, rendered by a plan, and compared.

Both are rendered in the same way, with placeholders for secrets and addresses, so that what
differs is what a change does. No secret is in them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from harness.ci.manifests import Difference, differences
from harness.contract import placeholders
from harness.databases.choice import INSIDE, choose
from harness.databases.credentials import write_private
from harness.files import write_whole
from harness.helm import release_objects, values_from_paths
from harness.helm.masking import Mask
from harness.helm.values import secret_values
from harness.project import fill
from harness.redact import Redactor

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.helm.rendering import Renderer
    from harness.settings import Settings

FILE_NAME = "manifests.yaml"
#: The tag of an image of which only its build tells.
UNBUILT = "known-after-build"
_DOCUMENT = re.compile(r"^---\n# (.+)\n", re.MULTILINE)
_HEAD = re.compile(r"^# (\w+): (.*)$", re.MULTILINE)
_MARKED = re.compile(r"(characters, hidden) \([0-9a-f]+\)")


@dataclass(frozen=True)
class Kept:
    """The manifests of a run. `about` says which it was; `mask` names the key of their marks."""

    about: str
    mask: str
    objects: Mapping[str, str]


def described(settings: Settings) -> dict[str, str | int | bool]:
    """Return what the description says of the values of the release, by dotted path."""
    project = settings.project
    values = dict(project.values)
    if project.database and _inside(settings):
        values |= project.variants.get(project.database.inside, {})
    return values


def objects(
    settings: Settings, tags: Mapping[str, str], helm: Renderer, mask: Mask
) -> dict[str, str]:
    """Render the chart for a run, and return each object as text, by its kind and name.

    Args:
        settings: of the run.
        tags: of the images; of one that is missing only its build tells.
        helm: renders.
        mask: hides secrets.

    Raises:
        DeployError: the chart cannot be rendered.

    """
    project = settings.project
    known = _facts(settings, tags)
    values = values_from_paths({p: fill(v, known) for p, v in described(settings).items()})
    text = helm.template(project.chart_path, project.chart.release, namespace(settings), values)
    redact = Redactor([*secret_values(values), *secret_values(_defaults(project.chart_path))])
    found = {}
    for item in release_objects(text):
        name = f"{item} (hook {item.hook})" if item.hook else str(item)
        found[name] = redact(yaml.safe_dump(mask(item.body), sort_keys=True, width=4096))
    return found


def namespace(settings: Settings) -> str:
    """Return the namespace; without what is of this run alone on a cluster that exists."""
    return settings.namespace.removesuffix(f"-{settings.run[:8]}-{settings.slot}")


def keep(settings: Settings, tags: Mapping[str, str], helm: Renderer, cache: Cache) -> Path:
    """Write the manifests of a run beside its record, for the plan of the next; return the file.

    Raises:
        DeployError: the chart cannot be rendered.
        OSError: the file cannot be written.

    """
    mask = Mask(_key(cache))
    found = objects(settings, tags, helm, mask)
    head = {
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cluster": f"{settings.cluster} {_cluster(settings)}",
        "namespace": namespace(settings),
        "mask": mask.name,
    }
    lines = [f"# {name}: {value}\n" for name, value in head.items()]
    text = "".join([*lines, *(f"---\n# {name}\n{body}" for name, body in found.items())])
    file = settings.artifacts / FILE_NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, text)
    return file


def read(file: Path) -> Kept | None:
    """Return the manifests that a run has kept; None when there are none to be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    head, *parts = _DOCUMENT.split(text)
    told = dict(_HEAD.findall(head))
    if "made" not in told:
        return None
    where = ", ".join(told[name] for name in ("cluster", "namespace") if told.get(name))
    about = f"the run of {told['made']}" + (f" ({where})" if where else "")
    return Kept(about, told.get("mask", ""), dict(zip(parts[::2], parts[1::2], strict=True)))


def mask_of(cache: Cache) -> Mask:
    """Return the mask of earlier runs on this machine; another when there was none."""
    file = _key_file(cache)
    return Mask(bytes.fromhex(file.read_text(encoding="utf-8"))) if file.is_file() else Mask()


def compare(kept: Kept | None, now: Mapping[str, str], mask: Mask) -> Iterator[Difference]:
    """Yield what differs. Of hidden values only the length is compared where keys differ."""
    before = kept.objects if kept else {}
    if kept and kept.mask != mask.name:
        before, now = _unmarked(before), _unmarked(now)
    for what, how, text in differences(before, now):
        yield Difference(what, how, text, ())


def _cluster(settings: Settings) -> str:
    return settings.existing.context if settings.existing else settings.cluster_name


def _unmarked(found: Mapping[str, str]) -> dict[str, str]:
    return {name: _MARKED.sub(r"\1", text) for name, text in found.items()}


def _facts(settings: Settings, tags: Mapping[str, str]) -> dict[str, str | int | None]:
    project = settings.project
    known: dict[str, str | int | None] = {**placeholders.facts(project)}
    known["cluster.node_port"] = settings.tenant.node_port or None
    for name, image in project.images.items():
        tag = tags.get(name) or UNBUILT
        known[f"images.{name}.tag"] = tag
        known[f"images.{name}.ref"] = f"{image.repository}:{tag}"
    for name, standin in project.standins.items():
        if settings.environ.get(standin.unless):
            known[f"standins.{name}.url"] = ""
    if project.database:
        repository, _, tag = project.database.image.partition(":")
        known |= {"database.repository": repository, "database.tag": tag or "latest"}
        if settings.existing and _inside(settings):
            known["database.url"] = ""
    return known


def _inside(settings: Settings) -> bool:
    database = settings.project.database
    if database is None:
        return False
    return choose(settings.database, database, settings.environ).kind == INSIDE


def _defaults(chart: Path) -> dict[str, Any]:
    """Return the chart's own values, as far as they can be read."""
    try:
        told = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return told if isinstance(told, dict) else {}


def _key(cache: Cache) -> bytes:
    """Return the key of the marks, which the artifacts of a run do not hold."""
    file = _key_file(cache)
    if not file.is_file():
        write_private(file, secrets.token_hex(16))
    return bytes.fromhex(file.read_text(encoding="utf-8"))


def _key_file(cache: Cache) -> Path:
    return cache.root / "secrets" / "manifests-mask"
