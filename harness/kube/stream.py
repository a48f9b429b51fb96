"""One open watch: its lines as they come, and its end at once when it is to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.kube.resources import Object


class Stream:
    """An open watch: iterate over its lines; `stop` ends it from any thread at once."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._stopped = False

    def __iter__(self) -> Iterator[Object]:
        rest = b""
        try:
            while chunk := self._response.read1(65536):
                if self._stopped:  # Python shuts TLS by reading on without it: noise
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)
        except transport_errors():
            return  # a watch may end at any time; its reader opens the next one
        finally:
            self._response.close()

    def stop(self) -> None:
        """End the iteration, also while it waits for a line."""
        if self._stopped:
            return
        self._stopped = True
        try:
            self._response.shutdown()
        except (ValueError, RuntimeError, OSError):
            self._response.close()  # it had ended by itself


def transport_errors() -> tuple[type[BaseException], ...]:
    """Return what a connection that fails may raise."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    return (HTTPError, ApiException, OSError)


def never_sent(error: BaseException | None) -> bool:
    """Say whether a connection failed before a request went out: refused, or in its greeting."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

    reason = error.reason if isinstance(error, MaxRetryError) else error
    return isinstance(reason, (NewConnectionError, SSLError))
