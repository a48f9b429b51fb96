"""The images that a chart runs and its project does not build: a database, a shell that waits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.contract.rendering import Installation, Rendering
from harness.kube.pods import same_image
from harness.supply.bases import BaseUnknownError

if TYPE_CHECKING:
    from harness.deployment import Deployment

_TEST = "test"


def images_from_elsewhere(manifest: str, own: Collection[str]) -> dict[str, bool]:
    """Return the images that a manifest runs and that are not in `own`, as it names them.

    Each with whether it is needed: one that only `helm test` runs is not.
    """
    found: dict[str, bool] = {}
    for name, needed in _images(Rendering(Installation("", "", "", {}), manifest)):
        if not any(same_image(name, one) for one in own):
            found[name] = found.get(name, False) or needed
    return found


def ensure_from_elsewhere(deployment: Deployment, values: Mapping[str, Any]) -> dict[str, str]:
    """Return what the engine has, or makes, for each image that the chart takes from elsewhere.

    A cluster that is not ours pulls them by itself, so there are none to bring to it.

    Args:
        deployment: whose.
        values: that the chart is installed with.

    Raises:
        BaseUnknownError: one is not to be had.

    """
    if deployment.guest:
        return {}
    own = [image.ref for image in deployment.images().values()]
    manifest = deployment.chart.rendered(values)
    found: dict[str, str] = {}
    for name, needed in images_from_elsewhere(manifest, own).items():
        try:
            found[name] = deployment.outside.bases.ensure(name).ref
        except BaseUnknownError as error:
            if needed:
                error.add_note(f"the chart runs it: {deployment.settings.project.chart_path}")
                raise
    return found


def _images(rendering: Rendering) -> Iterator[tuple[str, bool]]:
    for pod in rendering.pods:
        needed = _TEST not in (pod.owner.hook or "")
        for kind in ("initContainers", "containers"):
            for container in pod.spec.get(kind) or ():
                if isinstance(name := container.get("image"), str) and name:
                    yield name, needed
