"""What a probe found. An answer of "no" is a result; only a probe that fails is an error."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import DeployError


class ProbeBrokenError(DeployError):
    """The probe itself did not answer in its own form."""

    def __init__(self, question: str, said: str) -> None:
        super().__init__(
            needed=f"an answer of the probe to {question}",
            seen=said or "nothing",
            looked="the output of the probe in its pod",
            fix="see that the arguments are right; else this is a fault of the harness",
        )


@dataclass(frozen=True)
class Found:
    """What every probe tells.

    Attributes:
        ok: whether there was an answer.
        error: the kind of error, "" when there is none.
        message: the words to it.
        seconds: how long it took, measured in the pod.

    """

    ok: bool
    error: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Dns(Found):
    """A name looked up. `error`: nxdomain, timeout, refused, servfail, other."""

    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tcp(Found):
    """A connection tried. `error`: dns, refused, timeout, reset, unreachable, other."""

    address: str = ""


@dataclass(frozen=True)
class Http(Found):
    """A request sent. `error` as for Tcp, and tls.

    Attributes:
        status: 0 when there was no answer. A redirect is shown, not followed.
        headers: by lower-case name, several values joined by ", ".
        body: up to 64 KiB.
        truncated: whether there was more.
        first_byte: seconds until the status line had come.

    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False
    first_byte: float = 0.0

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as JSON. Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Sql(Found):
    """A PostgreSQL server asked.

    `error` as for Tcp, and tls (encryption refused or missing), auth, database (no such
    one), starting, busy, server.

    Attributes:
        server_version: as the server tells it.
        database: that the connection is to.
        user: that it is of.
        tls: whether the connection is encrypted, seen from the pod.
        tls_version: of that encryption.
        tls_cipher: of that encryption.
        server_tls: what the server's pg_stat_ssl says; false behind a proxy that ends TLS.
        latency: seconds of one small query on the open connection.
        code: SQLSTATE of a refusal.

    """

    server_version: str = ""
    database: str = ""
    user: str = ""
    tls: bool = False
    tls_version: str = ""
    tls_cipher: str = ""
    server_tls: bool = False
    latency: float = 0.0
    code: str = ""


def read(line: str, question: str) -> dict[str, Any]:
    """Return the probe's line of JSON. Raises ProbeBrokenError."""
    try:
        told = json.loads(line)
    except ValueError:
        raise ProbeBrokenError(question, line.strip()[:300]) from None
    if not isinstance(told, dict) or "ok" not in told:
        raise ProbeBrokenError(question, line.strip()[:300])
    return told


def dns(told: dict[str, Any]) -> Dns:
    """Return the typed answer."""
    return Dns(**told | {"addresses": tuple(told.get("addresses") or ())})


def http(told: dict[str, Any]) -> Http:
    """Return the typed answer."""
    text = str(told.pop("body", ""))
    body = base64.b64decode(text) if told.pop("base64", False) else text.encode()
    headers = {
        name.lower(): ", ".join(values)
        for name, values in (told.pop("headers", None) or {}).items()
    }
    return Http(**told, headers=headers, body=body)
