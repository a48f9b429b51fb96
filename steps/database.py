"""The database, asked from inside the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from pytest_bdd import then

from harness.evidence import call

if TYPE_CHECKING:
    from fixtures.evidence import Evidence
    from harness.databases.database import Database
    from harness.probes.pod import ProbePod


@then("the database answers there, encrypted")
def answers_encrypted(inside: ProbePod, database: Database, evidence: Evidence) -> None:
    found = inside.sql(database.url_in_cluster)
    assert found.ok, f"the database does not answer: {found}"
    assert found.tls, f"the connection is not encrypted: {found}"
    evidence.facts("call", call("inside", "database", f"SQL, encrypted by {found.tls_version}"))


@then("it refuses a wrong password")
def refuses_wrong_password(inside: ProbePod, database: Database) -> None:
    found = inside.sql(_with(database.url_in_cluster, password="not-the-password"))
    assert found.error == "auth", f"wanted a refusal of the password, got {found}"


@then("it refuses a connection that is not encrypted")
def refuses_plain(inside: ProbePod, database: Database) -> None:
    found = inside.sql(_with(database.url_in_cluster, query="sslmode=disable"))
    assert not found.ok, "it accepts a connection without encryption"
    assert found.error in ("tls", "auth"), f"wanted a refusal of the connection, got {found}"


@then("a database that does not exist is not found")
def no_such_host(inside: ProbePod, database: Database) -> None:
    found = inside.sql(_with(database.url_in_cluster, host="no-such-database.invalid"))
    assert found.error == "dns", f"wanted an unknown name, got {found}"


def _with(url: str, *, password: str = "", host: str = "", query: str = "") -> str:
    """Return the URL with one part changed."""
    parts = urlsplit(url)
    user, port = quote(parts.username or "", safe=""), f":{parts.port}" if parts.port else ""
    word = quote(password, safe="") if password else (parts.password or "")
    netloc = f"{user}:{word}@{host or parts.hostname}{port}"
    return urlunsplit(parts._replace(netloc=netloc, query=query or parts.query))
