"""How one logs in at a registry: by the environment, or as the user does it already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.databases.credentials import write_private
from harness.errors import DeployError, Fault
from harness.kube.tenancy import docker_config

USERNAME, PASSWORD = "DEPLOY_REGISTRY_USERNAME", "DEPLOY_REGISTRY_PASSWORD"


class LoginHalfGivenError(DeployError):
    """A name without a password, or the other way round."""

    fault = Fault.INPUT

    def __init__(self, there: str, missing: str) -> None:
        super().__init__(
            needed=f"both {USERNAME} and {PASSWORD}, or neither",
            seen=f"{there} is set, {missing} is not",
            looked="the environment",
            fix=f"set {missing}, too; or take {there} away, for a registry that asks for nothing",
        )


class LoginUnknownError(DeployError):
    """The user's docker configuration has no login at the registry."""

    fault = Fault.INPUT

    def __init__(self, folder: Path, host: str, why: str) -> None:
        super().__init__(
            needed=f"a login at {host} in the docker configuration that was named",
            seen=why,
            looked=str(folder / "config.json"),
            fix=f"`docker --config {folder} login {host}`, or give {USERNAME} and {PASSWORD}",
        )


@dataclass(frozen=True)
class Login:
    """Name and password at a registry. `repr` shows neither."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @classmethod
    def find(cls, host: str, environ: Mapping[str, str], folder: Path | None) -> Login | None:
        """Return the login, None where none is given: the registry may ask for nothing.

        Args:
            host: HOST[:PORT] of the registry.
            environ: may hold USERNAME and PASSWORD, which come first.
            folder: of the user's docker configuration, used only if it is named.

        Raises:
            LoginHalfGivenError, LoginUnknownError.

        """
        given = {name: environ.get(name, "") for name in (USERNAME, PASSWORD)}
        if all(given.values()):
            return cls(given[USERNAME], given[PASSWORD])
        if any(given.values()):
            there, missing = sorted(given, key=lambda name: not given[name])
            raise LoginHalfGivenError(there, missing)
        return cls._of_user(host, folder) if folder else None

    @classmethod
    def _of_user(cls, host: str, folder: Path) -> Login:
        """Ask as docker does, with the programs that keep passwords for it."""
        from docker import auth
        from docker.errors import DockerException

        file = folder / "config.json"
        if not file.is_file():
            raise LoginUnknownError(folder, host, "there is no such file")
        try:
            found = auth.load_config(config_path=str(file)).resolve_authconfig(host)
        except DockerException as error:
            raise LoginUnknownError(folder, host, str(error)) from error
        if not found or not (found.get("username") or found.get("Username")):
            raise LoginUnknownError(folder, host, f"it knows no name and password for {host}")
        name, word = (found.get(k) or found.get(k.title()) for k in ("username", "password"))
        return cls(str(name), str(word or ""))

    def config(self, *hosts: str) -> str:
        """Return a docker configuration in JSON with this login at some registries."""
        return docker_config((self.username, self.password), *hosts)


@contextmanager
def docker_folder(login: Login | None, *hosts: str) -> Iterator[Path]:
    """Have a configuration folder for the docker client, readable by its owner alone.

    Passed on each call, it keeps the user's own logins out of it, and ours out of theirs.
    """
    with TemporaryDirectory(prefix="deploy-registry-") as folder:
        content = login.config(*hosts) if login else json.dumps({})
        write_private(Path(folder) / "config.json", content)
        yield Path(folder)
