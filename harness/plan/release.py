"""What Helm would install, with which values, and what that would change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import placeholders
from harness.errors import DeployError
from harness.helm import check_chart
from harness.helm.rendering import Renderer
from harness.helm.values import sounds_secret
from harness.plan import manifests
from harness.plan.model import Changes, PlannedRelease
from harness.project import REFERENCE
from harness.redact import MASK

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.plan.times import Times
    from harness.redact import Redactor
    from harness.settings import Settings

_NOWHERE = Path(os.devnull)


def plan_release(
    every: Sequence[Settings], tags: Mapping[str, str], times: Times, *, beside: bool
) -> PlannedRelease:
    """Return what would be installed.

    Args:
        every: the settings of each process.
        tags: of the images that can be told.
        times: of earlier runs.
        beside: whether a scenario wants a second installation.

    Raises:
        ChartInvalidError.

    """
    settings = every[0]
    project = settings.project
    facts = check_chart(project.chart_path)
    name = project.chart.release
    return PlannedRelease(
        chart=project.chart.path,
        name=facts.name,
        version=facts.version,
        app_version=facts.app_version,
        release=name,
        namespaces=tuple(one.namespace for one in every),
        values=tuple(_values(settings, tags)),
        beside=f"{settings.namespace[:56]}-beside" if beside else "",
        seconds=times.phase(f"rolling out release {name}"),
    )


def _values(settings: Settings, tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each value by its path: what is not known yet as the description writes it."""
    project = settings.project
    held = placeholders.secrets(dict.fromkeys(project.references(), ""))
    known = {"cluster.node_port": str(settings.tenant.node_port or "chosen by the cluster")}
    for name, image in project.images.items():
        registry = f"{settings.existing.registry}/" if settings.existing else ""
        known[f"images.{name}.repository"] = registry + image.repository
        if tag := tags.get(name):
            known[f"images.{name}.tag"] = tag
            known[f"images.{name}.ref"] = f"{registry}{image.repository}:{tag}"
    for path, value in manifests.described(settings).items():
        asked = REFERENCE.findall(str(value))
        secret = [name for name in asked if name in held]
        if secret:
            yield path, f"{MASK} ({', '.join(secret)})"
        elif value not in ("", True, False) and not asked and _sounds_secret(path):
            yield path, MASK
        elif asked and all(name in known for name in asked):
            yield path, REFERENCE.sub(lambda found: known[found[1]], str(value))
        else:
            yield path, value if isinstance(value, str) and value else json.dumps(value)


def _sounds_secret(path: str) -> bool:
    """Say whether a value is to be hidden for its name; the name of a Secret is not."""
    words = path.split(".")
    return any(map(sounds_secret, words)) and not words[-1].startswith("existing")


def plan_changes(
    settings: Settings,
    tags: Mapping[str, str],
    helm: Path | DeployError,
    cache: Cache,
    redact: Redactor,
) -> Changes:
    """Render the chart and compare with what the last run kept, as far as that can be done."""
    kept = manifests.read(settings.artifacts / manifests.FILE_NAME)
    against = kept.about if kept else ""
    if isinstance(helm, DeployError):
        return Changes(against, f"not rendered: {helm.headline}; {helm.fix}")
    mask = manifests.mask_of(cache)
    try:
        renderer = Renderer(helm, _NOWHERE, "none", cache.root, redact)
        now = manifests.objects(settings, tags, renderer, mask)
    except DeployError as error:
        return Changes(against, f"not rendered: {error}")
    if kept is None:
        return Changes("", "", tuple(now))
    return Changes(against, "", tuple(now), tuple(manifests.compare(kept, now, mask)))
