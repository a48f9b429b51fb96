"""The commands as a container runs them: exit codes, signals, logs."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import pytest

from conftest import API_KEY, SECRET, Token, environment
from postgres import Postgres, free_port

WITHIN_S = 30


class Process:
    """A running command; its log lines come as they are written."""

    def __init__(self, command: str, given: dict[str, str]) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.popen = subprocess.Popen(
            [sys.executable, "-u", "-m", "todo_backend", command],
            env=kept | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.output += line
            self._lines.put(line)
        self._lines.put(None)

    def until(self, pattern: str) -> dict[str, Any]:
        """Return the first log entry whose message matches."""
        deadline = time.monotonic() + WITHIN_S
        while line := self._lines.get(timeout=max(0.1, deadline - time.monotonic())):
            entry: dict[str, Any] = json.loads(line)
            if re.search(pattern, str(entry["message"])):
                return entry
        raise AssertionError(f"ended without {pattern!r}: {self.output}")

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal, wait for the end, return the exit code and standard error."""
        if number is not None:
            self.popen.send_signal(number)
        assert self.popen.stderr is not None
        error = self.popen.stderr.read()
        code = self.popen.wait(timeout=WITHIN_S)
        self._reader.join()
        return code, error

    def close(self) -> None:
        """End the process whatever it does."""
        self.popen.kill()
        self.popen.wait()
        self._reader.join()
        for stream in (self.popen.stdout, self.popen.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def running(command: str, given: dict[str, str]) -> Iterator[Process]:
    process = Process(command, given)
    try:
        yield process
    finally:
        process.close()


@contextmanager
def served(url: str, **more: str) -> Iterator[tuple[Process, httpx.Client]]:
    port = free_port()
    given = environment(url, f"http://127.0.0.1:{free_port()}")
    given |= {"PORT": str(port), "HOST": "127.0.0.1"} | more
    with (
        running("serve", given) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN_S) as client,
    ):
        process.until("Uvicorn running")
        yield process, client


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_configuration_error_is_one_line_and_78(command: str) -> None:
    with running(command, {"PORT": "none"}) as process:
        code, error = process.end()
    assert code == 78
    assert error.count("\n") == 1
    assert error.startswith("todo-backend: configuration error: DATABASE_URL is not set")
    assert process.output == ""


def test_migrate_needs_the_database_only(empty_database: str) -> None:
    with running("migrate", {"DATABASE_URL": empty_database}) as process:
        assert process.end() == (0, "")
    assert "schema revision 0001 is current" in process.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_migration_ends_at_once(number: signal.Signals) -> None:
    url = f"postgresql://user:hidden-password@127.0.0.1:{free_port()}/d"
    with running("migrate", {"DATABASE_URL": url}) as process:
        process.until(r"try 2: the connection to the database was refused.*next try in")
        started = time.monotonic()
        assert process.end(number) == (128 + number, "")
        assert time.monotonic() - started < 2
    assert "hidden-password" not in process.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_stops_in_order(database: str, number: signal.Signals) -> None:
    with served(database) as (process, client):
        assert client.get("/ready").status_code == 200
        assert process.end(number) == (0, "")
        assert "stopped" in process.output


def test_a_request_in_flight_is_answered_before_the_end(
    postgres: Postgres, database: str, token: Token
) -> None:
    import psycopg

    with served(database) as (process, client), psycopg.connect(database) as blocker:
        blocker.execute("LOCK TABLE task IN ACCESS EXCLUSIVE MODE")
        answers: list[int] = []

        def ask() -> None:
            headers = {"Authorization": f"Bearer {token('alice')}"}
            answers.append(client.get("/api/alice/tasks", headers=headers).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        name = database.rpartition("/")[2]
        waits = f"SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = '{name}'"  # noqa: E501
        pause = threading.Event()
        while not postgres.execute(waits):
            pause.wait(0.05)
        process.popen.send_signal(signal.SIGTERM)
        process.until("Shutting down")
        blocker.rollback()
        asking.join()
        assert answers == [200]
        assert process.end() == (0, "")


def test_a_silent_database_does_not_delay_the_end(token: Token) -> None:
    with socket.socket() as deaf:  # accepts the connection, never says a word
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"postgresql://u:p@127.0.0.1:{deaf.getsockname()[1]}/d"
        with served(url) as (process, client):
            assert client.get("/ready").status_code == 503
            started = time.monotonic()
            assert process.end(signal.SIGTERM) == (0, "")
            assert time.monotonic() - started < 3


def test_a_taken_port_is_named(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        given = environment(database) | {"PORT": str(port), "HOST": "127.0.0.1"}
        with running("serve", given) as process:
            assert process.end()[0] == 3
        assert "address already in use" in process.output


@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_log_names_requests_and_no_secret(database: str, token: Token, level: str) -> None:
    with served(database, LOG_LEVEL=level) as (process, client):
        secret_token = token("alice")
        headers = {"Authorization": f"Bearer {secret_token}"}
        client.post("/api/alice/tasks", json={"title": "private"}, headers=headers)
        client.post("/api/alice/chat", json={"message": "private"}, headers=headers)
        client.get("/health")
        process.end(signal.SIGTERM)
    entries = [json.loads(line) for line in process.output.splitlines()]
    said = [entry["message"] for entry in entries]
    assert "POST /api/alice/tasks 201" in said
    assert ("GET /health 200" in said) is (level == "debug")
    password = database.split(":")[2].partition("@")[0]
    for secret in (SECRET, API_KEY, password, secret_token, "private"):
        assert secret not in process.output
    assert {entry["level"] for entry in entries} <= {"info", "warning", level}


def test_migrating_loads_neither_web_framework_nor_alembic_before_they_are_needed() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'uvicorn', 'alembic', 'cohere'}"
    code = "import sys, todo_backend.__main__, todo_backend.migrate\n"
    code += f"print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
