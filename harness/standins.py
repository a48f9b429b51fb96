"""A service of the project that stands in for an HTTP API outside the cluster."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from harness.cache import digest
from harness.databases.credentials import write_private
from harness.errors import DeployError
from harness.images import containers
from harness.images.running import ContainerExitedError, ContainerSilentError, Running
from harness.images.spec import ImageSpec
from harness.ports import free_port
from harness.redact import Redactor

if TYPE_CHECKING:
    from docker.models.containers import Container

    from harness.cache import Cache
    from harness.images.build import Builder
    from harness.progress import Progress
    from harness.supply.engine import Engine

KEY_VARIABLE = "STANDIN_API_KEY"
_ATTEMPTS = 3  # a free port may be taken by someone else before the engine binds it


class StandInFailedError(DeployError):
    """A stand-in did not come up, or does not answer as healthy."""

    def __init__(self, name: str, image: str, seen: str, fix: str) -> None:
        super().__init__(
            needed=f"the stand-in {name} to answer",
            seen=seen,
            looked=f"a container of {image}, its health path and its log",
            fix=fix,
        )


@dataclass(frozen=True)
class StandIn:
    """A stand-in as the project describes it.

    Its server gets the API key that clients must show in the variable STANDIN_API_KEY.

    Args:
        name: what it stands in for; part of its host name.
        image: how to build it.
        port: the port that it listens on.
        health: path that answers 200 when it is ready.
        env: further variables for it.

    """

    name: str
    image: ImageSpec
    port: int
    health: str = "/health"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunningStandIn:
    """Where a stand-in is reached: by pods and from this machine, and with which key."""

    name: str
    host: str
    port: int
    url_in_cluster: str
    url_on_host: str
    image: str
    adopted: bool
    key: str = field(repr=False)

    def get(self, path: str, timeout: float = 5.0) -> Any:
        """Return the JSON at a path, asked from this machine with the key.

        Raises:
            httpx.HTTPError: no answer within `timeout` seconds, or a status of 400 and up.

        """
        headers = {"Authorization": f"Bearer {self.key}"}
        said = httpx.get(self.url_on_host + path, headers=headers, timeout=timeout, trust_env=False)
        said.raise_for_status()
        return said.json()


@dataclass(frozen=True)
class StandIns:
    """The stand-ins of one cluster, kept from run to run.

    Args:
        engine: where to run them.
        builder: builds their images.
        cache: keeps their keys (readable by the user alone) and the locks.
        progress: told what is going on.
        cluster: the cluster that they belong to; part of their names.
        network: the engine's network that the cluster's nodes are in; "" when they are in
            none of this machine's.
        timeout: seconds that one may take until it is healthy.

    """

    engine: Engine
    builder: Builder
    cache: Cache
    progress: Progress
    cluster: str
    network: str = "kind"
    timeout: float = 60.0

    def ensure(self, standin: StandIn) -> RunningStandIn:
        """Return the stand-in, healthy, from the present sources; adopt it if it runs.

        Containers in the side network (`containers.side_network`) reach it at once, pods
        once `join` has been called: here when the cluster's network is there already.

        Raises:
            StandInFailedError: it does not become healthy; tells its last words.
            DeployError: its image cannot be built (see `Builder.build`).

        """
        image = self.builder.build(standin.image)
        with self.cache.lock(f"standin-{self.cluster}-{standin.name}"):
            key = self.key(standin)
            content = digest(image=image.id, env=sorted(standin.env.items()), key=key)
            container = self._adopt(standin, content, key)
            adopted = container is not None
            if container is None:
                self._remove(standin.name)
                with self.progress.step(f"starting stand-in {standin.name}") as step:
                    container = self._create(standin, image.ref, content, key)
                    step.result = image.ref
            else:
                self.progress.choice("stand-in", standin.name, "runs already")
            side = containers.side_network(self.engine, self.cache, self.cluster)
            containers.join(self.engine, container, side, self._host(standin.name))
            try:
                self.join(standin.name)
            except containers.NetworkMissingError:
                reason = f"pods reach it once the network {self.network} is there"
                self.progress.choice("stand-in", standin.name, reason)
        return RunningStandIn(
            name=standin.name,
            host=self._host(standin.name),
            port=standin.port,
            url_in_cluster=f"http://{self._host(standin.name)}:{standin.port}",
            url_on_host=self._on_host(container, standin) or "",
            image=image.ref,
            adopted=adopted,
            key=key,
        )

    def join(self, name: str, network: str = "") -> None:
        """Let the cluster's pods reach it by name; needed when it started before the cluster.

        Args:
            name: of the stand-in.
            network: another of the engine's networks, whose containers are to reach it.

        Raises:
            containers.NetworkMissingError: the network is not there.

        """
        if not (network := network or self.network):
            return
        for container in containers.find(self.engine, self.cluster, self._role(name)):
            containers.join(self.engine, container, network, self._host(name))

    def delete(self, name: str) -> None:
        """Remove a stand-in. Nothing happens when there is none."""
        self._remove(name)
        containers.remove_side_network(self.engine, self.cluster)

    def _remove(self, name: str) -> None:
        for container in containers.find(self.engine, self.cluster, self._role(name)):
            containers.remove(container)

    def _role(self, name: str) -> str:
        return f"standin-{name}"

    def _host(self, name: str) -> str:
        return f"{name}.{self.cluster}.internal"

    def key(self, standin: StandIn) -> str:
        """Return the key that clients must show; made at the first time, then kept."""
        file = self.cache.root / "standins" / f"{self.cluster}-{standin.name}.json"
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["key"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            key = secrets.token_urlsafe(24)
            write_private(file, json.dumps({"key": key}))
            return key

    def _adopt(self, standin: StandIn, content: str, key: str) -> Container | None:
        from docker.errors import APIError

        for container in containers.find(self.engine, self.cluster, self._role(standin.name)):
            if container.labels.get(containers.CONTENT_LABEL) != content:
                return None
            try:
                if not containers.state(container)["Running"]:
                    container.start()
                self._wait(standin, container, "adopted", key)
            except (StandInFailedError, APIError) as error:
                self.progress.choice("stand-in", standin.name, f"started anew: {_cause(error)}")
                return None
            return container
        return None

    def _create(self, standin: StandIn, ref: str, content: str, key: str) -> Container:
        from docker.errors import APIError

        sdk = self.engine.sdk()
        for attempt in range(_ATTEMPTS):
            container = sdk.containers.create(
                ref,
                name=f"{self.cluster}-{standin.name}",
                environment={**standin.env, KEY_VARIABLE: key},
                labels=containers.labels(self.cluster, self._role(standin.name), content),
                ports={f"{standin.port}/tcp": ("127.0.0.1", free_port())},
                read_only=True,
                tmpfs={"/tmp": "mode=1777"},  # noqa: S108 - a path in the container
                cap_drop=["ALL"],
            )
            try:
                container.start()
                break
            except APIError as error:
                containers.remove(container)
                taken = "port is already allocated" in str(error) or "in use" in str(error)
                if not taken or attempt == _ATTEMPTS - 1:
                    reason = str(error.explanation or error)
                    fix = "correct its image or port as the engine's words say"
                    raise StandInFailedError(standin.name, ref, reason, fix) from error
        try:
            self._wait(standin, container, ref, key)
        except BaseException:
            containers.remove(container)
            raise
        return container

    def _wait(self, standin: StandIn, container: Container, ref: str, key: str) -> None:
        running = Running(ref, standin.port, container, Redactor((key,)))
        try:
            running.answers(standin.health, timeout=self.timeout)
        except (ContainerExitedError, ContainerSilentError) as error:
            raise StandInFailedError(standin.name, ref, error.seen, error.fix) from error

    def _on_host(self, container: Container, standin: StandIn) -> str | None:
        port = containers.published(container, standin.port)
        return f"http://127.0.0.1:{port}" if port else None


def _cause(error: Exception) -> str:
    return error.headline if isinstance(error, DeployError) else str(error)
