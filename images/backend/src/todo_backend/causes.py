"""Names the cause of a database failure, in words for people and without a secret."""

from __future__ import annotations

import re

import psycopg

_BY_STATE = {
    "08001": "the database server rejected the connection",
    "28000": "the database server does not admit this user from this address",
    "28P01": "the database server rejected the user name or password",
    "3D000": "the database does not exist",
    "42501": "the database user lacks a privilege",
    "42P01": "a table is missing: the schema is not migrated",
    "25006": "the database is read-only",
    "53100": "the database server's disk is full",
    "53300": "the database server has no free connection",
    "55P03": "a lock was not free in time",
    "57014": "a statement took too long and was cancelled",
    "57P01": "the database server ended the connection",
    "57P03": "the database server is starting up or shutting down",
}

# libpq reports a failure to connect as text only. Matched in this order, first hit wins.
_BY_TEXT: tuple[tuple[str, str], ...] = (
    (r"QueuePool limit", "all connections of this process are in use"),
    (r"too many (clients|connections)|connection slots are reserved|too many connections for",
     "the database server has no free connection"),
    (r"server does not support SSL|SSL was required",
     "the database server does not offer TLS, which the URL requires"),
    (r"no pg_hba\.conf entry.*no encryption|connection is insecure|SSL (connection )?is required",
     "the database server demands TLS, and the URL does not ask for it"),
    (r"certificate verify failed|root certificate|server certificate",
     "the database server's certificate is not trusted"),
    (r"channel binding", "the database server cannot do the channel binding that the URL requires"),
    (r"SSL error|SSL SYSCALL|SSL negotiation|tlsv1|TLS", "TLS with the database server failed"),
    (r"password authentication failed|SASL authentication failed|no password supplied",
     "the database server rejected the user name or password"),
    (r"no pg_hba\.conf entry|role .* does not exist",
     "the database server does not admit this user from this address"),
    (r"database .* does not exist", "the database does not exist"),
    (r"starting up|shutting down|recovery mode|not yet accepting",
     "the database server is starting up or shutting down"),
    (r"Connection refused", "the connection to the database was refused: nothing listens at its address"),
    (r"Name or service not known|nodename nor servname|could not translate host name"
     r"|failed to resolve|No address associated|Temporary failure in name resolution"
     r"|getaddrinfo", "the database host's name cannot be resolved"),
    (r"No route to host|Network is unreachable", "there is no network route to the database host"),
    (r"no answer within", "the database does not answer"),
    (r"timeout expired|timed out|timeout", "the database host does not answer"),
    (r"closed the connection unexpectedly|connection (was |is )?(lost|closed)|reset by peer"
     r"|consuming input failed|terminating connection|Broken pipe",
     "the connection to the database was lost"),
)  # fmt: skip


def explain(error: BaseException) -> str:
    """Say what is wrong with the database, and what the driver said of it."""
    driver: BaseException = getattr(error, "orig", None) or error  # what SQLAlchemy wraps
    said = _first_line(driver)
    if isinstance(driver, psycopg.Error) and driver.sqlstate in _BY_STATE:
        return f"{_BY_STATE[driver.sqlstate]} ({said})"
    for pattern, cause in _BY_TEXT:
        if re.search(pattern, str(driver), re.IGNORECASE):
            return f"{cause} ({said})"
    return f"the database failed ({said})"


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    # libpq's multi-address report: the last attempt says as much as all of them.
    if text.endswith(":") or text.startswith("connection failed: no host"):
        text = lines[-1]
    # The severity is the server's view of one attempt; ours is the level of the log line.
    text = re.sub(r"\b(FATAL|ERROR):\s+", "", text)
    return re.sub(r"postgres(ql)?://\S+", "postgresql://***", text)[:300]
