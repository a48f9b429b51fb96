"""From a cluster and images to a release that answers."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.egress.errors import EgressOpenError
from harness.elsewhere import ensure_from_elsewhere
from harness.errors import DeployError
from harness.kube.pods import pods_of_release
from harness.kube.restarts import restart_counts
from harness.probes.opening import why_closed
from harness.release import Release

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.images.spec import BuiltImage


def install(deployment: Deployment) -> Release:
    """Load the images, roll the release out, and wait until it answers.

    What there is to see is written down when the rollout fails.

    Args:
        deployment: whose; all its parts have begun.

    Raises:
        DeployError: of what failed.

    """
    project, namespace = deployment.settings.project, deployment.settings.namespace
    images, name = deployment.images(), project.chart.release
    values = deployment.facts.values()
    _load(deployment, images, values)
    deployment.outside.join()
    with contextlib.suppress(EgressOpenError):
        deployment.egress().admit()
    _remove_stale(deployment)
    kube, rollout = deployment.kube(), deployment.rollout()
    before = {pod.uid for pod in pods_of_release(kube, namespace, name)}
    try:
        seconds = rollout.run(project.chart_path, name, namespace, values)
        pods = pods_of_release(kube, namespace, name)
        old = restart_counts(pod for pod in pods if pod.uid in before)
        release = Release(
            kube, project, name, namespace, images, seconds, 0.0, old, deployment.redact
        )
        place = partial(deployment.probe_pod, namespace)
        deployment.entrance.wait_until_open(
            lambda role, path: why_closed(release, role, path, place)
        )
    except DeployError as error:
        if written := deployment.diagnose("rollout", error):
            error.add_note(written.note())
        raise
    return replace(release, total_seconds=deployment.jobs.busy_seconds)


def _load(
    deployment: Deployment, images: Mapping[str, BuiltImage], values: Mapping[str, Any]
) -> None:
    outside = deployment.outside
    others = ensure_from_elsewhere(deployment, values)
    with deployment.progress.step("loading images into the cluster") as step:
        inside = [outside.image_inside()] if outside.inside else []
        refs = [*(image.ref for image in images.values()), deployment.probe_image(), *inside]
        loaded = deployment.provider.load([*refs, *others.values()], others)
        step.result = f"{len(loaded.loaded)} loaded, {len(loaded.already_there)} there already"


def _remove_stale(deployment: Deployment) -> None:
    """Remove a release of an earlier run whose database is gone.

    Pods that need no change would not be started again, and so not migrate the new one.
    """
    created = deployment.cluster().created
    if not deployment.guest and deployment.outside.is_new() and not created:
        settings = deployment.settings
        name, namespace = settings.project.chart.release, settings.namespace
        with deployment.progress.step("removing a release whose database is gone") as step:
            gone = deployment.helm().uninstall(name, namespace, timeout=settings.timeout)
            step.result = "removed" if gone else "there was none"
