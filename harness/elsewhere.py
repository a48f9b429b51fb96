"""The images that a chart runs and its project does not build: a database, a shell that waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.supply.bases import BaseUnknownError

if TYPE_CHECKING:
    from harness.deployment import Deployment


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
    found: dict[str, str] = {}
    for name, needed in deployment.chart.images_from_elsewhere(values, own).items():
        try:
            found[name] = deployment.outside.bases.ensure(name).ref
        except BaseUnknownError as error:
            if needed:
                error.add_note(f"the chart runs it: {deployment.settings.project.chart_path}")
                raise
    return found
