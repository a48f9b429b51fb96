"""An image of the project as it is run by itself, with all that its description says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.images.alone import Alone

if TYPE_CHECKING:
    from harness.deployment import Deployment


def prepared(deployment: Deployment, name: str) -> Alone:
    """Return how an image is run by itself, after what has to run before it has run.

    Args:
        deployment: whose; its database and stand-ins are started where they are needed.
        name: of the image.

    Raises:
        DeployError: of what failed.

    """
    described, image = deployment.settings.project.images[name], deployment.image(name)
    env = deployment.facts.env_alone(name)
    alone = Alone(
        engine=deployment.engine,
        image=image.ref,
        port=described.port,
        env=env,
        secrets=tuple(env.values()),
        network=deployment.outside.network_alone(),
        read_only="/" not in described.writable,
        tmpfs=tuple(described.writable),
        absent=deployment.chart.services(),
    )
    for command in described.before:
        replace(alone, command=command).to_end()
    return alone
