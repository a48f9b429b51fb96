"""One URL to one file: bounded in time, resumed after a cut, verified."""

from __future__ import annotations

import errno
import hashlib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import httpx

from harness.scope import CommandCancelledError, cancelled
from harness.supply.disk import DiskTooSmallError, check_disk
from harness.supply.download_errors import (
    ChecksumError,
    CutOffError,
    DownloadError,
    RefusedError,
    TooSlowError,
    UnreachableError,
    UntrustedError,
)
from harness.supply.proxy import Routes, proxy_for

_MB = 10**6
_GB = 10**9
_SPARE_GB = 0.1
_SAYS_EVERY = 0.5  # seconds
_BODY_SHOWN = 300  # characters
_PIECE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds, and how often a cut connection is made anew.

    Args:
        connect: until a name is resolved, and until each of its addresses accepts a connection.
        silence: without a byte.
        whole: for everything, all attempts together.
        attempts: connections at most, the first included.
        pause: before the second; twice that before the third, and so on.

    """

    connect: float = 5.0
    silence: float = 20.0
    whole: float = 900.0
    attempts: int = 4
    pause: float = 0.5


def download(
    url: str,
    target: Path,
    *,
    sha256: str,
    environ: Mapping[str, str],
    limits: Limits | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Put the file of a URL at `target`, which exists only when it is whole and verified.

    What has arrived is kept beside it under the name `….part`, and a later call goes on
    from there. The caller sees to it that nobody else downloads to the same place.

    Args:
        url: where it is; redirections are followed.
        target: where it goes; the folder is made.
        sha256: the checksum that it must have, in hex.
        environ: names proxies and certificates.
        limits: bounds in time.
        on_progress: told in words how much has come, at most twice a second.

    Raises:
        UnreachableError, UntrustedError, RefusedError, CutOffError, TooSlowError,
        ChecksumError: see there. Only a cut connection is tried again.
        DiskTooSmallError: there is no room for it.
        CommandCancelledError: the run that this belongs to is being ended.

    """
    bounds = limits or Limits()
    target.parent.mkdir(parents=True, exist_ok=True)
    timeout = httpx.Timeout(bounds.silence, connect=bounds.connect)
    with httpx.Client(
        transport=Routes(environ, bounds.connect),
        timeout=timeout,
        follow_redirects=True,
        trust_env=False,
    ) as client:
        _Transfer(client, url, target, sha256, environ, bounds, on_progress).run()


@dataclass
class _Transfer:
    """One download; `got` and `whole` are bytes, `validator` names what the first part is of."""

    client: httpx.Client
    url: str
    target: Path
    sha256: str
    environ: Mapping[str, str]
    limits: Limits
    on_progress: Callable[[str], None]
    got: int = 0
    whole: int | None = None
    validator: str = ""
    _began: float = field(default_factory=time.monotonic)
    _said: float = 0.0

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def run(self) -> None:
        for attempt in range(1, self.limits.attempts + 1):
            try:
                digest = self._attempt()
                break
            except (httpx.ReadError, httpx.RemoteProtocolError) as error:
                if attempt == self.limits.attempts:
                    said = str(error) or type(error).__name__
                    raise CutOffError(self.url, self.got, self.whole, attempt, said) from error
                self.on_progress(f"cut off after {self.got / _MB:.1f} MB, going on")
                self._in_time()
                time.sleep(self.limits.pause * 2 ** (attempt - 1))
        self._said = 0.0
        self._say()
        if digest != self.sha256:
            self.part.unlink()
            raise ChecksumError(self.url, self.sha256, digest, self.got)
        self.part.rename(self.target)

    def _attempt(self) -> str:
        """Receive all that is missing and return the checksum of the whole.

        Raises:
            httpx.ReadError, httpx.RemoteProtocolError: the connection was cut.
            DownloadError, DiskTooSmallError, CommandCancelledError.

        """
        try:
            with self.part.open("a+b") as file:
                return self._receive(file)
        except httpx.ReadTimeout as error:
            raise TooSlowError.silent(self.url, self.limits.silence, self.got) from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
                raise
            raise self._not_reached(error) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            needed_gb = ((self.whole or self.got) - self.got) / _GB + _SPARE_GB
            raise DiskTooSmallError(self.target.parent, 0.0, needed_gb) from error

    def _receive(self, file: BinaryIO) -> str:
        sha, self.got = _checksum(file)
        headers = {"Accept-Encoding": "identity"}
        if self.got:
            headers["Range"] = f"bytes={self.got}-"
        if self.got and self.validator:
            headers["If-Range"] = self.validator
        with self.client.stream("GET", self.url, headers=headers) as response:
            if self.got and not _goes_on(response, self.got):
                file.truncate(0)
                sha, self.got = hashlib.sha256(), 0
                if response.status_code != httpx.codes.OK:
                    return self._receive(file)  # now without a range
            self._accept(response)
            for data in response.iter_raw():
                self._in_time()
                file.write(data)
                sha.update(data)
                self.got += len(data)
                self._say()
        return sha.hexdigest()

    def _accept(self, response: httpx.Response) -> None:
        """See whether the answer is the file, and whether there is room for it."""
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            status, reason = response.status_code, response.reason_phrase
            by = "" if response.url.host == httpx.URL(self.url).host else response.url.host
            raise RefusedError.answered(self.url, status, reason, by, _shown(response))
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise RefusedError.page(self.url, _shown(response))
        tag = response.headers.get("ETag", "")
        self.validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
        if (length := response.headers.get("Content-Length", "")).isdecimal():
            self.whole = self.got + int(length)
            check_disk(self.target.parent, int(length) / _GB + _SPARE_GB)

    def _in_time(self) -> None:
        if cancelled():
            raise CommandCancelledError(("download", self.url))
        if time.monotonic() - self._began > self.limits.whole:
            raise TooSlowError.late(self.url, self.limits.whole, self.got)

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._said >= _SAYS_EVERY:
            self._said = now
            of = f" of {self.whole / _MB:.0f}" if self.whole else ""
            self.on_progress(f"{self.got / _MB:.0f}{of} MB")

    def _not_reached(self, error: Exception) -> DownloadError:
        """Return the typed error for one of httpx's that came before the file's first byte."""
        said = str(error) or type(error).__name__
        if untrusted := _of_certificate(error):
            return UntrustedError(self.url, untrusted)
        if isinstance(error, httpx.ConnectTimeout):
            said = f"no connection within {self.limits.connect:g} s"
        request = error.request if isinstance(error, httpx.RequestError) else None
        if isinstance(error, httpx.TooManyRedirects | httpx.InvalidURL) or (
            request and request.url != self.url and isinstance(error, httpx.UnsupportedProtocol)
        ):
            return RefusedError.astray(self.url, said)
        asked = request.url if request else httpx.URL(self.url)
        proxy = proxy_for(asked, self.environ)
        if asked.host != httpx.URL(self.url).host:
            said = f"{asked.host}, where it leads to: {said}"
        return UnreachableError(self.url, said, proxy)


def _checksum(file: BinaryIO) -> tuple[hashlib._Hash, int]:
    """Return the checksum so far and the number of bytes, and stand at the end."""
    file.seek(0)
    sha, size = hashlib.sha256(), 0
    while data := file.read(_PIECE):
        sha.update(data)
        size += len(data)
    return sha, size


def _goes_on(response: httpx.Response, got: int) -> bool:
    """Say whether an answer to a question for the rest is that rest, or a final refusal."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        said: str = response.headers.get("Content-Range", "")
        return said.startswith(f"bytes {got}-")
    restarts = (httpx.codes.OK, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE)
    return response.status_code not in restarts


def _shown(response: httpx.Response) -> str:
    """Return the beginning of what was said; nothing when it does not come."""
    text = b""
    try:
        for data in response.iter_raw():
            text += data
            if len(text) >= _BODY_SHOWN:
                break
    except httpx.TransportError:
        return ""
    return text.decode(errors="replace")[:_BODY_SHOWN]


def _of_certificate(error: BaseException | None) -> str:
    """Return what is wrong with a certificate, empty when the cause is another."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message or str(error)
        error = error.__cause__ or error.__context__
    return ""
