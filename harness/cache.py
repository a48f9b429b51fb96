"""Things made once and used again, named by the content they were made from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from filelock import FileLock


def digest(*, files: Iterable[Path] = (), root: Path | None = None, **facts: object) -> str:
    """Return a short hex name (16 digits) for the content of files and for facts.

    Names (relative to `root`), executable bits, links and bytes count; times and
    owners do not. Folders are walked in sorted order.
    """
    sha = hashlib.sha256()
    for file in sorted(_walk(files)):
        name = file.relative_to(root) if root else Path(file.name)
        if file.is_symlink():
            sha.update(f"link {name} {file.readlink()}\0".encode())
            continue
        executable = os.access(file, os.X_OK)
        sha.update(f"file {name} {executable} {file.stat().st_size}\0".encode())
        sha.update(file.read_bytes())
    for key in sorted(facts):
        sha.update(f"fact {key}={facts[key]!r}\0".encode())
    return sha.hexdigest()[:16]


def _walk(files: Iterable[Path]) -> Iterable[Path]:
    for path in files:
        if path.is_dir() and not path.is_symlink():
            yield from (p for p in path.rglob("*") if p.is_symlink() or p.is_file())
        else:
            yield path


class Cache:
    """A folder of finished things. What is half-made is never seen under its final name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def default(cls, environ: Mapping[str, str]) -> Cache:
        """Return the cache at DEPLOY_CACHE_DIR, else below the user's cache folder."""
        if named := environ.get("DEPLOY_CACHE_DIR"):
            return cls(Path(named).expanduser().resolve())
        base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(base) / "deploy-harness")

    def path(self, name: str, key: str) -> Path:
        """Return where the thing of this name and content lies, made or not."""
        return self.root / name / key

    def make(self, name: str, key: str, build: Callable[[Path], None]) -> Path:
        """Return the folder of a thing; if it is missing, `build` fills it, once.

        Other processes that want the same wait for the first. `build` gets an empty
        folder, which gets its final name only when `build` has returned.
        """
        final = self.path(name, key)
        with self.lock(f"{name}-{key}"):
            if not final.exists():
                final.parent.mkdir(parents=True, exist_ok=True)
                work = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=final.parent))
                try:
                    work.chmod(0o755)
                    build(work)
                    work.rename(final)
                except BaseException:
                    shutil.rmtree(work, ignore_errors=True)
                    raise
        return final

    def lock(self, name: str) -> FileLock:
        """Return a lock between processes; it is free again when its holder dies."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")
