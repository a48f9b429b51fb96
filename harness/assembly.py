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
from harness.settings import GUEST, Settings
from harness.supply.bases import Bases
from harness.supply.disk import ROOM_TO_RUN_GB, check_disk
from harness.supply.nodes import find_node_image
from harness.supply.tools import find_tools
from harness.tenant import BESIDE_PORTS, NODE_PORTS

if TYPE_CHECKING:
    from harness.clusters.existing.provider import ExistingProvider
    from harness.supply.engine import Engine
    from harness.supply.nodes import NodeImage
    from harness.supply.tools import Tools


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
    check_disk(engine, ROOM_TO_RUN_GB)
    guest, node_image = None, None
    if settings.existing is None:
        node_image = find_node_image(engine, cache, progress, environ)
    tools = find_tools(engine, cache, progress, environ)
    if settings.existing is not None:
        guest = _guest(settings, tools, engine, cache, progress, redact)
    secrets = secret_values(project, cache, settings.cluster_name, environ)
    redact.add(*secrets.values())
    jobs = Jobs()
    bases = Bases(engine, cache, progress, environ)
    builder = Builder(engine, bases, cache, progress, environ, redact=redact)
    deployment = Deployment(
        settings=settings,
        cache=cache,
        progress=progress,
        redact=redact,
        engine=engine,
        tools=tools,
        sources=ProjectImages(
            project,
            builder,
            jobs,
            settings.diagnosis_folder,
            adopt=guest.registry.adopt if guest else None,
        ),
        outside=Outside(
            settings,
            engine,
            builder,
            bases,
            cache,
            progress,
            redact,
            jobs,
            network="" if guest else "kind",
            guest=guest,
        ),
        provider=guest or _kind(settings, tools, engine, node_image, cache, progress),
        secrets=secrets,
        jobs=jobs,
        usage=Usage(cache, settings.tenant),
        guest=guest,
    )
    if guest:
        guest.relay_image = deployment.probe_image
    return deployment


def _kind(
    settings: Settings,
    tools: Tools,
    engine: Engine,
    node_image: NodeImage | None,
    cache: Cache,
    progress: Progress,
) -> KindProvider:
    assert node_image is not None
    return KindProvider(
        settings.cluster_name,
        tools,
        engine,
        node_image,
        cache,
        progress,
        host_port=settings.port or None,
        node_ports=NODE_PORTS + BESIDE_PORTS,
    )


def _guest(
    settings: Settings,
    tools: Tools,
    engine: Engine,
    cache: Cache,
    progress: Progress,
    redact: Redactor,
) -> ExistingProvider:
    from harness.clusters.existing.provider import ExistingProvider
    from harness.registries.login import Login
    from harness.registries.registry import Registry

    options = settings.existing
    assert options is not None
    host = options.registry_push.partition("/")[0]
    login = Login.find(host, settings.environ, options.registry_config)
    if login:
        redact.add(login.password)
    registry = Registry(engine, options.registry, options.registry_push, login, redact)
    return ExistingProvider(
        options,
        settings.cluster_name.removeprefix(GUEST),
        settings.namespace,
        registry,
        next(iter(settings.project.images.values())).repository,
        cache,
        progress,
        tools.kubectl,
        port=settings.port,
    )
