"""Downloads from a real server: whole, wrong, cut, slow, refused, by a proxy, by a private CA."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from download_support import (
    Site,
    authority,
    closed_port,
    cut,
    proxy,
    silent,
    site,
    status,
    trickle,
    whole,
)

from harness.jobs import Jobs
from harness.scope import CommandCancelledError, Scope
from harness.supply import proxy as routes
from harness.supply.disk import DiskTooSmallError
from harness.supply.download import Limits, download
from harness.supply.download_errors import (
    ChecksumError,
    CutOffError,
    DownloadError,
    RefusedError,
    TooSlowError,
    UnreachableError,
    UntrustedError,
)
from harness.supply.proxy import proxy_for

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FAST = Limits(connect=2, silence=0.4, whole=10, pause=0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture(autouse=True)
def _new(server: Site) -> None:
    server.files.clear()
    server.asked.clear()
    server.ranges.clear()


@pytest.fixture
def closed() -> int:
    return closed_port()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "file"


def get(
    url: str,
    target: Path,
    *,
    sha256: str = SHA256,
    limits: Limits = FAST,
    said: list[str] | None = None,
    **environ: str,
) -> None:
    download(
        url, target, sha256=sha256, environ=environ, limits=limits,
        on_progress=(said if said is not None else []).append,
    )  # fmt: skip


def only(target: Path, *names: str) -> bool:
    return sorted(path.name for path in target.parent.iterdir()) == sorted(names)


def four_parts(error: DownloadError) -> bool:
    return all((error.needed, error.seen, error.looked, error.fix))


def test_the_whole_file_arrives_verified(server: Site, target: Path) -> None:
    said: list[str] = []
    get(server.puts("/file", whole(CONTENT)), target, said=said)
    assert target.read_bytes() == CONTENT
    assert only(target, "file")
    assert said[-1] == "0 of 0 MB"


def test_progress_is_told_in_words(server: Site, target: Path) -> None:
    large = bytes(3_400_000)
    said: list[str] = []
    digest = hashlib.sha256(large).hexdigest()
    get(server.puts("/file", whole(large)), target, sha256=digest, said=said)
    assert said[-1] == "3 of 3 MB"
    assert len(said) <= 4  # at most twice a second


def test_another_content_is_removed_and_never_asked_for_again(server: Site, target: Path) -> None:
    url = server.puts("/file", whole(b"something else"))
    with pytest.raises(ChecksumError) as caught:
        get(url, target)
    assert SHA256 in caught.value.needed
    assert hashlib.sha256(b"something else").hexdigest() in caught.value.seen
    assert "14 bytes" in caught.value.seen
    assert only(target)
    assert server.asked == ["/file"]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_cut_download_goes_on_where_it_ended(server: Site, target: Path, times: int) -> None:
    get(server.puts("/file", cut(CONTENT, 70_000, times)), target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["", *(f"bytes={70_000 * n}-" for n in range(1, times + 1))]


def test_without_ranges_a_cut_download_begins_anew(server: Site, target: Path) -> None:
    get(server.puts("/file", cut(CONTENT, 70_000, 2, ranges=False)), target)
    assert target.read_bytes() == CONTENT
    assert only(target, "file")


def test_a_connection_that_is_always_cut_is_told_with_how_far_it_came(
    server: Site, target: Path
) -> None:
    url = server.puts("/file", cut(CONTENT, 70_000, 99))
    with pytest.raises(CutOffError) as caught:
        get(url, target, limits=Limits(silence=1, attempts=3, pause=0.01))
    assert "cut off after 0.2 of 0.3 MB, tried 3 times" in caught.value.seen
    assert four_parts(caught.value)
    assert len(server.asked) == 3
    assert only(target, "file.part")


def test_a_later_call_goes_on_from_what_an_earlier_one_left(server: Site, target: Path) -> None:
    url = server.puts("/file", cut(CONTENT, 70_000, 1))
    with pytest.raises(CutOffError):
        get(url, target, limits=Limits(silence=1, attempts=1))
    assert not target.exists()
    get(url, target)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=70000-"


def test_what_is_left_of_another_file_is_found_by_its_checksum(server: Site, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.part").write_bytes(b"x" * 1000)
    url = server.puts("/file", whole(CONTENT))
    with pytest.raises(ChecksumError):
        get(url, target)
    get(url, target)  # which begins anew
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more"], ids=["all", "too-much"])
def test_a_range_that_cannot_be_begins_anew(server: Site, target: Path, left: bytes) -> None:
    target.parent.mkdir()
    target.with_name("file.part").write_bytes(left)
    content = whole(CONTENT)

    def refuse(request: object) -> None:
        ranged = server.ranges[-1]
        (status(416) if ranged else content)(request)  # type: ignore[arg-type]

    get(server.puts("/file", refuse), target)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == ""


def test_a_file_that_changed_in_between_begins_anew(server: Site, target: Path) -> None:
    first = cut(b"old" * 100_000, 70_000, 1)

    def change(request: object) -> None:
        if len(server.asked) == 1:
            first(request)  # type: ignore[arg-type]
        else:  # the validator no longer fits: If-Range makes the server send all
            assert request.headers["If-Range"] == '"one"'  # type: ignore[attr-defined]
            request.answer(200, CONTENT, ETag='"two"')  # type: ignore[attr-defined]

    get(server.puts("/file", change), target)
    assert target.read_bytes() == CONTENT


def test_silence_ends_it_within_its_bound(server: Site, target: Path) -> None:
    url, began = server.puts("/file", silent(CONTENT, 1000)), time.monotonic()
    with pytest.raises(TooSlowError, match=r"nothing came for 0\.4 s") as caught:
        get(url, target)
    assert time.monotonic() - began < 3
    assert four_parts(caught.value)
    assert not target.exists()


def test_a_trickle_ends_at_the_deadline_of_the_whole(server: Site, target: Path) -> None:
    url, began = server.puts("/file", trickle(CONTENT, 0.05)), time.monotonic()
    with pytest.raises(TooSlowError, match=r"after 0\.5 s only"):
        get(url, target, limits=Limits(silence=5, whole=0.5))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("code", [401, 403, 404, 500, 503, 204])
def test_a_refusal_names_the_status_and_what_was_said(
    server: Site, target: Path, code: int
) -> None:
    body = b"" if code == 204 else b"not for you"
    url = server.puts("/file", status(code, body))
    with pytest.raises(RefusedError) as caught:
        get(url, target)
    assert caught.value.status == code
    assert f"status {code}" in caught.value.seen
    assert body.decode() in caught.value.seen
    assert four_parts(caught.value)
    assert len(server.asked) == 1
    assert not target.exists()


def test_a_page_in_place_of_the_file_is_a_refusal(server: Site, target: Path) -> None:
    page = status(200, b"<title>Blocked by policy</title>", Content_Type="text/html; charset=x")
    with pytest.raises(RefusedError, match="Blocked by policy"):
        get(server.puts("/file", page), target)
    assert not target.exists()


def test_redirections_are_followed_with_the_range(server: Site, target: Path) -> None:
    there = server.puts("/there", cut(CONTENT, 70_000, 1))
    get(server.puts("/file", status(302, Location=there)), target)
    assert target.read_bytes() == CONTENT
    assert server.asked == ["/file", "/there", "/file", "/there"]


@pytest.mark.parametrize(
    ("location", "error"),
    [("/file", RefusedError), ("ftp://127.0.0.1/x", RefusedError)],
    ids=["round-and-round", "not-http"],
)
def test_redirections_that_lead_nowhere_are_told(
    server: Site, target: Path, location: str, error: type[DownloadError]
) -> None:
    with pytest.raises(error, match="refused: "):
        get(server.puts("/file", status(302, Location=location)), target)


def test_a_refusal_after_a_redirection_names_who_refused(server: Site, target: Path) -> None:
    server.puts("/there", status(403))
    there = server.url("/there", "localhost")
    with pytest.raises(RefusedError, match="status 403 Forbidden by localhost"):
        get(server.puts("/file", status(302, Location=there)), target)


def test_a_redirection_to_a_place_that_is_not_reached_names_that_place(
    server: Site, target: Path, closed: int
) -> None:
    there = f"http://localhost:{closed}/x"
    with pytest.raises(UnreachableError, match="localhost, where it leads to"):
        get(server.puts("/file", status(302, Location=there)), target)


def test_a_place_that_is_not_there_is_told_at_once(target: Path, closed: int) -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="asked directly, since no proxy") as caught:
        get(f"http://127.0.0.1:{closed}/file", target)
    assert time.monotonic() - began < 2
    assert "HTTPS_PROXY" in caught.value.fix
    assert four_parts(caught.value)


def test_a_name_that_does_not_resolve_is_told(target: Path) -> None:
    with pytest.raises(UnreachableError, match=r"nowhere\.invalid"):
        get("http://nowhere.invalid/file", target)


def test_a_resolver_that_hangs_is_not_waited_for(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    monkeypatch.setattr(routes.socket, "getaddrinfo", lambda *_, **__: held.wait(10))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"not resolved within 0\.3 s"):
        get("http://slow.example/file", target, limits=Limits(connect=0.3))
    held.set()
    assert time.monotonic() - began < 2


def test_a_place_that_accepts_nothing_is_given_up_in_time(target: Path) -> None:
    with socket.socket() as full:  # its queue of connections is full, so that SYNs are dropped
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(address)
        began = time.monotonic()
        with pytest.raises(UnreachableError, match=r"no connection within 0\.3 s"):
            get(f"http://127.0.0.1:{address[1]}/file", target, limits=Limits(connect=0.3))
        assert time.monotonic() - began < 2
        for one in waiting:
            one.close()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """A server with a certificate of a private authority for files.example.test."""
    house = authority(tmp_path_factory.mktemp("ca"), "files.example.test")
    with site(house.server) as running:
        running.puts("/file", whole(CONTENT))
        yield running, str(house.certificate)


class TestProxy:
    def test_http_goes_by_the_proxy(self, server: Site, target: Path) -> None:
        server.puts("/file", whole(CONTENT))
        with proxy() as (address, asked):
            get(server.url("/file", "files.example.test"), target, http_proxy=f"http://{address}")
        assert target.read_bytes() == CONTENT
        assert len(asked) == 1

    def test_https_goes_through_a_tunnel(self, secure: tuple[Site, str], target: Path) -> None:
        one, certificate = secure
        with proxy() as (address, asked):
            get(
                one.url("/file", "files.example.test"), target,
                HTTPS_PROXY=address, SSL_CERT_FILE=certificate,
            )  # fmt: skip
        assert target.read_bytes() == CONTENT
        assert asked == [f"files.example.test:{one.port}"]

    def test_the_proxy_itself_may_be_encrypted(
        self, server: Site, target: Path, tmp_path: Path
    ) -> None:
        house = authority(tmp_path)
        server.puts("/file", whole(CONTENT))
        url = server.url("/file", "files.example.test")
        with proxy(tls=house.server) as (address, asked):
            with pytest.raises(UntrustedError):
                get(url, target, HTTP_PROXY=f"https://{address}")
            get(url, target, HTTP_PROXY=f"https://{address}", SSL_CERT_FILE=str(house.certificate))
        assert target.read_bytes() == CONTENT
        assert len(asked) == 1

    def test_the_proxys_password_is_sent_and_not_shown(
        self, secure: tuple[Site, str], target: Path
    ) -> None:
        one, certificate = secure
        wants = "Basic " + base64.b64encode(b"me:letmein-123").decode()
        with proxy(wants) as (address, _):
            environ = {"SSL_CERT_FILE": certificate}
            url = one.url("/file", "files.example.test")
            get(url, target, HTTPS_PROXY=f"http://me:letmein-123@{address}", **environ)
            target.unlink()
            with pytest.raises(UnreachableError) as caught:
                get(url, target, HTTPS_PROXY=f"http://me:wrong-secret@{address}", **environ)
        assert "407" in caught.value.seen
        assert address in caught.value.seen
        assert "wrong-secret" not in str(caught.value)

    def test_a_proxy_that_is_away_is_named(self, target: Path, closed: int) -> None:
        with pytest.raises(UnreachableError, match=f"by the proxy http://127.0.0.1:{closed}"):
            get("https://files.example.test/file", target, https_proxy=f"127.0.0.1:{closed}")

    def test_a_proxy_of_another_kind_is_told(self, target: Path) -> None:
        with pytest.raises(UnreachableError, match=r"socks5:// is not supported"):
            get("https://files.example.test/x", target, ALL_PROXY="socks5://127.0.0.1:1")

    @pytest.mark.parametrize(
        ("url", "environ", "expected"),
        [
            ("https://a.test/x", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
            ("http://a.test/x", {"HTTPS_PROXY": "http://p:1"}, ""),
            ("https://a.test/x", {"ALL_PROXY": "http://p:1"}, "http://p:1"),
            ("https://a.test/x", {"https_proxy": "q:2", "HTTPS_PROXY": "p:1"}, "http://q:2"),
            ("https://a.test/x", {"HTTPS_PROXY": "p:1", "NO_PROXY": "a.test"}, ""),
            ("https://b.a.test/x", {"HTTPS_PROXY": "p:1", "NO_PROXY": "c, .a.test"}, ""),
            ("https://ba.test/x", {"HTTPS_PROXY": "p:1", "NO_PROXY": "a.test"}, "http://p:1"),
            ("https://a.test:8/x", {"HTTPS_PROXY": "p:1", "no_proxy": "a.test:9"}, "http://p:1"),
            ("https://a.test/x", {"HTTPS_PROXY": "p:1", "no_proxy": "a.test:443"}, ""),
            ("https://a.test/x", {"HTTPS_PROXY": "p:1", "NO_PROXY": "*"}, ""),
        ],
    )
    def test_the_proxy_is_the_environments(
        self, url: str, environ: dict[str, str], expected: str
    ) -> None:
        assert proxy_for(httpx.URL(url), environ) == expected

    def test_a_private_authority_is_trusted_where_it_is_named(
        self, secure: tuple[Site, str], target: Path
    ) -> None:
        one, certificate = secure
        get(one.url("/file"), target, DEPLOY_CA_BUNDLE=certificate)
        assert target.read_bytes() == CONTENT

    def test_an_unknown_authority_is_told_with_the_option(
        self, secure: tuple[Site, str], target: Path
    ) -> None:
        with pytest.raises(UntrustedError, match="unable to get local issuer") as caught:
            get(secure[0].url("/file"), target)
        assert "--deploy-ca-bundle" in caught.value.fix
        assert not target.exists()

    def test_a_bundle_that_is_none_is_named(
        self, secure: tuple[Site, str], target: Path, tmp_path: Path
    ) -> None:
        bundle = tmp_path / "rubbish.pem"
        bundle.write_text("rubbish")
        with pytest.raises(UnreachableError, match=r"rubbish\.pem cannot be read"):
            get(secure[0].url("/file"), target, SSL_CERT_FILE=str(bundle))

    def test_a_certificate_for_another_name_is_not_trusted(
        self, secure: tuple[Site, str], target: Path
    ) -> None:
        url = secure[0].url("/file", "localhost")
        with pytest.raises(UntrustedError, match="mismatch"):
            get(url, target, DEPLOY_CA_BUNDLE=secure[1])


def test_too_little_room_is_told_before_the_first_byte(
    server: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=50_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskTooSmallError):
        get(server.puts("/file", whole(CONTENT)), target)
    assert not target.exists()


def test_a_disk_that_fills_up_on_the_way_is_told(
    server: Site, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    monkeypatch.setattr(Path, "open", lambda *args, **named: Full(opened(*args, **named)))
    with pytest.raises(DiskTooSmallError, match=r"0\.0 GB free"):
        get(server.puts("/file", whole(CONTENT)), target)
    assert not target.exists()


def test_an_interrupted_run_ends_its_download(server: Site, target: Path) -> None:
    scope = Scope()
    scope.cancel()
    with scope.entered(), pytest.raises(CommandCancelledError):
        get(server.puts("/file", whole(CONTENT)), target)
    assert not target.exists()


def test_an_interruption_on_the_way_is_heeded_at_once(server: Site, target: Path) -> None:
    url, jobs = server.puts("/file", trickle(CONTENT, 0.02)), Jobs()
    running, begun = threading.Event(), time.monotonic()

    def fetch() -> None:
        download(
            url, target, sha256=SHA256, environ={}, limits=FAST,
            on_progress=lambda _: running.set(),
        )  # fmt: skip

    job = jobs.start("download", fetch)
    assert running.wait(5)
    jobs.close(interrupted=True)
    assert time.monotonic() - begun < 5
    with pytest.raises(CommandCancelledError):
        job.result()
    assert not target.exists()


def test_passwords_in_addresses_are_not_shown(server: Site, target: Path) -> None:
    url = server.url("/none").replace("://", "://me:letmein-123@")
    with pytest.raises(RefusedError) as caught:
        get(url, target)
    assert "letmein" not in str(caught.value)
