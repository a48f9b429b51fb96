"""Why a file could not be downloaded, one class a cause."""

from __future__ import annotations

from harness.errors import DeployError
from harness.redact import Redactor
from harness.supply.authority import VARIABLE

_MB = 10**6


class DownloadError(DeployError):
    """A file did not arrive. `seen` begins with the cause in a few words."""

    def __init__(self, url: str, *, seen: str, fix: str, needed: str = "") -> None:
        shown = Redactor()
        super().__init__(
            needed=shown(needed or f"the file {url}"), seen=shown(seen), looked=shown(url), fix=fix
        )


class UnreachableError(DownloadError):
    """No connection to the place, or to the proxy that leads there."""

    def __init__(self, url: str, said: str, proxy: str) -> None:
        by = f" by the proxy {proxy}" if proxy else ""
        directly = "" if proxy else "\nasked directly, since no proxy is named"
        super().__init__(
            url,
            seen=f"it cannot be reached{by}: {said}{directly}",
            fix="behind a company's proxy set HTTPS_PROXY (and NO_PROXY); or name a mirror by"
            " --deploy-download-mirror",
        )


class UntrustedError(DownloadError):
    """The place, or a proxy in between, shows a certificate of an unknown authority."""

    def __init__(self, url: str, said: str) -> None:
        super().__init__(
            url,
            seen=f"its certificate is not trusted: {said}",
            fix=f"name the authority's certificate by --deploy-ca-bundle=FILE or {VARIABLE}",
        )


class RefusedError(DownloadError):
    """The place answers, with something else than the file.

    Attributes:
        status: the HTTP status, 0 where it is not the point.

    """

    def __init__(self, url: str, status: int, said: str) -> None:
        self.status = status
        super().__init__(
            url,
            seen=said,
            fix="check that this address may be read from here; a mirror is named by"
            " --deploy-download-mirror",
        )

    @classmethod
    def answered(cls, url: str, status: int, reason: str, by: str, body: str) -> RefusedError:
        """Name the status that came in place of the file, and the host that gave it, if another."""
        said = f"refused with status {status} {reason}".rstrip() + (f" by {by}" if by else "")
        return cls(url, status, "\n".join(filter(None, (said, body.strip()))))

    @classmethod
    def page(cls, url: str, body: str) -> RefusedError:
        """Tell that a page came, as of a portal that wants a login or blocks an address."""
        return cls(url, 200, f"refused: a web page came instead of the file\n{body.strip()}")

    @classmethod
    def astray(cls, url: str, said: str) -> RefusedError:
        """Tell that a redirection leads nowhere."""
        return cls(url, 0, f"refused: {said}")


class CutOffError(DownloadError):
    """The connection ended before the file did, each time that it was tried."""

    def __init__(self, url: str, got: int, whole: int | None, tries: int, said: str) -> None:
        of = f" of {whole / _MB:.1f}" if whole else ""
        super().__init__(
            url,
            seen=f"cut off after {got / _MB:.1f}{of} MB, tried {tries} times\n{said}",
            fix="run it again: it goes on where it ended",
        )


class TooSlowError(DownloadError):
    """The file comes too slowly, or nothing comes any more."""

    @classmethod
    def silent(cls, url: str, seconds: float, got: int) -> TooSlowError:
        """Tell that no byte came for a while."""
        return cls(
            url,
            seen=f"too slow: nothing came for {seconds:g} s, {got / _MB:.1f} MB were there",
            fix="run it again: it goes on where it ended",
        )

    @classmethod
    def late(cls, url: str, seconds: float, got: int) -> TooSlowError:
        """Tell that it did not end in time."""
        return cls(
            url,
            seen=f"too slow: after {seconds:g} s only {got / _MB:.1f} MB were there",
            fix="run it again: it goes on where it ended",
        )


class ChecksumError(DownloadError):
    """What arrived is not the file that was pinned. It was removed."""

    def __init__(self, url: str, pinned: str, seen: str, got: int) -> None:
        super().__init__(
            url,
            needed=f"the file {url} with SHA-256 {pinned}",
            seen=f"another file: SHA-256 {seen}, {got} bytes; it was removed",
            fix="find out who serves another file (a mirror, a proxy) before trusting it; or run"
            " again, if it was damaged on its way",
        )
