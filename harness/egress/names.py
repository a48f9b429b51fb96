"""Which names pods ask the cluster's DNS for: read from its log, turned on by us.

The lines are those of CoreDNS's plugin `log` in its default format:
https://coredns.io/plugins/log/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from harness.kube.state import parse_time

_LINE = re.compile(
    r"^(?P<at>\S+Z) \[INFO\] (?P<source>[0-9.]+):\d+ - \d+ "
    r'"(?P<type>\S+) IN (?P<name>\S+) (?:udp|tcp) [^"]*" (?P<answer>[A-Z]+)'
)
_SERVER = re.compile(r"^(?P<head>\s*\.:53\s*\{[^\S\n]*\n)", re.MULTILINE)
_LOGS = re.compile(r"^\s*log\b", re.MULTILINE)
#: What a resolver asks for to connect somewhere.
_TYPES = ("A", "AAAA", "HTTPS", "SVCB", "SRV", "MX", "TXT", "CNAME")
_REVERSE = ("in-addr.arpa", "ip6.arpa")


@dataclass(frozen=True)
class Asked:
    """A name that somebody asked for, by the address of his pod, at a time (UTC)."""

    source: str
    name: str
    at: datetime


def logging(corefile: str) -> str:
    """Return a configuration of CoreDNS that writes down who asks for what."""
    if _LOGS.search(corefile):
        return corefile
    return _SERVER.sub(lambda found: found["head"] + "    log\n", corefile, count=1)


def read_asked(log: str, domains: Iterable[str]) -> Iterator[Asked]:
    """Yield the names in a log with times that are outside the cluster.

    A resolver tries a short name in each of its search domains first; what ends with one of
    them was not meant, nor was a name without a dot, which no public one is.

    Args:
        log: of the cluster's DNS.
        domains: of the cluster, and those in which nodes search.

    """
    inside = tuple(f".{domain.strip('.').lower()}" for domain in domains if domain.strip("."))
    inside += (".svc", ".local", *(f".{domain}" for domain in _REVERSE))
    for line in log.splitlines():
        found = _LINE.match(line)
        if not found or found["type"] not in _TYPES:
            continue
        name = found["name"].rstrip(".").lower()
        at = parse_time(_to_microseconds(found["at"]))
        if at is not None and "." in name and not f".{name}".endswith(inside):
            yield Asked(found["source"], name, at)


def _to_microseconds(text: str) -> str:
    """Cut the nanoseconds of a line's time, of which Python knows none."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)
