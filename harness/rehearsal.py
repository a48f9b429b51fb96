"""A deployment of other sources, which ends before it needs a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cache import Cache
from harness.clusters.untouched import Untouched
from harness.clusters.usage import Usage
from harness.deployment import Deployment
from harness.errors import DeployError
from harness.images.project import ProjectImages
from harness.jobs import Jobs
from harness.settings import Settings
from harness.tenant import Tenant


@dataclass(frozen=True)
class Rehearsal:
    """How a deployment ended: its cause, None when there is none, and what it did before.

    Attributes:
        error: what it was stopped by.
        touched: what it did, or would have done, to a cluster.

    """

    error: DeployError | None
    touched: tuple[str, ...]


def rehearse(deployment: Deployment, contexts: Mapping[str, Path]) -> Rehearsal:
    """Deploy images from other build contexts, to a cluster that is not there.

    The real builder is at work, and all that a run does before and after it: only the
    cluster, the database and the stand-ins are left out.

    Args:
        deployment: the real one, which is left alone.
        contexts: the folders to build from, by the image's name; other images are left out.

    """
    described = deployment.settings.project
    images = {
        name: described.images[name].model_copy(update={"context": str(folder)})
        for name, folder in contexts.items()
    }
    nothing: dict[str, object] = {"services": {}, "database": None, "standins": {}, "values": {}}
    project = described.model_copy(update={"images": images, **nothing})
    return _attempt(deployment, replace(deployment.settings, project=project, fresh=False))


def rehearse_chart(
    deployment: Deployment,
    *,
    chart: Path | None = None,
    values: Mapping[str, str | int | bool] | None = None,
    previous: str = "",
) -> Rehearsal:
    """Deploy another chart or other values, to a cluster that is not there.

    Args:
        deployment: the real one, which is left alone.
        chart: the folder of the other chart.
        values: laid over the project's, by dotted path.
        previous: the earlier version of the chart that is named.

    """
    described = deployment.settings.project
    update: dict[str, object] = {"values": described.values | dict(values or {})}
    if chart is not None:
        update["chart"] = described.chart.model_copy(update={"path": str(chart)})
    project = described.model_copy(update=update)
    settings = replace(deployment.settings, project=project, previous_chart=previous, fresh=False)
    return _attempt(deployment, settings)


def _attempt(deployment: Deployment, settings: Settings) -> Rehearsal:
    project = settings.project
    jobs, provider = Jobs(), Untouched()
    error: DeployError | None = None
    with tempfile.TemporaryDirectory() as locks:
        attempt = replace(
            deployment,
            settings=settings,
            sources=ProjectImages(project, deployment.sources.builder, jobs),
            outside=replace(deployment.outside, settings=settings, jobs=jobs),
            probe=replace(deployment.probe, jobs=jobs, adopt=None),
            provider=provider,
            guest=None,
            jobs=jobs,
            usage=Usage(Cache(Path(locks)), Tenant(provider.name)),
        )
        try:
            attempt.begin(cluster=True)
            attempt.release()
        except DeployError as stopped:
            error = stopped
        finally:
            jobs.close(interrupted=True)
            attempt.usage.leave()
    return Rehearsal(error, tuple(provider.touched))
