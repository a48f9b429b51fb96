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
    settings = replace(deployment.settings, project=project, fresh=False)
    jobs, provider = Jobs(), Untouched()
    error: DeployError | None = None
    with tempfile.TemporaryDirectory() as locks:
        attempt = replace(
            deployment,
            settings=settings,
            sources=ProjectImages(project, deployment.sources.builder, jobs),
            outside=replace(deployment.outside, settings=settings, jobs=jobs),
            provider=provider,
            jobs=jobs,
            usage=Usage(Cache(Path(locks)), provider.name, settings.namespace),
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
