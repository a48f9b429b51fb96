"""The official view of the record: fetched once, or done without."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import formatter
from harness.supply.formatter import FormatterIncompleteError, ensure_formatter, find_formatter
from harness.supply.npm import PackageAlteredError

FILES = ("dist/main.js", "dist/main.css", "dist/main.js.LICENSE.txt", "LICENSE")


def archive(path: Path, files: tuple[str, ...]) -> str:
    """Write a package and return its integrity."""
    with tarfile.open(path, "w:gz") as made:
        for name in files:
            data = f"/* {name} */".encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm whose registry serves one package, which is pinned."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "npm"
    program.write_text(
        "#!/bin/sh\n"
        f'[ -e {tmp_path}/served.tgz ] || {{ echo "404 Not Found" >&2; exit 1; }}\n'
        f'/bin/cp {tmp_path}/served.tgz "$5/formatter-1.tgz"\n'
        """echo '[{"filename": "formatter-1.tgz"}]'\n"""
    )
    program.chmod(0o755)
    pin(tmp_path, archive(tmp_path / "served.tgz", FILES), monkeypatch)
    return tmp_path


def pin(folder: Path, integrity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = folder / "pins.toml"
    pins.write_text(f'[formatter]\nname = "formatter"\nversion = "1"\nintegrity = "{integrity}"\n')
    monkeypatch.setattr(formatter, "PINS", pins)


def ensure(folder: Path, progress: Progress | None = None) -> formatter.Formatter | None:
    cache, environ = Cache(folder / "cache"), {"PATH": str(folder / "bin")}
    return ensure_formatter(cache, progress or Progress(quiet=True), environ)


def test_it_is_fetched_once_with_its_licences(registry: Path) -> None:
    assert find_formatter(Cache(registry / "cache")) is None
    found = ensure(registry)
    assert found is not None
    assert "/* dist/main.js */" in found.script
    assert "/* LICENSE */" in found.script
    assert "/* dist/main.js.LICENSE.txt */" in found.script
    (registry / "served.tgz").unlink()
    assert ensure(registry) == found == find_formatter(Cache(registry / "cache"))


def test_without_a_registry_it_is_done_without(registry: Path) -> None:
    (registry / "served.tgz").unlink()
    progress = Progress(quiet=True)
    assert ensure(registry, progress) is None
    ((what, chosen, reason),) = progress.choices
    assert (what, chosen) == ("report", "its own view of scenarios")
    assert "formatter@1" in reason


def test_another_file_than_the_pinned_one_ends_it(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(registry, "sha512-other", monkeypatch)
    with pytest.raises(PackageAlteredError):
        ensure(registry)
    assert find_formatter(Cache(registry / "cache")) is None


def test_a_package_without_the_files_ends_it(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(registry, archive(registry / "served.tgz", FILES[:2]), monkeypatch)
    with pytest.raises(FormatterIncompleteError) as caught:
        ensure(registry)
    assert "main.js.LICENSE.txt" in caught.value.seen
