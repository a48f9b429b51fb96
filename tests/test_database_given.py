"""A database that the user gives: what can be wrong with its URL, and how it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.databases import errors, reach
from harness.databases.credentials import Credentials, write_private
from harness.databases.database import Database
from harness.databases.given import GivenDatabase
from harness.databases.reach import Address, connect

PASSWORD = "hunter2-hunter2"
NEON = (
    f"postgresql://me:{PASSWORD}@ep-cool-1.eu-central-1.aws.neon.tech/neondb"
    "?sslmode=require&channel_binding=require"
)


def test_the_parts_of_a_url() -> None:
    address = Address.parse(NEON, "x")
    assert (address.host, address.port) == ("ep-cool-1.eu-central-1.aws.neon.tech", 5432)
    assert (address.user, address.name, address.password) == ("me", "neondb", PASSWORD)
    assert address.options == (("sslmode", "require"), ("channel_binding", "require"))
    encoded = Address.parse("postgres://a%40b:p%2Fw%3A1@db:6432/x", "x")
    assert (encoded.user, encoded.password, encoded.port) == ("a@b", "p/w:1", 6432)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "no scheme"),
        ("db.example.org", "no scheme"),
        (f"mysql://me:{PASSWORD}@db/x", "scheme 'mysql'"),
        (f"postgresql+asyncpg://me:{PASSWORD}@db/x", "names a driver"),
        (f"postgresql://me:{PASSWORD}@/x", "no host"),
        ("postgresql://db/x", "no user"),
        (f"postgresql://me:{PASSWORD}@db", "no database name"),
        (f"postgresql://me:{PASSWORD}@db:port/x", "port is not a number"),
        (f"postgresql://me:{PASSWORD}#more@db/x", "port is not a number"),
        (f"postgresql://me:{PASSWORD}@[db/x", "not a URL"),
    ],
)
def test_what_is_no_url_of_a_database(url: str, problem: str) -> None:
    with pytest.raises(errors.UrlInvalidError) as raised:
        GivenDatabase(url).ensure()
    assert problem in raised.value.seen
    assert "DATABASE_URL" in raised.value.looked
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "db.localhost"])
def test_this_machine_is_not_this_machine_in_a_pod(host: str) -> None:
    with pytest.raises(errors.HostIsLoopbackError, match="the pod itself"):
        GivenDatabase(f"postgresql://me:{PASSWORD}@{host}/x").ensure()


def test_an_unknown_name() -> None:
    url = f"postgresql://me:{PASSWORD}@no-such-host.invalid/x"
    with pytest.raises(errors.HostUnknownError, match=r"no-such-host\.invalid") as raised:
        GivenDatabase(url).ensure()
    assert PASSWORD not in str(raised.value)


@pytest.fixture
def listener() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """A server on 127.0.0.1 that treats each caller as the test says."""
    opened: list[socket.socket] = []

    def listen(treat: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    try:
                        treat(caller)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield listen
    for server in opened:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def address(port: int, query: str = "") -> Address:
    return Address.parse(f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/shop{query}", "a test")


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(errors.ConnectionRefusedByHostError, match=f"127.0.0.1:{port}"):
        connect(address(port), "a test", timeout=2)


def test_nothing_comes_back(listener: Callable[[Callable[[socket.socket], None]], int]) -> None:
    port = listener(lambda caller: threading.Event().wait(4) and None)
    with pytest.raises(errors.HostTimedOutError, match="nothing came back"):
        connect(address(port), "a test", timeout=2)


def says(kind: bytes, severity: str, code: str, text: str) -> Callable[[socket.socket], None]:
    """Return a server of PostgreSQL's protocol that refuses TLS, then says an error."""

    def treat(caller: socket.socket) -> None:
        while True:
            head = caller.recv(4)
            if not head:
                return  # only knocked
            body = caller.recv(int.from_bytes(head) - 4)
            if body[:4] in ((80877103).to_bytes(4), (80877104).to_bytes(4)):
                caller.sendall(b"N")
                continue
            break
        fields = f"S{severity}\0V{severity}\0C{code}\0M{text}\0\0".encode()
        caller.sendall(kind + (len(fields) + 4).to_bytes(4) + fields)

    return treat


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        ("28P01", 'password authentication failed for user "me"', errors.LoginRefusedError),
        ("28000", 'role "me" does not exist', errors.LoginRefusedError),
        ("3D000", 'database "shop" does not exist', errors.DatabaseMissingError),
        (
            "28000",
            'no pg_hba.conf entry for host "1.2.3.4", user "me", database "shop", no encryption',
            errors.TlsRequiredError,
        ),
        (
            "28000",
            'no pg_hba.conf entry for host "1.2.3.4", user "me", database "shop", SSL encryption',
            errors.LoginRefusedError,
        ),
        (
            "08P01",
            "connection is insecure (try using `sslmode=require`)",
            errors.TlsRequiredError,
        ),
        ("53300", "sorry, too many clients already", errors.ConnectionsExhaustedError),
    ],
)
def test_what_a_server_refuses(
    listener: Callable[[Callable[[socket.socket], None]], int],
    code: str,
    text: str,
    error: type[errors.DatabaseError],
) -> None:
    port = listener(says(b"E", "FATAL", code, text))
    with pytest.raises(errors.DatabaseError) as raised:
        connect(address(port), "a test", timeout=3)
    assert type(raised.value) is error
    assert PASSWORD not in str(raised.value)


def test_a_server_without_tls(
    listener: Callable[[Callable[[socket.socket], None]], int],
) -> None:
    port = listener(says(b"E", "FATAL", "x", "y"))
    with pytest.raises(errors.TlsError, match="does not support SSL"):
        connect(address(port, "?sslmode=require"), "a test", timeout=3)


def test_something_that_is_no_postgres(
    listener: Callable[[Callable[[socket.socket], None]], int],
) -> None:
    port = listener(lambda caller: caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(errors.NotPostgresError):
        connect(address(port), "a test", timeout=3)


def test_patience_with_a_sleeping_database(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Address] = []

    def slow(address: Address, source: str, timeout: float) -> None:
        asked.append(address)
        raise errors.HostTimedOutError(address.where, timeout)

    monkeypatch.setattr("harness.databases.given.connect", slow)
    url = f"postgresql://me:{PASSWORD}@db.example.org/x"
    with pytest.raises(errors.HostTimedOutError):
        GivenDatabase(url).ensure()
    assert len(asked) == 1
    with pytest.raises(errors.HostTimedOutError):
        GivenDatabase(url, patience=0.05).ensure()
    assert len(asked) > 3


def test_no_representation_shows_a_password() -> None:
    address = Address.parse(NEON, "x")
    database = Database("x", "db", 5432, True, True, None, NEON, NEON)  # noqa: FBT003
    for thing in (address, database, GivenDatabase(NEON), Credentials("app", PASSWORD, PASSWORD)):
        assert PASSWORD not in repr(thing)


def test_credentials_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    made = Credentials.of(cache, "one")
    assert Credentials.of(cache, "one") == made
    assert Credentials.of(cache, "two").admin_password != made.admin_password
    file = cache.root / "databases" / "one.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("{")
    assert Credentials.of(cache, "one").admin_password != made.admin_password


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_private(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")
    assert file.read_text() == "old"
    assert [one.name for one in file.parent.iterdir()] == ["x.json"]


def test_the_stages_are_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without an address is never knocked at."""
    knocked: list[Address] = []
    monkeypatch.setattr(reach, "_knock", lambda address, timeout: knocked.append(address))
    with pytest.raises(errors.HostUnknownError):
        connect(Address.parse("postgres://a:b@x.invalid/c", "x"), "x", 2)
    assert not knocked
