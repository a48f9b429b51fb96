"""What can be wrong with a container engine, one class a cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.errors import DeployError

_INSTALL = (
    "install Docker (Debian: `make prepare` as root does it; elsewhere Docker Desktop or the"
    " packages of your system)"
)


class EngineMissingError(DeployError):
    """No docker client is on this machine."""

    def __init__(self, looked: Iterable[str]) -> None:
        super().__init__(
            needed="a docker client",
            seen="none",
            looked=", ".join(looked),
            fix=f"{_INSTALL}; DEPLOY_DOCKER names a client that lies elsewhere",
        )


class EngineNotRunningError(DeployError):
    """Nothing answers where the engine should be."""

    def __init__(self, host: str, reason: str, said: str) -> None:
        super().__init__(
            needed="a running container engine",
            seen=said or "no answer",
            looked=f"{host} ({reason})",
            fix="start it (Docker Desktop, `systemctl start docker`, or `make prepare` as root);"
            " DOCKER_HOST names an engine that listens elsewhere",
        )


class EngineForbiddenError(DeployError):
    """The engine is there, and does not let this user in."""

    def __init__(self, host: str, said: str) -> None:
        super().__init__(
            needed="permission to use the container engine",
            seen=said,
            looked=host,
            fix="add yourself to the group that owns the socket (`usermod -aG docker NAME`, then"
            " log in again), or run as root",
        )


class EngineTooOldError(DeployError):
    """The engine is older than what builds and clusters need."""

    def __init__(self, host: str, version: str, minimum: str) -> None:
        super().__init__(
            needed=f"a container engine of version {minimum} or newer",
            seen=f"version {version}",
            looked=host,
            fix="upgrade the engine",
        )


class EngineCannotBuildError(DeployError):
    """No client on this machine can build with BuildKit, which build secrets need."""

    def __init__(self, tried: Mapping[str, str]) -> None:
        super().__init__(
            needed="a docker client that builds with BuildKit",
            seen="\n".join(f"{client}: {said}" for client, said in tried.items()),
            looked="`docker build --help` with DOCKER_BUILDKIT=1, of each client",
            fix="install the buildx component, or a client that has BuildKit built in"
            " (Debian's docker.io); DEPLOY_DOCKER names a client that lies elsewhere",
        )


class EngineNotStartedError(DeployError):
    """The engine was started and did not come up."""

    def __init__(self, said: str, log: str) -> None:
        super().__init__(
            needed="the container engine to come up",
            seen=said,
            looked=log,
            fix="read the engine's last words above; the machine has to offer cgroups, iptables"
            " and overlayfs",
        )
