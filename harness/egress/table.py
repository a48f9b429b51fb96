"""The rules of a node by which its pods reach nobody outside but who is allowed (nftables).

A cluster that we make has no plugin that enforces NetworkPolicies, so the rules are ours. They
stand before those of kube-proxy, in a table that no other program knows, and see each packet with
the address of its pod and, behind a Service, that of whom it leads to.

What is recorded and what is refused are two rules each: where the set of a rule is full, the
rest of that rule is not executed. https://wiki.nftables.org/wiki-nftables/index.php/Updating_sets_from_the_packet_path
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

from harness.egress.destination import Destination

TABLE = ("inet", "deploy_egress")
ALLOWED, TRIED = "allowed", "tried"
_CHAIN = "way_out"
_REMEMBERED = timedelta(days=30)
_SIZE = 65535

_SETS = f"""
table {TABLE[0]} {TABLE[1]} {{
  set {ALLOWED} {{ type ipv4_addr . inet_proto . inet_service; }}
  set {TRIED} {{
    type ipv4_addr . ipv4_addr . inet_proto . inet_service
    flags dynamic,timeout; timeout {_REMEMBERED.days}d; size {_SIZE};
  }}
  chain {_CHAIN} {{ type filter hook forward priority -10; policy accept; }}
}}
"""


@dataclass(frozen=True)
class Inside:
    """What belongs to the cluster.

    Args:
        pods: the network of all pods.
        services: that of the Services.
        nodes: the addresses of the nodes, at which the API is.

    """

    pods: IPv4Network
    services: IPv4Network
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Tried:
    """A pod's address, whom it tried to reach outside, and when it did last (UTC)."""

    source: str
    destination: Destination
    at: datetime


def closing(inside: Inside) -> str:
    """Return the commands that close a node; what its sets hold stays. Done at once or not at all.

    They are to be had by whoever closes the cluster, and are the same for all of them.
    """
    networks = ", ".join(map(str, (inside.pods, inside.services, *sorted(inside.nodes))))
    both = "meta l4proto { tcp, udp }"
    return f"""{_SETS}
flush chain {TABLE[0]} {TABLE[1]} {_CHAIN}
table {TABLE[0]} {TABLE[1]} {{
  chain {_CHAIN} {{
    ct state established,related accept
    ip saddr != {inside.pods} accept
    ip daddr {{ {networks} }} accept
    ip daddr . meta l4proto . th dport @{ALLOWED} accept
    {both} update @{TRIED} {{ ip saddr . ip daddr . meta l4proto . th dport }}
    {both.replace("{", "!= {")} update @{TRIED} {{ ip saddr . ip daddr . meta l4proto . 0 }}
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
  }}
}}
"""


def opening() -> str:
    """Return the commands that open a node again, whether it is closed or not."""
    table = " ".join(TABLE)
    return f"add table {table}\ndelete table {table}\n"


def allowing(destinations: Iterable[Destination]) -> str:
    """Return the command that allows some more; there has to be one."""
    elements = ", ".join(f"{d.address} . {d.protocol} . {d.port}" for d in sorted(destinations))
    return f"add element {' '.join(TABLE)} {ALLOWED} {{ {elements} }}\n"


def listing(name: str) -> tuple[str, ...]:
    """Return the arguments with which nft shows a set as JSON."""
    return ("nft", "--json", "list", "set", *TABLE, name)


def read_tried(shown: str, now: datetime) -> list[Tried]:
    """Read the set of those who tried, as nft shows it."""
    found = []
    for element in _elements(shown):
        source, address, protocol, port = element["val"]["concat"]
        left = timedelta(seconds=float(element.get("expires") or 0))
        destination = Destination(str(address), str(protocol), int(port))
        found.append(Tried(str(source), destination, now - (_REMEMBERED - left)))
    return found


def _elements(shown: str) -> Sequence[Any]:
    for part in json.loads(shown).get("nftables") or ():
        if "set" in part:
            return [one["elem"] for one in part["set"].get("elem") or () if "elem" in one]
    return []
