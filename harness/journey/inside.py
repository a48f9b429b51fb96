"""Requests of a visitor that are sent from inside the cluster, to Services that are not public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import httpx

if TYPE_CHECKING:
    from harness.probes.results import Http

#: What whoever sends the request says by itself.
_ITS_OWN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")
_COOKIES = re.compile(r",\s*(?=[^\s;,=]+=)")  # not the comma of a date


class Asks(Protocol):
    """Somebody inside who sends requests: a probe pod."""

    def http(
        self, method: str, url: str, *, headers: Mapping[str, str], body: str, timeout: float
    ) -> Http:
        """Send one request."""
        ...


class Inside(httpx.BaseTransport):
    """Hands requests to a pod. Answers above 64 KiB are an error, as they come in part only.

    Raises:
        httpx.ConnectError, httpx.ReadError: there is no answer, or not all of it.

    """

    def __init__(self, pod: Asks, timeout: float) -> None:
        self._pod, self._timeout = pod, timeout

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and return the answer."""
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _ITS_OWN}
        found = self._pod.http(
            request.method,
            str(request.url),
            headers=headers,
            body=request.read().decode(),
            timeout=self._timeout,
        )
        if not found.status:
            raise httpx.ConnectError(f"{found.error}: {found.message}", request=request)
        if found.truncated:
            raise httpx.ReadError("the answer has more than 64 KiB", request=request)
        told = [
            (name, value)
            for name, joined in found.headers.items()
            if name not in (*_ITS_OWN, "content-encoding")
            # Several values come joined, which those of cookies do not survive.
            for value in (_COOKIES.split(joined) if name == "set-cookie" else [joined])
        ]
        return httpx.Response(found.status, headers=told, content=found.body, request=request)
