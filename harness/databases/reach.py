"""Connecting to a PostgreSQL from this machine, and saying exactly why it does not work."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.databases import errors
from harness.redact import Redactor

if TYPE_CHECKING:
    import psycopg

_SCHEMES = ("postgresql", "postgres")
_PORT = 5432
_LOGIN = re.compile(
    r"authentication failed|no password supplied|role \".*\" does not exist"
    r"|is not permitted to log in|no pg_hba\.conf entry|pg_hba\.conf rejects",
    re.IGNORECASE,
)
_FULL = re.compile(r"too many (clients|connections)|connection slots are reserved", re.IGNORECASE)
_MISSING = re.compile(r"database \"(?P<name>[^\"]+)\" does not exist", re.IGNORECASE)
_PLAIN = re.compile(
    r"no encryption|connection is insecure|SSL off|SSL required|sslmode=require", re.IGNORECASE
)
_TLS = re.compile(
    r"SSL error|certificate|does not support SSL|channel binding|root\.crt|SSL connection|"
    r"server sent an error response during SSL exchange",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Address:
    """The parts of a database URL. `repr` shows no password."""

    url: str
    host: str
    port: int
    user: str
    password: str
    name: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, url: str, source: str) -> Address:
        """Take a URL apart.

        Args:
            url: as users have it in DATABASE_URL.
            source: where the URL comes from, for messages.

        Raises:
            errors.UrlInvalidError: names what is wrong, without showing the URL.

        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port or _PORT
        except ValueError as error:
            # Python's words may quote the part that holds the password.
            problem = "the port is not a number" if "port" in str(error).lower() else "not a URL"
            raise errors.UrlInvalidError(problem, source) from None
        scheme = parts.scheme.partition("+")[0]
        if scheme not in _SCHEMES:
            seen = f"scheme {parts.scheme!r}" if "://" in url else "no scheme (no `://`)"
            raise errors.UrlInvalidError(f"{seen}, not postgresql", source)
        if "+" in parts.scheme:
            problem = f"scheme {parts.scheme!r} names a driver, which other clients do not know"
            raise errors.UrlInvalidError(problem, source)
        problems = [
            f"it has no {what}"
            for what, value in (
                ("host", parts.hostname),
                ("user", parts.username),
                ("database name", parts.path.strip("/")),
            )
            if not value
        ]
        if problems or parts.hostname is None:
            raise errors.UrlInvalidError(", ".join(problems), source)
        return cls(
            url=url.strip(),
            host=parts.hostname,
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            name=unquote(parts.path.strip("/")),
            options=tuple(parse_qsl(parts.query)),
        )

    def __repr__(self) -> str:
        return f"Address({self.where}/{self.name})"

    @property
    def where(self) -> str:
        """Return host and port."""
        return f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Say whether the host is this machine by name or number."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def connect(address: Address, source: str, timeout: float = 5.0) -> psycopg.Connection:
    """Return an open connection in autocommit mode; the caller closes it.

    Name, port, TLS and login are tried one after the other, so that the error names
    the one that failed.

    Args:
        address: where to connect.
        source: where the address comes from, for messages.
        timeout: seconds for each of these.

    Raises:
        errors.DatabaseError: one subclass a cause.

    """
    import psycopg

    _resolve(address, source, timeout)
    _knock(address, timeout)
    try:
        return psycopg.connect(
            address.url,
            connect_timeout=max(2, round(timeout)),
            autocommit=True,
            application_name="deploy-harness",
        )
    except psycopg.Error as error:
        raise _cause(address, str(error), timeout) from None


def _resolve(address: Address, source: str, timeout: float) -> None:
    """Look the name up in a thread, since the system's resolver knows no timeout."""
    failed: list[OSError] = []

    def ask() -> None:
        try:
            socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        reason = f"DNS did not answer within {timeout:.0f} s"
        raise errors.HostUnknownError(address.host, reason, source)
    if failed:
        raise errors.HostUnknownError(address.host, str(failed[0]), source)


def _knock(address: Address, timeout: float) -> None:
    try:
        socket.create_connection((address.host, address.port), timeout).close()
    except TimeoutError:
        raise errors.HostTimedOutError(address.where, timeout) from None
    except OSError as error:
        raise errors.ConnectionRefusedByHostError(address.where, str(error)) from None


def _cause(address: Address, text: str, timeout: float) -> errors.DatabaseError:
    reason = Redactor((address.password, address.url))(text).strip()
    if match := _MISSING.search(text):
        return errors.DatabaseMissingError(address.where, match["name"])
    if _FULL.search(text):
        return errors.ConnectionsExhaustedError(address.where, reason)
    if _PLAIN.search(text):
        return errors.TlsRequiredError(address.where, reason)
    if _LOGIN.search(text):
        return errors.LoginRefusedError(address.where, address.user, reason)
    if _TLS.search(text):
        return errors.TlsError(address.where, reason)
    if "timeout expired" in text or "timed out" in text:
        return errors.HostTimedOutError(address.where, timeout)
    return errors.NotPostgresError(address.where, reason)
