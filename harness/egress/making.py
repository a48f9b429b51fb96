"""The guard of a deployment's cluster: closed, or why it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.egress.beside import Beside
from harness.egress.errors import EgressOpenError
from harness.egress.guard import Guard
from harness.tenant import beside_namespace

if TYPE_CHECKING:
    from harness.deployment import Deployment
    from harness.settings import Settings


def why_open(settings: Settings) -> EgressOpenError | None:
    """Return why the settings leave the way out open, None when they close it."""
    if settings.existing:
        return EgressOpenError("the cluster is somebody else's, whose nodes are not ours to change")
    if settings.egress == "open":
        return EgressOpenError("--deploy-egress=open was asked for")
    return None


def guard(deployment: Deployment) -> Guard | EgressOpenError:
    """Close the cluster's way out as the settings say; return its guard, or why there is none.

    Raises:
        DeployError: what else failed.

    """
    settings, outside = deployment.settings, deployment.outside
    if deployment.guest and (error := why_open(settings)):
        return error
    made = Guard(
        deployment.provider,
        deployment.kube(),
        Beside(deployment.engine, settings.tenant.name, outside.network),
        outside.strangers,
        (settings.namespace, beside_namespace(settings.namespace)),
        deployment.cache.lock(f"egress-{settings.cluster_name}"),
    )
    try:
        if error := why_open(settings):
            made.open()
            return error
        made.close()
        reason = "pods reach the database and services that are described; others are told"
        deployment.progress.choice("way out", "closed", reason)
    except EgressOpenError as error:
        return error
    return made
