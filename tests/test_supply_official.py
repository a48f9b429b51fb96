"""Official releases: pinned as they are built, downloaded from a real server, kept by content."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from download_support import Site, closed_port, cut, silent, site, status, whole

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import gobuild, official
from harness.supply.download import Limits
from harness.supply.download_errors import ChecksumError, RefusedError, UnreachableError
from harness.supply.official import Official, Release, ReleaseUnreadableError, release_of

PROGRAM = b"#!/bin/sh\necho kind v0.30.0\n"
PLATFORMS = [
    f"{system}-{machine}" for system in ("linux", "darwin") for machine in ("amd64", "arm64")
]
TOOLS = ["kind", "kubectl", "helm", "minikube"]
FAST = Limits(connect=2, silence=0.4, whole=5, pause=0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
def closed() -> int:
    return closed_port()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def pin(tmp_path: Path, server: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pin one tool for this platform, at the server."""
    server.asked.clear()
    server.files.clear()
    file = tmp_path / "pins.toml"
    file.write_text("")
    monkeypatch.setattr(official, "PINS", file)

    def write(tool: str, content: bytes, member: str = "", url: str = "") -> None:
        with file.open("a") as pins:
            pins.write(
                f'[{tool}]\nversion = "v1.2.3"\nmember = "{member}"\n'
                f'url = "{url or server.url("/{version}/" + tool + "-{os}-{arch}")}"\n'
                f'[{tool}.sha256]\n'
                f'{official.this_platform()} = "{hashlib.sha256(content).hexdigest()}"\n'
            )  # fmt: skip

    return write


def path_of(tool: str) -> str:
    return f"/v1.2.3/{tool}-{official.this_platform()}"


def of(cache: Cache, stream: io.StringIO | None = None, **environ: str) -> Official:
    return Official(cache, Progress(stream=stream or io.StringIO()), environ, FAST)


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class TestPins:
    @pytest.mark.parametrize("where", PLATFORMS)
    @pytest.mark.parametrize("tool", TOOLS)
    def test_every_tool_is_pinned_for_every_platform(self, tool: str, where: str) -> None:
        release = release_of(tool, {}, where)
        assert release is not None
        assert re.fullmatch(r"[0-9a-f]{64}", release.sha256)
        assert re.fullmatch(r"https://[^{}]+", release.url)
        system, machine = where.split("-")
        assert system in release.url
        assert machine in release.url
        assert release.version in release.url

    def test_no_checksum_is_there_twice(self) -> None:
        pins: dict[str, Any] = tomllib.loads(official.PINS.read_text())
        sums = [value for tool in pins.values() for value in tool["sha256"].values()]
        assert len(set(sums)) == len(sums) == 16

    @pytest.mark.parametrize(
        ("tool", "program"),
        [("kind", gobuild.KIND), ("helm", gobuild.HELM), ("kubectl", gobuild.KUBERNETES)],
    )
    def test_what_is_downloaded_is_what_would_be_built(
        self, tool: str, program: gobuild.Program
    ) -> None:
        release = release_of(tool, {})
        assert release is not None
        assert release.version == program.version

    def test_another_platform_is_not_pinned(self, cache: Cache) -> None:
        assert release_of("kind", {}, "linux-riscv64") is None
        assert release_of("kind", {}, "win32-amd64") is None
        assert release_of("nothing", {}) is None

    def test_a_mirror_has_it_by_host_and_path(self) -> None:
        environ = {"DEPLOY_DOWNLOAD_MIRROR": "https://files.example.test/all"}
        release = release_of("helm", environ, "darwin-arm64")
        assert release is not None
        address = "https://files.example.test/all/get.helm.sh/helm-v4.2.4-darwin-arm64.tar.gz"
        assert release.url == address
        assert release.place == "files.example.test"
        assert release.member == "darwin-arm64/helm"


def test_a_program_is_downloaded_once_and_kept_by_content(
    cache: Cache, server: Site, pin: Callable[..., None]
) -> None:
    pin("kind", PROGRAM)
    server.puts(path_of("kind"), whole(PROGRAM))
    said = io.StringIO()
    program, words = of(cache, said).ensure("kind")
    assert program is not None
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o755
    assert hashlib.sha256(PROGRAM).hexdigest()[:16] in program.parent.name
    assert words == "downloaded from 127.0.0.1, checksum as pinned"
    assert "+ download kind v1.2.3: 0 of 0 MB from 127.0.0.1 in" in said.getvalue()
    assert of(cache).ensure("kind") == (program, "downloaded before from 127.0.0.1")
    assert len(server.asked) == 1
    assert list(cache.path("downloads", "").iterdir()) == []


def test_the_program_is_taken_out_of_an_archive(
    cache: Cache, server: Site, pin: Callable[..., None]
) -> None:
    member = official.this_platform() + "/helm"
    packed = archive(**{"README.md": b"read", member: PROGRAM})
    pin("helm", packed, "{os}-{arch}/helm")
    server.puts(path_of("helm"), whole(packed))
    program, _ = of(cache).ensure("helm")
    assert program is not None
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in program.parent.iterdir()] == ["helm"]
    assert list(cache.path("downloads", "").iterdir()) == []


@pytest.mark.parametrize("packed", [archive(other=b"x"), b"no archive"], ids=["other", "none"])
def test_an_archive_without_the_program_is_told(
    cache: Cache, server: Site, pin: Callable[..., None], packed: bytes
) -> None:
    pin("helm", packed, "helm")
    server.puts(path_of("helm"), whole(packed))
    with pytest.raises(ReleaseUnreadableError, match="correct `member`"):
        of(cache).ensure("helm")
    assert list(cache.path("tools", "").glob("helm-*")) == []


def test_a_folder_in_place_of_the_program_is_told(tmp_path: Path) -> None:
    file = tmp_path / "packed"
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("helm")
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    with pytest.raises(ReleaseUnreadableError, match="not a file"):
        Release("helm", "v1", "https://x", "00", "helm").unpack(file, tmp_path / "helm")


def test_a_wrong_checksum_stops_everything(
    cache: Cache, server: Site, pin: Callable[..., None]
) -> None:
    pin("kind", PROGRAM)
    server.puts(path_of("kind"), whole(b"malicious"))
    with pytest.raises(ChecksumError):
        of(cache).ensure("kind")
    assert list(cache.path("tools", "").iterdir()) == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (status(403), "refused with status 403 Forbidden"),
        (status(500), "refused with status 500 Internal Server Error"),
        (silent(PROGRAM, 3), "too slow: nothing came for 0.4 s"),
        (cut(PROGRAM, 3, 99), "cut off after 0.0 of 0.0 MB, tried 4 times"),
        (status(200, b"log in", Content_Type="text/html"), "refused: a web page came"),
    ],
    ids=["403", "500", "silent", "cut", "page"],
)
def test_what_does_not_come_is_said_in_one_line(
    cache: Cache, server: Site, pin: Callable[..., None], behave: Any, why: str
) -> None:
    pin("kind", PROGRAM)
    server.puts(path_of("kind"), behave)
    program, words = of(cache).ensure("kind")
    assert program is None
    assert words.startswith(f"127.0.0.1: {why}")
    assert "\n" not in words


def test_what_was_cut_off_goes_on_in_the_next_run(
    cache: Cache, server: Site, pin: Callable[..., None]
) -> None:
    pin("kind", PROGRAM)
    server.puts(path_of("kind"), cut(PROGRAM, 3, 4))
    assert of(cache).ensure("kind")[0] is None
    assert of(cache).ensure("kind")[0] is not None
    assert server.ranges[-1] == "bytes=12-"


def test_a_place_that_is_not_reached_is_asked_once(
    cache: Cache, pin: Callable[..., None], closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.supply import download

    asked: list[str] = []
    real = download.download
    monkeypatch.setattr(
        download, "download", lambda url, *a, **k: (asked.append(url), real(url, *a, **k))
    )
    for tool in ("kind", "minikube"):
        pin(tool, PROGRAM, url=f"http://127.0.0.1:{closed}/{tool}")
    said = io.StringIO()
    one = of(cache, said)
    for tool in ("kind", "minikube"):
        program, words = one.ensure(tool)
        assert program is None
        assert words.startswith("127.0.0.1: it cannot be reached: ")
    assert len(asked) == 1
    assert said.getvalue() == ""  # whoever uses it says it, in the line of the tool


def test_a_tool_without_a_pin_says_so(cache: Cache, pin: Callable[..., None]) -> None:
    program, words = of(cache).ensure("kind")
    assert program is None
    assert words == f"no official release is pinned for {official.this_platform()}"


class TestMirror:
    def test_it_is_asked_in_place_of_the_official_place(
        self, cache: Cache, server: Site, pin: Callable[..., None]
    ) -> None:
        pin("kind", PROGRAM, url="https://kind.invalid/kind")
        server.puts("/all/kind.invalid/kind", whole(PROGRAM))
        program, words = of(cache, DEPLOY_DOWNLOAD_MIRROR=server.url("/all")).ensure("kind")
        assert program is not None
        assert words.startswith("downloaded from 127.0.0.1")

    def test_what_it_lacks_is_made_otherwise(
        self, cache: Cache, server: Site, pin: Callable[..., None]
    ) -> None:
        pin("kind", PROGRAM, url="https://kind.invalid/kind")
        program, words = of(cache, DEPLOY_DOWNLOAD_MIRROR=server.url("/all")).ensure("kind")
        assert program is None
        assert "404" in words

    @pytest.mark.parametrize("code", [401, 403, 500])
    def test_a_refusal_ends_the_run(
        self, cache: Cache, server: Site, pin: Callable[..., None], code: int
    ) -> None:
        pin("kind", PROGRAM, url="https://kind.invalid/kind")
        server.puts("/all/kind.invalid/kind", status(code))
        with pytest.raises(RefusedError, match="named by --deploy-download-mirror"):
            of(cache, DEPLOY_DOWNLOAD_MIRROR=server.url("/all")).ensure("kind")

    def test_one_that_is_away_ends_the_run(
        self, cache: Cache, pin: Callable[..., None], closed: int
    ) -> None:
        pin("kind", PROGRAM, url="https://kind.invalid/kind")
        mirror = f"http://127.0.0.1:{closed}"
        with pytest.raises(UnreachableError, match="DEPLOY_DOWNLOAD_MIRROR"):
            of(cache, DEPLOY_DOWNLOAD_MIRROR=mirror).ensure("kind")
