"""The official view of Cucumber Messages, for the page of a run."""

from __future__ import annotations

import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.cache import Cache
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply import npm

PINS = Path(__file__).resolve().parents[2] / "supply" / "report" / "pins.toml"
_FOLDER = "formatter"
#: What is taken out of the package, by the name that it is kept under.
_FILES = {
    "main.js": "package/dist/main.js",
    "main.css": "package/dist/main.css",
    "main.js.LICENSE.txt": "package/dist/main.js.LICENSE.txt",
    "LICENSE": "package/LICENSE",
}


class FormatterIncompleteError(DeployError):
    """The package has the pinned checksum, but not the files that are wanted of it."""

    def __init__(self, package: str, said: str) -> None:
        super().__init__(
            needed=f"{', '.join(_FILES.values())} in {package}",
            seen=said,
            looked="the archive that npm's registry served",
            fix=f"correct {PINS.name}, or the names in harness/supply/formatter.py",
        )


@dataclass(frozen=True)
class Formatter:
    """A page's script and style, with the licences that go with them."""

    name: str
    version: str
    script: str = field(repr=False)
    style: str = field(repr=False)


def find_formatter(cache: Cache) -> Formatter | None:
    """Return the formatter from the cache; None when it was never fetched."""
    pins = _pins()
    folder = cache.path(_FOLDER, pins["version"])
    if not folder.is_dir():
        return None
    text = {name: (folder / name).read_text(encoding="utf-8") for name in _FILES}
    script = f"/*!\n{text['LICENSE']}*/\n{text['main.js']}\n{text['main.js.LICENSE.txt']}"
    return Formatter(pins["name"], pins["version"], script, text["main.css"])


def ensure_formatter(
    cache: Cache, progress: Progress, environ: Mapping[str, str]
) -> Formatter | None:
    """Return the formatter, fetched if need be; None, and said why, when it cannot be had.

    A page without it has its own view of the scenarios, so only another file than the one
    that was pinned ends anything.

    Raises:
        PackageAlteredError, FormatterIncompleteError.

    """
    pins = _pins()
    package = f"{pins['name']}@{pins['version']}"

    def fetch(folder: Path) -> None:
        archive = folder / "package.tgz"
        npm.fetch(
            package, pins["integrity"], archive, cache=cache, progress=progress, environ=environ
        )
        _unpack(archive, folder, package)
        archive.unlink()

    if found := find_formatter(cache):
        return found
    try:
        with progress.step(f"fetch {package}"):
            cache.make(_FOLDER, pins["version"], fetch)
    except (npm.PackageAlteredError, FormatterIncompleteError):
        raise
    except DeployError as error:
        progress.choice("report", "its own view of scenarios", error.headline)
    return find_formatter(cache)


def _unpack(archive: Path, folder: Path, package: str) -> None:
    try:
        with tarfile.open(archive) as opened:
            for name, member in _FILES.items():
                file = opened.extractfile(member)
                if file is None:
                    raise FormatterIncompleteError(package, f"{member} is no file")
                (folder / name).write_bytes(file.read())
    except (KeyError, tarfile.TarError) as error:
        raise FormatterIncompleteError(package, str(error)) from error


def _pins() -> dict[str, str]:
    pins: dict[str, str] = tomllib.loads(PINS.read_text(encoding="utf-8"))["formatter"]
    return pins
