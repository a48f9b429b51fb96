"""Reading an image's layers as a stream, straight out of the engine."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from harness.errors import DeployError

if TYPE_CHECKING:
    from harness.supply.engine import Engine

_CHUNK = 1 << 20


class ImageUnknownError(DeployError):
    """The engine has no such image."""

    def __init__(self, ref: str) -> None:
        super().__init__(
            needed=f"the image {ref}",
            seen="the engine has no image of this name",
            looked="the container engine's images",
            fix="build it first, or correct the name",
        )


# Takes one layer: its name in the archive, and its tar, uncompressed. Need not read all.
LayerReader = Callable[[str, IO[bytes]], None]


@dataclass(frozen=True)
class Manifest:
    """What the archive says of itself: configuration, and layer names, lowest first."""

    config: dict[str, Any]
    layers: tuple[str, ...]


def read(engine: Engine, ref: str, reader: LayerReader) -> Manifest:
    """Stream `docker save` of an image through `reader`, layer by layer, nothing on disk.

    The order of the calls is the archive's, not the layers'; the manifest tells which
    is which. Handles the classic layout (`<id>/layer.tar`) and the OCI layout
    (`blobs/sha256/…`), the latter with gzip-compressed layers too.

    Raises:
        ImageUnknownError: the engine has no such image.

    """
    from docker.errors import ImageNotFound

    try:
        chunks = engine.sdk().images.get(ref).save(chunk_size=_CHUNK)
    except ImageNotFound as error:
        raise ImageUnknownError(ref) from error
    return read_stream(cast("Iterable[bytes]", chunks), reader)


def read_stream(chunks: Iterable[bytes], reader: LayerReader) -> Manifest:
    """Do the same for an archive that comes in pieces."""
    documents: dict[str, bytes] = {}
    links: dict[str, str] = {}
    source = io.BufferedReader(_Pieces(iter(chunks)), _CHUNK)
    with tarfile.open(fileobj=source, mode="r|") as archive:
        for member in archive:
            if member.issym() or member.islnk():
                links[member.name] = _beside(member.name, member.linkname, hard=member.islnk())
                continue
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            with content:
                head = io.BufferedReader(cast("io.RawIOBase", content), _CHUNK)
                start = head.peek(2)[:2]
                if start[:1] in (b"{", b"["):
                    documents[member.name] = head.read()
                elif start == b"\x1f\x8b":
                    with gzip.open(head) as layer:
                        reader(member.name, cast("IO[bytes]", layer))
                elif _looks_like_layer(member.name):
                    reader(member.name, cast("IO[bytes]", head))
    manifest = json.loads(documents["manifest.json"])[0]
    layers = tuple(links.get(name, name) for name in manifest["Layers"])
    return Manifest(json.loads(documents[manifest["Config"]]), layers)


def entries(layer: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield each entry of a layer with, for a file, its content."""
    with tarfile.open(fileobj=layer, mode="r|") as tar:
        for member in tar:
            yield member, tar.extractfile(member) if member.isreg() else None


def drain(layer: IO[bytes], take: Callable[[bytes], object]) -> int:
    """Hand all bytes of a layer to `take` in pieces, and return how many they were."""
    total = 0
    while piece := layer.read(_CHUNK):
        total += len(piece)
        take(piece)
    return total


def _looks_like_layer(name: str) -> bool:
    return name.endswith("/layer.tar") or name.startswith("blobs/")


def _beside(name: str, target: str, *, hard: bool) -> str:
    if hard or not target.startswith("../"):
        return target
    parts = name.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


class _Pieces(io.RawIOBase):
    """An iterator of byte strings as a readable file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
