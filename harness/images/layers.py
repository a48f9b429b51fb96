"""Searching all layers of an image, what later layers deleted or replaced included."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.images import archive
from harness.images.inspect import inspect
from harness.images.needles import Needle, authority_needles, find, secret_needles
from harness.images.suspects import Kind, suspects, wants_content

if TYPE_CHECKING:
    from harness.supply.engine import Engine

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_SECRET_NAME = re.compile(
    r"(SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_KEY|DATABASE_URL)", re.IGNORECASE
)


@dataclass(frozen=True)
class Finding:
    """Something remarkable in an image. Never holds the secret itself.

    Args:
        kind: why it is remarkable.
        where: the path in the image, or the part of its configuration.
        detail: what exactly was found, in words.
        layer: number of the layer from 0, the lowest; None for the configuration.
        created_by: the history line that made the layer.
        hidden: a later layer deleted or replaced it; it is still in the image.
        from_base: the layer belongs to the base image.
        count: how many files this stands for.

    """

    kind: Kind
    where: str
    detail: str = ""
    layer: int | None = None
    created_by: str = ""
    hidden: bool = False
    from_base: bool = False
    count: int = 1

    def __str__(self) -> str:
        parts = [f"{self.kind}: {self.where}"]
        parts += [self.detail] if self.detail else []
        parts += [f"{self.count} files"] if self.count > 1 else []
        parts += [f"layer {self.layer}: {self.created_by[:100]}"] if self.layer is not None else []
        parts += ["deleted later, but still in the image"] if self.hidden else []
        parts += ["from the base image"] if self.from_base else []
        return ", ".join(parts)


@dataclass
class _Layer:
    """What one layer's pass found, before its place in the image is known."""

    hits: dict[tuple[Kind, str, str], list[str]] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    def hides(self, path: str) -> bool:
        """Say whether this layer, lying above, takes a path out of sight."""
        parents = [path[:cut] for cut in range(len(path)) if path[cut] == "/"]
        return (
            path in self.paths
            or not self.removed.isdisjoint([path, *parents])
            or not self.emptied.isdisjoint(parents)
        )


def search(
    engine: Engine,
    ref: str,
    *,
    secrets: Mapping[str, str] | None = None,
    authority: Path | None = None,
    base: str | None = None,
) -> tuple[Finding, ...]:
    """Search an image's layers, configuration and history. Judging is the caller's.

    Files are searched as they lie in the layers; what is inside a compressed file is
    not seen.

    Args:
        engine: the engine that has the image.
        ref: the image.
        secrets: values by name that must be nowhere (see `needles.secret_needles`).
        authority: the host's CA bundle, of which no private part may be in the image.
        base: the base image, so that its own layers are told apart.

    Raises:
        archive.ImageUnknownError: the engine has no such image.

    """
    hidden_values = secret_needles(secrets or {})
    private = authority_needles(authority) if authority else ()
    below = inspect(engine, base).diff_ids if base else ()
    passes: dict[str, _Layer] = {}

    def look(name: str, layer: IO[bytes]) -> None:
        passes[name] = _look(layer, (*hidden_values, *private), set(private))

    manifest = archive.read(engine, ref, look)
    return (*_in_config(manifest.config, hidden_values), *_in_layers(manifest, passes, below))


def _look(layer: IO[bytes], needles: tuple[Needle, ...], private: set[Needle]) -> _Layer:
    found = _Layer()
    for member, content in archive.entries(layer):
        path = member.name.removeprefix("./").strip("/")
        folder, _, name = path.rpartition("/")
        if name == _OPAQUE:
            found.emptied.add(folder)
            continue
        if name.startswith(_WHITEOUT):
            found.removed.add(f"{folder}/{name[len(_WHITEOUT) :]}".lstrip("/"))
            continue
        if member.isdir():
            continue
        found.paths.add(path)
        start = content.read(wants_content(path)) if content else None
        for suspect in suspects(path, start):
            found.hits.setdefault((suspect.kind, suspect.name, ""), []).append(path)
        if content is None:
            continue
        for needle in find(_Prefixed(start or b"", content), needles):
            kind = Kind.AUTHORITY if needle in private else Kind.SECRET
            detail = f"{needle.label}, {needle.form}"
            found.hits.setdefault((kind, path, detail), []).append(path)
    return found


def _in_layers(
    manifest: archive.Manifest, passes: Mapping[str, _Layer], below: tuple[str, ...]
) -> Iterator[Finding]:
    diff_ids = tuple((manifest.config.get("rootfs") or {}).get("diff_ids") or ())
    shared = 0
    while shared < min(len(below), len(diff_ids)) and below[shared] == diff_ids[shared]:
        shared += 1
    history = [line for line in manifest.config.get("history") or () if not line.get("empty_layer")]
    ordered = [passes.get(name, _Layer()) for name in manifest.layers]
    seen = set[str]()
    for index, (name, layer) in enumerate(zip(manifest.layers, ordered, strict=True)):
        if name in seen:
            continue  # the same layer again (empty ones are shared)
        seen.add(name)
        made_by = history[index].get("created_by", "") if index < len(history) else ""
        for (kind, where, detail), paths in layer.hits.items():
            above = ordered[index + 1 :]
            yield Finding(
                kind=kind,
                where=f"/{where}",
                detail=detail,
                layer=index,
                created_by=made_by,
                hidden=all(any(upper.hides(path) for upper in above) for path in paths),
                from_base=index < shared,
                count=len(paths),
            )


def _in_config(config: dict[str, Any], needles: tuple[Needle, ...]) -> Iterator[Finding]:
    """Look through variables, labels, commands and the history's lines."""
    settings = config.get("config") or {}
    texts = {f"variable {line.partition('=')[0]}": line for line in settings.get("Env") or ()}
    texts |= {f"label {name}": value for name, value in (settings.get("Labels") or {}).items()}
    for part in ("Entrypoint", "Cmd"):
        texts[f"configuration: {part}"] = " ".join(settings.get(part) or ())
    texts["configuration: health check"] = " ".join(
        (settings.get("Healthcheck") or {}).get("Test") or ()
    )
    for number, line in enumerate(config.get("history") or ()):
        texts[f"history line {number}"] = f"{line.get('created_by', '')} {line.get('comment', '')}"
    for where, text in texts.items():
        for needle in find(io.BytesIO(text.encode()), needles):
            yield Finding(Kind.SECRET, where, f"{needle.label}, {needle.form}")
    for line in settings.get("Env") or ():
        name, _, value = line.partition("=")
        if value and _SECRET_NAME.search(name):
            yield Finding(Kind.SECRET_ENV, f"variable {name}", "it has a value in the image")


class _Prefixed:
    """A stream whose first bytes were already read."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int, /) -> bytes:
        if self._start:
            start, self._start = self._start, b""
            return start
        return self._rest.read(size)
