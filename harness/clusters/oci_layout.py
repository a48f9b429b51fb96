"""The documents of an OCI image layout, from which single layers may be left out.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

BLOBS = "blobs/sha256/"
_TYPE = "application/vnd.oci.image."


@dataclass(frozen=True)
class Described:
    """An image of uncompressed layers.

    Args:
        config: its configuration, as it is.
        layers: digest and size of each, the lowest first.
        names: full references that it gets where it is imported.

    """

    config: bytes
    layers: Sequence[tuple[str, int]]
    names: Sequence[str]


def documents(images: Iterable[Described]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of all that a layout has beside the layers."""
    found = []
    for image in images:
        described = {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}manifest.v1+json",
            "config": _descriptor(f"{_TYPE}config.v1+json", image.config),
            "layers": [
                {"mediaType": f"{_TYPE}layer.v1.tar", "digest": digest, "size": size}
                for digest, size in image.layers
            ],
        }
        manifest = json.dumps(described).encode()
        yield _path(image.config), image.config
        yield _path(manifest), manifest
        entry = _descriptor(f"{_TYPE}manifest.v1+json", manifest)
        for name in image.names:
            found.append({**entry, "annotations": {"io.containerd.image.name": name}})
    yield "index.json", json.dumps({"schemaVersion": 2, "manifests": found}).encode()
    yield "oci-layout", b'{"imageLayoutVersion": "1.0.0"}'


def _path(data: bytes) -> str:
    return BLOBS + hashlib.sha256(data).hexdigest()


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return {"mediaType": kind, "digest": digest, "size": len(data)}
