"""Single layers of an engine's images, read where an engine on this machine keeps them.

An engine gives away whole images only (`save`), which takes more than a second of reading and
copying where a change has made a few megabytes new. Its overlay2 storage has each layer as a
folder of files, and beside it what else makes up the layer's archive, byte for byte (tar-split).
Nothing here is believed: a layer counts when its digest is the one that its image names.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.clusters.base import Engine
from harness.command import run

_DRIVER = "overlay2"


class LayerUnreadableError(Exception):
    """A layer cannot be had this way; the engine itself has to be asked."""


@dataclass(frozen=True)
class EngineLayers:
    """The images of one engine.

    Args:
        root: the engine's folder.

    """

    root: Path

    @classmethod
    def of(cls, engine: Engine) -> EngineLayers | None:
        """Return the storage of an engine, None when this process cannot read it."""
        if not engine.local:
            return None
        words = engine.argv("info", "--format", "{{.Driver}} {{.DockerRootDir}}")
        driver, _, folder = run(words, timeout=30, check=False).stdout.strip().partition(" ")
        found = cls(Path(folder))
        return found if driver == _DRIVER and found._readable() else None

    def config(self, image_id: str) -> bytes:
        """Return the configuration of an image, whose digest is the image's id.

        Raises:
            LayerUnreadableError.

        """
        try:
            data = (self._images / "imagedb/content/sha256" / _hex(image_id)).read_bytes()
        except OSError as error:
            raise LayerUnreadableError(str(error)) from error
        return _verified(data, image_id)

    def size(self, digests: list[str], number: int) -> int:
        """Return about how many bytes one layer of an image has.

        Raises:
            LayerUnreadableError.

        """
        try:
            return int((self._entry(digests, number) / "size").read_text())
        except (OSError, ValueError) as error:
            raise LayerUnreadableError(f"{digests[number]}: {error}") from error

    def layer(self, digests: list[str], number: int) -> bytes:
        """Return the archive of one layer of an image, uncompressed.

        Args:
            digests: of all layers of the image, the lowest first.
            number: which of them.

        Raises:
            LayerUnreadableError.

        """
        entry = self._entry(digests, number)
        try:
            files = self.root / _DRIVER / (entry / "cache-id").read_text().strip() / "diff"
            data = b"".join(_pieces(entry / "tar-split.json.gz", files))
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise LayerUnreadableError(f"{digests[number]}: {error}") from error
        return _verified(data, digests[number])

    def _entry(self, digests: list[str], number: int) -> Path:
        return self._images / "layerdb/sha256" / _chain(digests[: number + 1])

    @property
    def _images(self) -> Path:
        return self.root / "image" / _DRIVER

    def _readable(self) -> bool:
        try:
            return any((self._images / "layerdb/sha256").iterdir())
        except OSError:
            return False


def _pieces(described: Path, files: Path) -> Iterator[bytes]:
    """Yield the parts of a layer's archive: what lies between the files, and the files."""
    with gzip.open(described) as lines:
        for line in lines:
            entry: dict[str, Any] = json.loads(line)
            if entry["type"] == 1:
                if size := int(entry.get("size") or 0):
                    raw = entry.get("name_raw")
                    name = base64.b64decode(raw).decode() if raw else str(entry["name"])
                    yield _content(files, name, size)
            else:
                yield base64.b64decode(entry.get("payload") or "")


def _content(files: Path, name: str, size: int) -> bytes:
    data = (files / name.lstrip("/")).read_bytes()
    if len(data) != size:
        raise ValueError(f"{name} has {len(data)} bytes, not {size}")
    return data


def _chain(digests: list[str]) -> str:
    """Return the id under which an engine knows a layer on top of those below it."""
    chain = digests[0]
    for digest in digests[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {digest}".encode()).hexdigest()
    return _hex(chain)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _verified(data: bytes, digest: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != _hex(digest):
        raise LayerUnreadableError(f"what is there is not {digest}")
    return data
