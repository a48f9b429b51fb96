"""The facts of an image that acceptance criteria speak about."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.images import archive

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.supply.engine import Engine

_GZIP = 16 + zlib.MAX_WBITS
_GZIP_LEVEL = 6  # what registries and `docker push` use by default


@dataclass(frozen=True)
class Layer:
    """One line of an image's history, lowest first.

    `size` is in bytes, uncompressed; lines that only changed configuration are empty.
    """

    created_by: str
    size: int
    empty: bool


@dataclass(frozen=True)
class ImageFacts:
    """What the engine knows about an image.

    `size` is the sum of its layers in bytes, uncompressed, as `docker images` shows it
    (SC-006). `user` is '' when the image does not set one, which means root.
    """

    ref: str
    id: str
    size: int
    user: str
    env: Mapping[str, str]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    exposed: tuple[str, ...]
    workdir: str
    labels: Mapping[str, str]
    healthcheck: tuple[str, ...] | None
    stop_signal: str
    layers: tuple[Layer, ...]
    diff_ids: tuple[str, ...]

    @property
    def runs_as_root(self) -> bool:
        """Say whether a container would run as root: by name, by 0, or for want of USER."""
        return self.user.split(":")[0] in ("", "0", "root")

    @property
    def exec_form(self) -> bool:
        """Say whether the process is started without a shell, so that it gets signals."""
        words = self.entrypoint or self.cmd
        return bool(words) and tuple(words[:2]) not in (("/bin/sh", "-c"), ("sh", "-c"))


def inspect(engine: Engine, ref: str) -> ImageFacts:
    """Return the facts of an image in the engine.

    Raises:
        archive.ImageUnknownError: the engine has no such image.

    """
    shown = engine.run("image", "inspect", ref, timeout=30, check=False)
    if shown.returncode != 0:
        raise archive.ImageUnknownError(ref)
    image: dict[str, Any] = json.loads(shown.stdout)[0]
    config = image.get("Config") or {}
    pairs = (line.partition("=") for line in config.get("Env") or ())
    health = config.get("Healthcheck") or {}
    return ImageFacts(
        ref=ref,
        id=image["Id"],
        size=int(image["Size"]),
        user=config.get("User") or "",
        env={name: value for name, _, value in pairs},
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        exposed=tuple(sorted(config.get("ExposedPorts") or ())),
        workdir=config.get("WorkingDir") or "/",
        labels=dict(config.get("Labels") or {}),
        healthcheck=tuple(health["Test"]) if health.get("Test") else None,
        stop_signal=config.get("StopSignal") or "SIGTERM",
        layers=_history(engine, ref),
        diff_ids=tuple((image.get("RootFS") or {}).get("Layers") or ()),
    )


def _history(engine: Engine, ref: str) -> tuple[Layer, ...]:
    lines = engine.sdk().images.get(ref).history()
    return tuple(
        Layer(line["CreatedBy"], int(line["Size"]), int(line["Size"]) == 0)
        for line in reversed(lines)
    )


def compressed_size(engine: Engine, cache: Cache, ref: str) -> int:
    """Return the bytes that a registry would hold and a node would pull: each layer gzipped.

    Slow for new layers (about 10 s for 100 MB), so each layer's result is kept in the
    cache by its content.

    Raises:
        archive.ImageUnknownError: the engine has no such image.

    """
    sizes: dict[str, int] = {}

    def weigh(name: str, layer: IO[bytes]) -> None:
        sha = hashlib.sha256()
        with tempfile.TemporaryFile() as copy:

            def keep(piece: bytes) -> None:
                sha.update(piece)
                copy.write(piece)

            archive.drain(layer, keep)
            copy.seek(0)
            folder = cache.make("compressed-layer", sha.hexdigest(), lambda f: _note(f, copy))
        sizes[name] = int((folder / "bytes").read_text(encoding="ascii"))

    manifest = archive.read(engine, ref, weigh)
    return sum(sizes[name] for name in manifest.layers)


def _note(folder: Path, layer: IO[bytes]) -> None:
    packer, total = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP), 0

    def pack(piece: bytes) -> None:
        nonlocal total
        total += len(packer.compress(piece))

    archive.drain(layer, pack)
    (folder / "bytes").write_text(str(total + len(packer.flush())), encoding="ascii")
