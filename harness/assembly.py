"""Putting a deployment together from what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cache import Cache
from harness.clusters.kind import KindProvider
from harness.clusters.usage import Usage
from harness.deployment import Deployment
from harness.images.build import Builder
from harness.images.project import ProjectImages
from harness.jobs import Jobs
from harness.outside import Outside
from harness.progress import Progress
from harness.redact import Redactor
from harness.secrets import secret_values
from harness.settings import Settings
from harness.supply.bases import Bases
from harness.supply.disk import check_disk, room_to_run_gb
from harness.supply.nodes import find_node_image
from harness.supply.tools import find_tools
from harness.tenant import BESIDE_PORTS, NODE_PORTS

if TYPE_CHECKING:
    from harness.supply.engine import Engine


def assemble(
    settings: Settings, cache: Cache, progress: Progress, redact: Redactor, engine: Engine
) -> Deployment:
    """Return the deployment of a run, with nothing of it begun.

    Tools and node image are only looked for; installing and building them is the
    preparation's work.

    Raises:
        DeployError: what is missing, and how to get it.

    """
    environ, project = settings.environ, settings.project
    check_disk(engine, room_to_run_gb(settings.nodes))
    node_image = find_node_image(engine, cache, progress, environ)
    tools = find_tools(engine, cache, progress, environ)
    secrets = secret_values(project, cache, settings.cluster_name, environ)
    redact.add(*secrets.values())
    jobs = Jobs()
    bases = Bases(engine, cache, progress, environ)
    builder = Builder(engine, bases, cache, progress, environ, redact=redact)
    return Deployment(
        settings=settings,
        cache=cache,
        progress=progress,
        redact=redact,
        engine=engine,
        tools=tools,
        sources=ProjectImages(project, builder, jobs, settings.diagnosis_folder),
        outside=Outside(settings, engine, builder, bases, cache, progress, redact, jobs),
        provider=KindProvider(
            settings.cluster_name,
            tools,
            engine,
            node_image,
            cache,
            progress,
            host_port=settings.port or None,
            node_ports=NODE_PORTS + BESIDE_PORTS,
            nodes=settings.nodes,
        ),
        secrets=secrets,
        jobs=jobs,
        usage=Usage(cache, settings.tenant),
    )
