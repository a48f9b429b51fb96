"""What anybody can fetch of an application: its first page, and what that leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

_LINK = re.compile(rb"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_PATH = re.compile(rb"""["'`](/[A-Za-z0-9_./\[\]%-]+\.(?:js|css|json|map))["'`]""")
_MAP = re.compile(rb"sourceMappingURL=(\S+)")
_MOST = 120  # addresses
_LARGEST = 20 * 2**20  # bytes of one


@dataclass(frozen=True)
class Page:
    """What was fetched of one address: head and body as they came."""

    url: str
    status: int
    content: bytes


def pages(start: str, *, timeout: float = 10.0) -> Iterator[Page]:
    """Fetch an address and whatever of the same origin it leads to, scripts and maps too.

    Args:
        start: the first address.
        timeout: seconds for each.

    Raises:
        httpx.HTTPError: the first one is not to be had; of others what can be had is yielded.

    """
    seen, left = {start}, [start]
    with httpx.Client(timeout=timeout, trust_env=False, follow_redirects=True) as client:
        while left and len(seen) <= _MOST:
            url = left.pop(0)
            try:
                answer = client.get(url)
            except httpx.HTTPError:
                if url == start:
                    raise
                continue
            head = b"\n".join(b": ".join(pair) for pair in answer.headers.raw)
            body = answer.content[:_LARGEST]
            yield Page(str(answer.url), answer.status_code, head + b"\n\n" + body)
            for found in _links(body):
                there = urldefrag(urljoin(str(answer.url), found)).url
                if there not in seen and urlsplit(there)[:2] == urlsplit(start)[:2]:
                    seen.add(there)
                    left.append(there)


def _links(body: bytes) -> Iterator[str]:
    for pattern in (_LINK, _PATH, _MAP):
        for found in pattern.findall(body):
            yield found.decode(errors="replace")
