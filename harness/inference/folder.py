"""A private copy of somebody's folder: what can be read of it without harm.

A folder that others wrote may hold links that lead out of it, pipes that never end, names made to
deceive a terminal, and files of any size. Everything is read from a copy that has none of these.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.errors import DeployError, Fault

#: What tools and people keep beside the sources; an empty folder stands in its place.
SKIPPED = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "bower_components"),
        *("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", ".nox", ".cache"),
        *(".next", ".nuxt", ".turbo", ".gradle", ".terraform", ".idea", ".vscode", ".deploy"),
        *("site-packages", ".yarn", ".pnpm-store"),
    }
)
#: Folders whose content serves something else than the deployment of the project.
ASIDE = frozenset(
    {
        *("test", "tests", "testdata", "__tests__", "e2e", "fixtures", "mutants"),
        *("example", "examples", "sample", "samples", "demo", "docs", "templates", "vendor"),
    }
)
ENTRIES = 20_000
DEPTH = 24
#: Bytes of one file, and of all together; a longer one is left empty in the copy.
ONE_FILE = 1_000_000
ALL_FILES = 64_000_000
#: A packed sub-chart may be larger than a source.
PACKED = 8_000_000
_NAME_BYTES = 200


class FolderMissingError(DeployError):
    """There is no folder of that name."""

    fault = Fault.INPUT

    def __init__(self, folder: Path) -> None:
        super().__init__(
            needed="the folder of a project",
            seen="a file" if folder.exists() else "it does not exist",
            looked=shown(str(folder)),
            fix="name the folder that holds its chart and its Dockerfiles",
        )


class FolderTooLargeError(DeployError):
    """The folder holds more than is read of anybody's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            needed=f"a project of at most {ENTRIES} files and folders",
            seen=f"more than {ENTRIES}, without {', '.join(sorted(SKIPPED)[:4])} and their like",
            looked=shown(str(folder)),
            fix="name the folder of the project itself, or take out what is not its source",
        )


@dataclass
class Folder:
    """A copy at `root`.

    Attributes:
        origin: the folder that was copied, for messages and for writing.
        notes: what was left out, and why; a line each, safe to show.

    """

    root: Path
    origin: Path
    notes: list[str] = field(default_factory=list)
    _bytes: int = 0
    _entries: int = 0

    def text(self, name: str) -> str:
        """Return the text of a file by its path from the root; "" when there is none."""
        try:
            return (self.root / name).read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            return ""

    def files(self) -> list[str]:
        """Return the paths of all files from the root, sorted, with `/`."""
        found = []
        for here, folders, files in os.walk(self.root):
            folders.sort()
            base = os.path.relpath(here, self.root).replace(os.sep, "/")
            found += [name if base == "." else f"{base}/{name}" for name in sorted(files)]
        return sorted(found)

    def own(self, text: str) -> str:
        """Return a text that may be shown, its places from the top of the folder."""
        text = text.replace(f"{self.root}/", "").replace(str(self.root), ".")
        return "\n".join(shown(line) for line in text.splitlines())


@contextlib.contextmanager
def copied(origin: Path) -> Iterator[Folder]:
    """Give a copy of a folder, which is gone afterwards.

    Links within the folder are kept as what they lead to; those out of it are left out, as are
    pipes, sockets and devices. Nothing is followed, executed or changed.

    Raises:
        FolderMissingError, FolderTooLargeError.

    """
    if not origin.is_dir():
        raise FolderMissingError(origin)
    with tempfile.TemporaryDirectory(prefix="deploy-project-") as made:
        # Below a name of its own kind, so that messages can be cut at it.
        root = Path(made).resolve() / "project"
        root.mkdir()
        folder = Folder(root, origin)
        _copy(folder, origin.resolve(), origin.resolve(), root, depth=0)
        yield folder


def aside(path: str) -> bool:
    """Say whether a path lies in a folder of tests or examples."""
    return any(part.lower() in ASIDE for part in PurePosixPath(path).parts)


def shown(text: str) -> str:
    """Return a text that a terminal and a page may show: no control characters, one line."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _copy(folder: Folder, top: Path, source: Path, target: Path, depth: int) -> None:
    try:
        with os.scandir(source) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        folder.notes.append(f"{_below(top, source)}: not read: {error.strerror}")
        return
    for entry in entries:
        folder._entries += 1
        if folder._entries > ENTRIES:
            raise FolderTooLargeError(folder.origin)
        if reason := _refused(entry.name):
            folder.notes.append(f"{_below(top, Path(entry.path))}: not read: {reason}")
            continue
        _one(folder, top, Path(entry.path), target / entry.name, depth)


def _one(folder: Folder, top: Path, source: Path, target: Path, depth: int) -> None:
    name = _below(top, source)
    try:
        if source.is_symlink():
            led = source.resolve(strict=True)
            if not led.is_relative_to(top):
                folder.notes.append(f"{name}: a link that leads out of the folder is not followed")
                return
            if led.is_dir() and source.parent.resolve().is_relative_to(led):
                folder.notes.append(f"{name}: a link to a folder around itself is not followed")
                return
            if led.is_dir():
                # What it leads to is copied in its own place.
                target.symlink_to(os.path.relpath(led, source.parent.resolve()))
                return
            source = led
        told = source.stat()
        if stat.S_ISDIR(told.st_mode):
            target.mkdir()
            if depth >= DEPTH:
                folder.notes.append(f"{name}: not read: deeper than {DEPTH} folders")
            elif source.name not in SKIPPED:
                _copy(folder, top, source, target, depth + 1)
        elif stat.S_ISREG(told.st_mode):
            _file(folder, source, target, name, told)
        else:
            folder.notes.append(f"{name}: not read: neither a file nor a folder")
    except (OSError, RuntimeError) as error:
        folder.notes.append(f"{name}: not read: {getattr(error, 'strerror', '') or 'a loop'}")


def _file(folder: Folder, source: Path, target: Path, name: str, told: os.stat_result) -> None:
    most = PACKED if source.suffix == ".tgz" else ONE_FILE
    if told.st_size > most or folder._bytes + told.st_size > ALL_FILES:
        target.touch()  # it exists, which is what a COPY asks for
        if source.suffix not in _MEDIA:
            folder.notes.append(f"{name}: taken as empty: {told.st_size:,} bytes are too many")
        return
    # Not opened as a link, if somebody puts one there now; never waits for a pipe's writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(source, flags), "rb") as opened:
        content = opened.read(most)
    folder._bytes += len(content)
    target.write_bytes(content)
    if told.st_mode & stat.S_IXUSR:
        target.chmod(0o755)


_MEDIA = {
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".svg",
    ".mp4",
    ".pdf",
    ".woff2",
    ".ttf",
    ".ico",
}


def _refused(name: str) -> str:
    """Say why a name is not taken along; "" when it is."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "its name is no text"
    if not name.isprintable():
        return "control characters in its name"
    if len(encoded) > _NAME_BYTES:
        return "its name is too long"
    return ""


def _below(top: Path, path: Path) -> str:
    return shown(os.path.relpath(path, top).replace(os.sep, "/"))
