"""The container engine: which client and server, and calls to them."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cache import Cache
from harness.command import (
    CommandMissingError,
    CommandTimedOutError,
    Completed,
    run,
)
from harness.labels import MANAGED, PREFIX
from harness.progress import Progress
from harness.supply import daemon, debian
from harness.supply.engine_errors import (
    EngineCannotBuildError,
    EngineForbiddenError,
    EngineMissingError,
    EngineNotRunningError,
    EngineTooOldError,
)
from harness.supply.registry import registry_reachable as registry_reachable

if TYPE_CHECKING:
    import docker

DEFAULT_HOST = "unix:///var/run/docker.sock"
#: The first engine with a BuildKit that mounts secrets without an experimental switch.
MINIMUM = (20, 10)
# Clients may lie behind another of the same name: each folder of the PATH, then these.
_FOLDERS = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin", "/snap/bin")
# What installing and starting Debian's engine helps against.
_CURABLE = (EngineMissingError, EngineNotRunningError, EngineCannotBuildError)
_SERVER = ("docker.io",)
_CLIENT = ("docker-cli", "docker-buildx")  # from trixie on; before, docker.io holds both
_TIMEOUT = 30.0
_SDK_TIMEOUT = 120


@dataclass(frozen=True)
class Engine:
    """A container engine, and the client that builds with it.

    Args:
        client: a docker client that can build with BuildKit.
        host: address of the server, passed on each call; nothing ambient counts.
        version: of the server.
        reason: why this client and this server.

    """

    client: Path
    host: str
    version: str
    reason: str
    _local: threading.local = field(
        default_factory=threading.local, repr=False, compare=False, hash=False
    )

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process without this one's connections."""
        return (Engine, (self.client, self.host, self.version, self.reason))

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine, and not on another one."""
        return self.host.startswith("unix://")

    def argv(self, *args: str | Path) -> list[str]:
        """Return the argument list of a call."""
        return [str(self.client), "--host", self.host, *map(str, args)]

    def run(self, *args: str | Path, timeout: float, **options: Any) -> Completed:
        """Run the client with BuildKit switched on; see `harness.command.run`."""
        env = {"DOCKER_BUILDKIT": "1", **(options.pop("env", None) or {})}
        return run(self.argv(*args), timeout=timeout, env=env, **options)

    def sdk(self) -> docker.DockerClient:
        """Return the Python client of the same server, one for each thread.

        Raises:
            EngineNotRunningError: nothing answers any more.

        """
        import docker  # half a second that a run without containers need not pay

        client: docker.DockerClient | None = getattr(self._local, "client", None)
        if client is None:
            if not daemon.answers(self.host):
                raise EngineNotRunningError(self.host, self.reason, "no answer")
            client = docker.DockerClient(base_url=self.host, timeout=_SDK_TIMEOUT)
            self._local.client = client
        return client

    def image_id(self, ref: str) -> str | None:
        """Return the id of an image in the engine, None when it has none of that name."""
        shown = self.run(
            "image", "inspect", "--format", "{{.Id}}", ref, timeout=_TIMEOUT, check=False
        )
        return (shown.stdout.strip() or None) if shown.returncode == 0 else None

    def has_image(self, ref: str) -> bool:
        """Say whether the engine has an image."""
        return self.image_id(ref) is not None

    def image_labels(self, ref: str) -> dict[str, str]:
        """Return the labels of an image, empty when the engine has none of that name."""
        shown = self.run(
            "image", "inspect", "--format", "{{json .Config.Labels}}", ref,
            timeout=_TIMEOUT, check=False,
        )  # fmt: skip
        return dict(json.loads(shown.stdout) or {}) if shown.returncode == 0 else {}

    def labels(self, **more: str) -> list[str]:
        """Return the options that label something as ours; `_` in a name stands for `-`."""
        facts = {MANAGED: "true"} | {
            f"{PREFIX}{name.replace('_', '-')}": value for name, value in more.items()
        }
        return [word for name, value in facts.items() for word in ("--label", f"{name}={value}")]


def find_engine(environ: Mapping[str, str], progress: Progress) -> Engine:
    """Return the engine that is there; nothing is installed or started.

    The server is the one that DOCKER_HOST names, else the client's current context,
    else the usual socket. Of the clients the first that can build is taken.

    Raises:
        EngineMissingError, EngineNotRunningError, EngineForbiddenError,
        EngineTooOldError, EngineCannotBuildError.

    """
    clients = list(_clients(environ))
    if not clients:
        raise EngineMissingError(_looked(environ))
    host, reason = _host(environ, clients[0])
    version = _server(clients, host, reason)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < MINIMUM:
        raise EngineTooOldError(host, version, ".".join(map(str, MINIMUM)))
    tried: dict[str, str] = {}
    for client in clients:
        if problem := _build_problem(client, host):
            tried[str(client)] = problem
            continue
        passed = f"; passed over {', '.join(tried)}: no BuildKit" if tried else ""
        engine = Engine(client, host, version, f"{reason}{passed}")
        progress.choice("engine", f"{version} at {host}, client {client}", engine.reason)
        return engine
    raise EngineCannotBuildError(tried)


def ensure_engine(environ: Mapping[str, str], progress: Progress, cache: Cache) -> Engine:
    """Return the engine; as root on Debian install and start it when it is not there.

    An engine that DOCKER_HOST or a context names is someone's choice and is only found.

    Raises:
        What `find_engine` raises where it cannot be helped here, EngineNotStartedError,
        PackagesNotInstalledError.

    """
    try:
        return find_engine(environ, progress)
    except _CURABLE:
        named = next(iter(_clients(environ)), None)
        host = _host(environ, named)[0] if named else environ.get("DOCKER_HOST", DEFAULT_HOST)
        if host != DEFAULT_HOST or not debian.may_install():
            raise
    with cache.lock("engine"):
        try:
            return find_engine(environ, progress)  # another process was faster
        except _CURABLE as error:
            if not isinstance(error, EngineNotRunningError) or not daemon.program():
                debian.install(_SERVER, cache, progress, where_offered=_CLIENT)
            if not daemon.answers(DEFAULT_HOST):
                daemon.start(cache, progress, environ)
        return find_engine(environ, progress)


def _looked(environ: Mapping[str, str]) -> list[str]:
    folders = [*environ.get("PATH", "").split(os.pathsep), *_FOLDERS]
    return list(dict.fromkeys(folder for folder in folders if folder))


def _clients(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield every client, in the order of preference, each program once."""
    if named := environ.get("DEPLOY_DOCKER"):
        yield Path(named)
        return
    seen: set[Path] = set()
    for folder in _looked(environ):
        found = shutil.which("docker", path=folder)
        if found and Path(found).resolve() not in seen:
            seen.add(Path(found).resolve())
            yield Path(found)


def _host(environ: Mapping[str, str], client: Path) -> tuple[str, str]:
    if named := environ.get("DOCKER_HOST"):
        return named, "named by DOCKER_HOST"
    words: list[str | Path] = [
        client,
        "context",
        "inspect",
        "--format",
        "{{.Endpoints.docker.Host}}",
    ]
    try:
        said = run(words, timeout=_TIMEOUT, check=False)
    except (CommandMissingError, CommandTimedOutError):
        return DEFAULT_HOST, "the usual socket"
    host = said.stdout.strip()
    if said.returncode == 0 and "://" in host and host != DEFAULT_HOST:
        return host, "the client's current context"
    return DEFAULT_HOST, "the usual socket"


def _server(clients: list[Path], host: str, reason: str) -> str:
    """Return the server's version, told by the first client that it answers."""
    said = ""
    for client in clients:
        words: list[str | Path] = [client, "--host", host, "version", "--format", "{{json .}}"]
        try:
            done = run(words, timeout=_TIMEOUT, check=False)
        except CommandMissingError as error:
            said = f"{client}: {error.seen}"
            continue
        except CommandTimedOutError:
            said = f"no answer to {client} within {_TIMEOUT:.0f} s"
            continue
        if done.returncode == 0:
            return str(((json.loads(done.stdout) or {}).get("Server") or {}).get("Version") or "0")
        said = done.stderr.strip()
        if "permission denied" in said.lower():
            raise EngineForbiddenError(host, said)
    raise EngineNotRunningError(host, reason, said)


def _build_problem(client: Path, host: str) -> str:
    """Return why a client cannot build, empty when it can. Asking for help suffices to know."""
    words: list[str | Path] = [client, "--host", host, "build", "--help"]
    try:
        done = run(words, timeout=_TIMEOUT, env={"DOCKER_BUILDKIT": "1"}, check=False)
    except (CommandMissingError, CommandTimedOutError) as error:
        return error.seen
    if done.returncode == 0 and "--secret" in done.stdout:
        return ""
    lines = (done.stderr.strip() or "it does not know build secrets").splitlines()
    return next((line for line in lines if "ERROR" in line), lines[0])
