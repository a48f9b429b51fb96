"""What becomes of a cluster and what is beside it when a run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.clusters.existing import beside

if TYPE_CHECKING:
    from harness.clusters.existing.provider import ExistingProvider
    from harness.deployment import Deployment


def leave(deployment: Deployment, *, interrupted: bool, failed: bool) -> None:
    """Remove what the settings do not keep. A cluster goes with the last process that uses it.

    Args:
        deployment: whose; nothing of it runs any more.
        interrupted: whether the run was ended from outside.
        failed: whether a test failed.

    """
    keep = deployment.settings.keep
    if deployment.guest:
        kept = keep == "always" or (keep == "on-failure" and failed and not interrupted)
        _leave_guest(deployment, deployment.guest, kept=kept)
        return
    with deployment.usage.last() as last:
        if interrupted or keep == "always" or (keep == "on-failure" and failed):
            return
        if last:
            with deployment.progress.step("removing cluster, database and stand-ins"):
                delete_all(deployment)
        else:
            with deployment.progress.step("removing database and stand-ins"):
                deployment.outside.delete()


def delete_all(deployment: Deployment) -> None:
    """Remove all that runs made for this cluster, images apart."""
    deployment.provider.delete()
    for tenant in deployment.settings.tenant.all():
        deployment.outside.of(tenant).delete()


def _leave_guest(deployment: Deployment, guest: ExistingProvider, *, kept: bool) -> None:
    """Leave a cluster that is not ours as it was, or say what stays there."""
    cache, name = deployment.cache, deployment.settings.cluster_name
    if kept:
        beside.keep(cache, name)
        if names := guest.keep():
            deployment.progress.choice("kept", ", ".join(names), guest.how_to_remove())
        deployment.usage.leave()
        return
    with deployment.progress.step("removing the namespaces of this run") as step:
        try:
            step.result = ", ".join(guest.delete()) or "there was none"
        finally:
            deployment.outside.delete()
            deployment.usage.leave()
    beside.forget(cache, name)
