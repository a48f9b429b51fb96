"""A registry of our own, in a container: the distribution project's, as it is released."""

from __future__ import annotations

import io
import ssl
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from harness.cache import digest
from harness.errors import DeployError
from harness.images import containers
from harness.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from docker.models.containers import Container

    from harness.supply.engine import Engine

OFFICIAL = "registry:3"
PORT = 5000
ROLE = "registry"
_FOLDER = "/etc/distribution"
_ATTEMPTS = 3  # a free port may be taken by someone else before the engine binds it
_WAIT = 20.0  # seconds
_PAUSE = 0.05  # seconds: nothing tells when it listens


class RegistryFailedError(DeployError):
    """The registry's container did not come up."""

    def __init__(self, name: str, seen: str, log: str) -> None:
        super().__init__(
            needed=f"the registry {name} to answer",
            seen=f"{seen}\n{log}".strip(),
            looked=f"the container {name} and its log",
            fix="correct what its last words name, or remove the container and run again",
        )


@dataclass(frozen=True)
class Certificate:
    """What it shows for TLS: files of a certificate chain and its key, both in PEM."""

    chain: Path
    key: Path


@dataclass
class RegistryContainer:
    """A registry in one of the engine's networks, kept until it is deleted.

    Containers in the network reach it at `inside`, this machine and its engine at
    `outside`. Used as a context manager, it is deleted on exit.

    Args:
        engine: where to run it.
        image: the registry's image, see OFFICIAL.
        name: of the container, and its host name in the network.
        network: a network that exists; the engine's default without.
        users: passwords by name; without any, everybody may read and write.
        tls: without it, it speaks plain HTTP.
        owner: what it belongs to, for a clean-up.

    """

    engine: Engine
    image: str
    name: str
    network: str = ""
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: Certificate | None = None
    owner: str = "registries"

    def __enter__(self) -> RegistryContainer:
        self.ensure()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.delete()

    @property
    def inside(self) -> str:
        """HOST:PORT in its network."""
        return f"{self.name}:{PORT}"

    @property
    def outside(self) -> str:
        """HOST:PORT on this machine's loopback. Raises RegistryFailedError."""
        container = self._found()
        port = containers.published(container, PORT) if container else None
        if port is None:
            raise RegistryFailedError(self.name, "it does not run", "")
        return f"{LOOPBACK}:{port}"

    @property
    def address(self) -> str:
        """IP:PORT in its network, which the engine's own machine reaches as well."""
        if (container := self._found()) is None:
            raise RegistryFailedError(self.name, "it does not run", "")
        container.reload()
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        return next(f"{network['IPAddress']}:{PORT}" for network in networks)

    def ensure(self) -> None:
        """Have it run and answer; one that was made otherwise is replaced.

        Raises:
            RegistryFailedError: with its last words.

        """
        container = self._found()
        if container and container.labels.get(containers.CONTENT_LABEL) != self._content():
            self.delete()
            container = None
        if container is None:
            container = self._create()
        elif not containers.state(container)["Running"]:
            container.start()
        self._wait(container)

    def delete(self) -> None:
        """Remove it with all images. Nothing happens when it is not there."""
        if container := self._found():
            containers.remove(container)

    def log(self, lines: int = 30) -> str:
        """Return its last lines."""
        container = self._found()
        if container is None:
            return ""
        return container.logs(tail=lines).decode(errors="replace").strip()

    def _found(self) -> Container | None:
        found = containers.find(self.engine, self.owner, ROLE)
        return next((one for one in found if one.name == self.name), None)

    def _content(self) -> str:
        return digest(
            image=self.engine.image_id(self.image),
            network=self.network,
            users=sorted(self.users.items()),
            tls=[file.read_bytes() for file in (self.tls.chain, self.tls.key)] if self.tls else [],
        )

    def _environment(self) -> dict[str, str]:
        said = {"OTEL_TRACES_EXPORTER": "none", "REGISTRY_STORAGE_DELETE_ENABLED": "true"}
        if self.users:
            said |= {
                "REGISTRY_AUTH": "htpasswd",
                "REGISTRY_AUTH_HTPASSWD_REALM": self.name,
                "REGISTRY_AUTH_HTPASSWD_PATH": f"{_FOLDER}/htpasswd",
            }
        if self.tls:
            said |= {
                "REGISTRY_HTTP_TLS_CERTIFICATE": f"{_FOLDER}/chain.pem",
                "REGISTRY_HTTP_TLS_KEY": f"{_FOLDER}/key.pem",
            }
        return said

    def _files(self) -> dict[str, bytes]:
        files = {}
        if self.users:
            lines = (f"{name}:{_hash(password)}\n" for name, password in self.users.items())
            files["htpasswd"] = "".join(lines).encode()
        if self.tls:
            files |= {
                "chain.pem": self.tls.chain.read_bytes(),
                "key.pem": self.tls.key.read_bytes(),
            }
        return files

    def _create(self) -> Container:
        from docker.errors import APIError

        for attempt in range(_ATTEMPTS):
            container = self.engine.sdk().containers.create(
                self.image,
                name=self.name,
                environment=self._environment(),
                labels=containers.labels(self.owner, ROLE, self._content()),
                ports={f"{PORT}/tcp": (LOOPBACK, free_port())},
                network=self.network or "bridge",
            )
            try:
                container.put_archive(_FOLDER, _archive(self._files()))
                container.start()
            except APIError as error:
                containers.remove(container)
                reason = str(error.explanation or error)
                taken = "port is already allocated" in reason or "in use" in reason
                if not taken or attempt == _ATTEMPTS - 1:
                    raise RegistryFailedError(self.name, reason, "") from error
            else:
                return container
        raise AssertionError("unreachable")

    def _wait(self, container: Container) -> None:
        """Wait until it answers, be it that a name and password are wanted."""
        import httpx

        scheme, verify = "http", ssl.create_default_context()
        if self.tls:
            # Whom it vouches for is its clients' question; here it is asked whether it runs.
            scheme, verify.check_hostname, verify.verify_mode = "https", False, ssl.CERT_NONE
        watch, deadline = containers.ExitWatch(container), time.monotonic() + _WAIT
        last = "no port is published"
        while time.monotonic() < deadline and not watch.exited.wait(_PAUSE):
            try:
                url = f"{scheme}://{self.outside}/v2/"
                answer = httpx.get(url, timeout=5, trust_env=False, verify=verify)
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code in (200, 401):
                return
            last = f"status {answer.status_code}: {answer.text[:300]}"
        if watch.exited.is_set():
            last = f"its container ended with exit code {watch.code}"
        raise RegistryFailedError(self.name, last, self.log())


def _hash(password: str) -> str:
    import bcrypt  # the one scheme that the registry knows

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=5)).decode()


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Return files as the engine takes them."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), 0o444
            archive.addfile(about, io.BytesIO(data))
    return whole.getvalue()
