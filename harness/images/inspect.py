"""The facts of an image that acceptance criteria speak about."""

from __future__ import annotations

import json
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


def compressed_size(engine: Engine, cache: Cache, image_id: str) -> int:
    """Return the bytes that a registry would hold and a node would pull: each layer gzipped.

    Slow (about 20 s for 500 MB), so the result is kept in the cache by image id.

    Raises:
        archive.ImageUnknownError: the engine has no such image.

    """

    def measure(folder: Path) -> None:
        sizes: dict[str, int] = {}

        def weigh(name: str, layer: IO[bytes]) -> None:
            sizes[name] = _gzipped(layer)

        manifest = archive.read(engine, image_id, weigh)
        total = sum(sizes[name] for name in manifest.layers)
        (folder / "bytes").write_text(str(total), encoding="ascii")

    folder = cache.make("compressed-size", image_id.removeprefix("sha256:"), measure)
    return int((folder / "bytes").read_text(encoding="ascii"))


def _gzipped(layer: IO[bytes]) -> int:
    packer, total = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP), 0

    def pack(piece: bytes) -> None:
        nonlocal total
        total += len(packer.compress(piece))

    archive.drain(layer, pack)
    return total + len(packer.flush())
