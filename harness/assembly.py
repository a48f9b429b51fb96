"""Putting a deployment together from what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cache import Cache
from harness.clusters.base import Provider
from harness.clusters.kind import KindProvider
from harness.clusters.minikube import MinikubeProvider
from harness.clusters.usage import Usage
from harness.deployment import Deployment
from harness.images.build import Builder
from harness.images.project import ProjectImages
from harness.jobs import Jobs
from harness.options import GUEST, MINIKUBE
from harness.outside import Outside
from harness.probes.image import ProbeSource
from harness.progress import Progress
from harness.redact import Redactor
from harness.secrets import secret_values
from harness.settings import Settings
from harness.supply.bases import Bases
from harness.supply.disk import check_disk, room_to_run_gb
from harness.supply.minikubebase import BASE
from harness.supply.nodes import find_node_image
from harness.supply.tools import Tools, find_minikube, find_tools
from harness.tenant import BESIDE_PORTS, NODE_PORTS

if TYPE_CHECKING:
    from harness.clusters.existing.provider import ExistingProvider
    from harness.registries.registry import Registry
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
    tools = find_tools(engine, cache, progress, environ)
    jobs, guest, network = Jobs(), None, ""
    registry = _registry(settings, engine, redact) if settings.existing else None
    adopt = registry.adopt if registry else None
    probe = ProbeSource(jobs, engine, cache, progress, environ, adopt)
    if registry is not None:
        guest = _guest(settings, tools, registry, cache, progress, probe)
        provider: Provider = guest
    else:
        provider, network = _provider(settings, cache, progress, engine, tools)
    secrets = secret_values(project, cache, settings.cluster_name, environ)
    redact.add(*secrets.values())
    bases = Bases(engine, cache, progress, environ)
    builder = Builder(
        engine,
        bases,
        cache,
        progress,
        environ,
        redact=redact,
        limits=settings.limits,
        as_of=settings.as_of,
    )
    return Deployment(
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
            adopt=adopt,
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
            network=network,
            guest=guest,
        ),
        probe=probe,
        provider=provider,
        secrets=secrets,
        jobs=jobs,
        usage=Usage(cache, settings.tenant),
        guest=guest,
    )


def _registry(settings: Settings, engine: Engine, redact: Redactor) -> Registry:
    from harness.registries.login import Login
    from harness.registries.registry import Registry

    options = settings.existing
    assert options is not None
    host = options.registry_push.partition("/")[0]
    login = Login.find(host, settings.environ, options.registry_config)
    if login:
        redact.add(login.password)
    return Registry(engine, options.registry, options.registry_push, login, redact)


def _guest(
    settings: Settings,
    tools: Tools,
    registry: Registry,
    cache: Cache,
    progress: Progress,
    probe: ProbeSource,
) -> ExistingProvider:
    from harness.clusters.existing.provider import ExistingProvider

    assert settings.existing is not None
    return ExistingProvider(
        settings.existing,
        settings.cluster_name.removeprefix(GUEST),
        settings.namespace,
        registry,
        next(iter(settings.project.images.values())).repository,
        cache,
        progress,
        tools.kubectl,
        probe.ref,
        port=settings.port,
    )


def _provider(
    settings: Settings, cache: Cache, progress: Progress, engine: Engine, tools: Tools
) -> tuple[Provider, str]:
    """Return what brings up the cluster, and the engine's network that its nodes are in."""
    environ, name = settings.environ, settings.cluster_name
    host_port, node_ports = settings.port or None, NODE_PORTS + BESIDE_PORTS
    if settings.cluster == MINIKUBE:
        minikube = MinikubeProvider(
            name,
            find_minikube(cache, progress, environ),
            engine,
            find_node_image(engine, cache, progress, environ, BASE),
            cache,
            progress,
            driver=settings.minikube_driver,
            host_port=host_port,
            node_ports=node_ports,
        )
        return minikube, name  # it makes a network for each profile
    kind = KindProvider(
        name,
        tools,
        engine,
        find_node_image(engine, cache, progress, environ),
        cache,
        progress,
        host_port=host_port,
        node_ports=node_ports,
        nodes=settings.nodes,
    )
    return kind, "kind"
