"""Every known failure of the database has a name; the driver's own words follow it."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from todo_backend.causes import explain

AT = 'connection failed: connection to server at "10.0.0.5", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (AT + "FATAL:  sorry, too many clients already", "has no free connection"),
        (AT + "FATAL:  remaining connection slots are reserved for roles", "no free connection"),
        (AT + "server does not support SSL, but SSL was required", "does not offer TLS"),
        (AT + 'FATAL:  no pg_hba.conf entry for host "x", user "u", no encryption', "demands TLS"),
        (AT + 'FATAL:  no pg_hba.conf entry for host "x", user "u", SSL encryption', "not admit"),
        (AT + "SSL error: certificate verify failed", "certificate is not trusted"),
        (AT + "channel binding is required, but server did not offer it", "channel binding"),
        (AT + "SSL SYSCALL error: EOF detected", "TLS with the database server failed"),
        (AT + 'FATAL:  password authentication failed for user "u"', "rejected the user name"),
        (AT + "fe_sendauth: no password supplied", "rejected the user name or password"),
        (AT + 'FATAL:  database "d" does not exist', "the database does not exist"),
        (AT + "FATAL:  the database system is starting up", "starting up or shutting down"),
        (AT + "Connection refused\n\tIs the server running on that host?", "refused"),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "be resolved"),
        (AT + "No route to host", "no network route"),
        ("connection timeout expired", "the database host does not answer"),
        ("no answer within 6 s, connection dropped", "the database does not answer"),
        ("consuming input failed: server closed the connection unexpectedly", "was lost"),
        ("something new", "the database failed"),
    ],
)
def test_the_cause_is_named_in_one_line(said: str, cause: str) -> None:
    for error in (
        psycopg.OperationalError(said),
        OperationalError("SELECT 1", {}, psycopg.OperationalError(said)),
    ):
        text = explain(error)
        assert cause in text.partition(" (")[0]
        assert "\n" not in text
        assert "FATAL" not in text


def test_a_state_of_the_server_counts_more_than_its_words() -> None:
    assert explain(psycopg.errors.TooManyConnections("zu viele")).startswith(
        "the database server has no free connection (zu viele)"
    )


def test_a_full_pool_is_named() -> None:
    error = PoolTimeoutError("QueuePool limit of size 5 overflow 5 reached, timed out")
    assert explain(error).startswith("all connections of this process are in use")


def test_a_url_in_the_message_is_hidden() -> None:
    assert "hidden" not in explain(psycopg.OperationalError("at postgresql://u:hidden@h/d"))
