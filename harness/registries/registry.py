"""A registry that a cluster pulls from: images are brought there by the engine."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clusters.base import Loaded
from harness.clusters.errors import ImageMissingError
from harness.command import CommandFailedError, CommandTimedOutError
from harness.errors import DeployError
from harness.redact import Redactor
from harness.registries.login import PASSWORD, USERNAME, Login, docker_folder

if TYPE_CHECKING:
    from harness.supply.engine import Engine

_PUSH = 900.0  # seconds
_ASK = 60.0
_AT_ONCE = 3
_CHECK_TAG = "deploy-check"
_INSECURE = (
    "let it speak TLS; or name it under insecure-registries in the engine's daemon.json; or, where"
    " it has a port on this machine, --deploy-registry-push=127.0.0.1:PORT, which the engine uses"
    " without TLS"
)
#: What the engine says, the cause in our words, and what helps.
_CAUSES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("http response to https",),
        "it speaks plain HTTP, where the engine insists on TLS",
        _INSECURE,
    ),
    (
        ("x509", "certificate", "tls:"),
        "its certificate is not trusted",
        "put its authority's certificate at /etc/docker/certs.d/{host}/ca.crt on the engine's"
        " machine (the nodes of the cluster have to trust it, too)",
    ),
    (
        ("unauthorized", "no basic auth", "authentication required", "401"),
        "it wants a name and password, or other ones",
        f"set {USERNAME} and {PASSWORD}, or name a docker configuration that is logged in:"
        " --deploy-registry-config=FOLDER",
    ),
    (
        ("denied", "forbidden", "403"),
        "this account may not push there",
        "give the account the right to push to {place}, or choose another path with"
        " --deploy-registry",
    ),
    (
        ("connection refused", "no such host", "timeout", "timed out", "no route", "unreachable"),
        "the engine does not reach it",
        "correct --deploy-registry, or name the registry as the engine reaches it:"
        " --deploy-registry-push",
    ),
)


class RegistryRefusedError(DeployError):
    """A registry does not take an image. `cause` is in our words, "" when it is not known."""

    def __init__(self, place: str, said: str) -> None:
        host, low = place.partition("/")[0], said.lower()
        known = next((c for c in _CAUSES if any(words in low for words in c[0])), None)
        self.cause = known[1] if known else ""
        fix = known[2] if known else "read the engine's words above"
        super().__init__(
            needed=f"the registry {place} to take images",
            seen=f"{self.cause}: {said}" if self.cause else said,
            looked="an image that the engine pushed there",
            fix=fix.format(host=host, place=place),
        )


@dataclass
class Registry:
    """One registry, or a path of it, under one or two addresses.

    Args:
        engine: pushes.
        pull: HOST[:PORT][/PATH] as the cluster's nodes know it; part of the images' names.
        push: the same as the engine knows it.
        login: name and password, None where it asks for nothing.
        redact: applied to what an error shows.

    """

    engine: Engine
    pull: str
    push: str
    login: Login | None = None
    redact: Redactor = field(default_factory=Redactor)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its addresses without a path."""
        return tuple(dict.fromkeys(place.partition("/")[0] for place in (self.pull, self.push)))

    def named(self, ref: str) -> str:
        """Return the name under which the cluster pulls an image of the engine."""
        return ref if ref.startswith(f"{self.pull}/") else f"{self.pull}/{ref}"

    def adopt(self, ref: str) -> str:
        """Give an image of the engine the name under which the cluster pulls it; return it."""
        name = self.named(ref)
        if name != ref:
            self.engine.run("tag", ref, name, timeout=_ASK)
        return name

    def check(self, repository: str) -> None:
        """Push an image with nothing in it, and so see that all of the way is open.

        Args:
            repository: to push it to, without the registry; one that will be used anyway.

        Raises:
            RegistryRefusedError: with the cause.

        """
        ref = f"{self.push}/{repository}:{_CHECK_TAG}"
        empty = io.BytesIO()
        with tarfile.open(fileobj=empty, mode="w") as archive:
            about = tarfile.TarInfo("empty")
            archive.addfile(about)
        labels = [f"--change=LABEL {word}" for word in self.engine.labels()[1::2]]
        self.engine.run("import", *labels, "-", ref, timeout=_ASK, stdin=empty.getvalue())
        try:
            self._push(ref)
        finally:
            self.engine.run("rmi", ref, timeout=_ASK, check=False)

    def put(self, refs: Sequence[str]) -> Loaded:
        """Have the registry hold images of the engine; push those that it lacks.

        Args:
            refs: names with the registry before them, see `adopt`.

        Raises:
            ImageMissingError, RegistryRefusedError.

        """
        started, wanted = time.monotonic(), list(dict.fromkeys(map(self.named, refs)))
        if lacks := [ref for ref in wanted if not self.engine.has_image(ref)]:
            raise ImageMissingError(lacks)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push") as pool:
            pushed = dict(zip(wanted, pool.map(self._bring, wanted), strict=True))
        return Loaded(
            loaded=tuple(ref for ref in wanted if pushed[ref]),
            already_there=tuple(ref for ref in wanted if not pushed[ref]),
            pruned=(),
            seconds=time.monotonic() - started,
        )

    def _bring(self, ref: str) -> bool:
        """Push an image unless it is there; return whether it was pushed."""
        there = self.push + ref.removeprefix(self.pull)
        if there != ref:
            self.engine.run("tag", ref, there, timeout=_ASK)
        if (digest := self._digest(there)) and digest in self._digests(there):
            return False
        self._push(there)
        return True

    def _digest(self, ref: str) -> str:
        """Return what the registry holds under a name, as the engine is told; "" for nothing."""
        from docker.errors import APIError, NotFound

        auth = self.login and {"username": self.login.username, "password": self.login.password}
        try:
            data = self.engine.sdk().images.get_registry_data(ref, auth_config=auth or {})
        except NotFound:
            return ""
        except APIError:
            return ""  # pushing says what is wrong
        return str(data.id)

    def _digests(self, ref: str) -> set[str]:
        """Return the digests under which registries are known to hold the engine's image."""
        attributes = self.engine.sdk().images.get(ref).attrs
        known = {str(name).partition("@")[2] for name in attributes.get("RepoDigests") or ()}
        return known | {str(attributes["Id"])}

    def _push(self, ref: str) -> None:
        with docker_folder(self.login, *self.hosts) as folder:
            words = ("--config", folder, "push", "--quiet", ref)
            try:
                self.engine.run(*words, timeout=_PUSH, redact=self.redact)
            except (CommandFailedError, CommandTimedOutError) as error:
                output = error.completed.stderr.strip() or error.completed.stdout.strip()
                said = self.redact(output.splitlines()[-1] if output else error.seen)
                raise RegistryRefusedError(self.push, said) from error
