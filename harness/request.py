"""One request to an application, and what became of it."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_BODY = 200  # characters of an answer that is an error


@dataclass(frozen=True)
class Request:
    """One request on a connection of its own.

    Attributes:
        at: seconds from the first request's start to this one's.
        seconds: how long it took.
        status: of the answer; None when there was none.
        failure: "" for a good answer, else its kind: `refused`, `reset`, `timeout`,
            `unreachable`, `broken` (no valid HTTP) or `status NNN`.
        words: what was said about the failure.

    """

    at: float
    seconds: float
    status: int | None
    failure: str = ""
    words: str = ""

    @property
    def ended(self) -> float:
        """Seconds from the first request's start to this one's end."""
        return self.at + self.seconds


class Sender:
    """Sends requests to one address, each on a fresh connection, past every proxy.

    Args:
        url: http or https.
        timeout: seconds for one request.
        headers: sent with each.
        good: the statuses of a good answer.

    Raises:
        ValueError: the address is none of http or https.

    """

    def __init__(
        self, url: str, timeout: float, headers: Mapping[str, str], good: frozenset[int]
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of http or https")
        self._host, self._port, self._tls = parts.hostname, parts.port, parts.scheme == "https"
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._timeout, self._good = timeout, good
        self._headers = {"Connection": "close", **headers}

    def send(self, now: Callable[[], float]) -> Request:
        """Send one, and return what became of it.

        Args:
            now: tells the seconds since the first request's start.

        """
        kind = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        at = now()
        status: int | None = None
        failure = words = ""
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
            if status not in self._good:
                failure = f"status {status}"
                words = " ".join(body.decode(errors="replace")[:_BODY].split())
        except (OSError, http.client.HTTPException) as error:
            failure, words = _kind_of(error), f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        seconds = now() - at
        if not failure and seconds > self._timeout:  # each part was in time, the whole was not
            failure, words = "timeout", f"the answer took {seconds:.1f} s"
        return Request(at, seconds, status, failure, words)


def _kind_of(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):  # also http.client's RemoteDisconnected
        return "reset"
    return "unreachable" if isinstance(error, OSError) else "broken"
