"""A container at work: waiting for its answer, reading its log, stopping it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.errors import DeployError, Fault
from harness.images import containers
from harness.images.logs import error_lines
from harness.redact import Redactor

if TYPE_CHECKING:
    from docker.models.containers import Container

_LOOPBACK_S = 3.0  # a server that listens on loopback only for so long will not change its mind
_CONNECT_S = 1.0  # this machine is next to it
_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
_LOOPBACKS = ("0100007F", "00000000000000000000000001000000")


class ContainerExitedError(DeployError):
    """A container that should have gone on ended by itself."""

    fault = Fault.PROJECT

    def __init__(self, image: str, code: int | None, seconds: float, log: str) -> None:
        self.code = code
        super().__init__(
            needed=f"a container of {image} to keep running",
            seen=f"it ended after {seconds:.1f} s with exit code {code}; its last words:\n{log}",
            looked="the engine's events and the container's log",
            fix="read its last words; a variable that it needs may be missing or wrong",
        )


class ContainerSilentError(DeployError):
    """A container runs, but does not answer on its port as it should."""

    fault = Fault.PROJECT

    def __init__(
        self, image: str, url: str, wanted: str, last: str, log: str, *, loopback: bool
    ) -> None:
        fix = "see its log above; check that it listens on this port"
        where = ""
        if loopback:
            where = "it listens on 127.0.0.1 inside the container, where nobody else reaches it\n"
            fix = "make the server listen on 0.0.0.0"
        super().__init__(
            needed=f"a container of {image} to answer {wanted}",
            seen=f"{where}last: {last}\nits log:\n{log}",
            looked=url,
            fix=fix,
        )


@dataclass(frozen=True)
class Answer:
    """What a container said over HTTP, `seconds` after its start."""

    status: int
    body: str
    headers: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Stopped:
    """How a container ended after SIGTERM; `killed` when it had to be forced."""

    exit_code: int | None
    seconds: float
    killed: bool


class Running:
    """A started container. `url` leads to its port from this machine."""

    def __init__(
        self,
        image: str,
        port: int | None,
        container: Container,
        redact: Redactor,
        network: str = "",
    ) -> None:
        self.image, self.container = image, container
        self._port, self._redact, self._network = port, redact, network
        self._started = time.monotonic()
        self.watch = containers.ExitWatch(container)

    @property
    def url(self) -> str:
        """Return the address of its port: on this machine, or in a network without a way out.

        Raises:
            ContainerExitedError: it has ended, so that it has no port any more.

        """
        if self._network and self._port:
            if address := containers.address_in(self.container, self._network):
                return f"http://{address}:{self._port}"
            raise self._exited()
        port = containers.published(self.container, self._port) if self._port else None
        if port is None:
            raise self._exited()
        return f"http://127.0.0.1:{port}"

    def answers(
        self, path: str = "/", *, status: int | None = 200, timeout: float = 60.0
    ) -> Answer:
        """Ask until it answers, and return the first fitting answer.

        Args:
            path: path to ask for.
            status: the HTTP status to wait for; None for any.
            timeout: seconds.

        Raises:
            ContainerExitedError: at once when it ends by itself.
            ContainerSilentError: no fitting answer in time; tells the last one. At once
                when it listens where nobody outside the container can reach it.

        """
        import httpx

        url = self.url + path
        wanted = f"{status} at {path}" if status else f"at {path}"
        last = "nothing was asked yet"
        deadline = time.monotonic() + timeout
        loopback, look = False, time.monotonic() + _LOOPBACK_S
        patience = httpx.Timeout(5, connect=_CONNECT_S)
        with httpx.Client(timeout=patience, trust_env=False) as client:
            while time.monotonic() < deadline:
                try:
                    said = client.get(url)
                except httpx.HTTPError as error:
                    last = f"{type(error).__name__}: {error}"
                    if self.watch.exited.is_set():  # whose address is nobody's any more
                        raise self._exited() from error
                    if time.monotonic() > look:
                        before, loopback = loopback, self._only_on_loopback()
                        look += _LOOPBACK_S
                        if before and loopback:
                            break
                else:
                    if status in (None, said.status_code):
                        seconds = time.monotonic() - self._started
                        return Answer(said.status_code, said.text, dict(said.headers), seconds)
                    last = f"status {said.status_code}: {self._redact(said.text[:500])}"
                if self.watch.exited.wait(0.2):
                    raise self._exited()
        loopback = loopback or self._only_on_loopback()
        log = containers.tail(self.container, self._redact)
        within = f"{wanted} within {timeout:.0f} s"
        raise ContainerSilentError(self.image, url, within, last, log, loopback=loopback)

    def log(self) -> str:
        """Return all that it wrote, without secrets."""
        raw: bytes = self.container.logs()
        return self._redact(raw.decode(errors="replace"))

    def errors(self, ignore: Sequence[str] = ()) -> list[str]:
        """Return the lines of its log that announce an error (see `logs.error_lines`)."""
        return error_lines(self.log(), ignore)

    def stop(self, grace: float = 10.0) -> Stopped:
        """Send SIGTERM, wait at most `grace` seconds for its end, then force it.

        Raises:
            ContainerExitedError: it had already ended before.

        """
        if self.watch.exited.is_set():
            raise self._exited()
        begun = time.monotonic()
        self.container.kill("SIGTERM")
        obeyed = self.watch.exited.wait(grace)
        if not obeyed:
            self.container.kill("SIGKILL")
            self.watch.exited.wait(10)
        return Stopped(self.watch.code, time.monotonic() - begun, killed=not obeyed)

    def _exited(self) -> ContainerExitedError:
        self.watch.exited.wait(5)
        log = containers.tail(self.container, self._redact)
        seconds = time.monotonic() - self._started
        return ContainerExitedError(self.image, self.watch.code, seconds, log)

    def _only_on_loopback(self) -> bool:
        """Say whether its port is bound to 127.0.0.1, which no one outside can reach."""
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            code, output = cast("tuple[int, bytes]", self.container.exec_run(["cat", table]))
            if code != 0:
                continue
            for line in output.decode(errors="replace").splitlines()[1:]:
                words = line.split()
                address, _, port = words[1].partition(":")
                if words[3] == _LISTEN and int(port, 16) == self._port:
                    found.add(address)
        return bool(found) and found <= set(_LOOPBACKS)
