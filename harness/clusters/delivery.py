"""Images on their way from the engine into nodes: whatever of them a node lacks, and no more."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.clusters.base import Engine
from harness.clusters.engine_layers import EngineLayers, LayerUnreadableError
from harness.clusters.errors import ImageNotLoadedError
from harness.clusters.kind_node import KindNode
from harness.clusters.oci_layout import BLOBS, Described, documents
from harness.command import CommandFailedError, run
from harness.jobs import side_by_side

_SENDING = ("-P", "-m", "harness.clusters.sending")
_CODE = str(Path(__file__).resolve().parents[2])
_IMPORT = ("ctr", "--namespace=k8s.io", "images", "import", "-")
_LAYERS_KNOWN = 400  # the latest, each some 150 bytes
_IN_MEMORY = 64 << 20  # bytes of layers that are read and handed on in one piece


@dataclass(frozen=True)
class Want:
    """What one node is to get, and what its content store has: digests and sizes."""

    node: KindNode
    refs: Sequence[str]
    held: Mapping[str, int]

    def has(self, digest: str) -> bool:
        """Say whether it has this, and not only its name."""
        return self.held.get(digest, 0) > 0


@dataclass(frozen=True)
class Delivery:
    """One delivery to several nodes.

    Args:
        engine: where the images come from.
        known: a file that keeps what the engine's archives call their layers.
        wants: what each node is to get.
        ids: the engine's id of each reference.
        timeout: seconds.

    """

    engine: Engine
    known: Path
    wants: Sequence[Want]
    ids: Mapping[str, str]
    timeout: float

    def run(self) -> str:
        """Deliver, and say how much that was.

        Few layers are handed over out of the engine's storage. Where that cannot be read,
        or much is lacking, all nodes get theirs out of one stream of the engine's `save`;
        should that fail, once more with every layer.

        Raises:
            ImageNotLoadedError: with the words of the node's importer.
            CommandTimedOutError.

        """
        if said := self._hand_over():
            return said
        held = [want.held for want in self.wants]
        try:
            return self._stream(held)
        except CommandFailedError as error:
            if not any(held):
                raise self._failed(error) from error
        try:
            return self._stream([{} for _ in held])
        except CommandFailedError as error:
            raise self._failed(error) from error

    def _hand_over(self) -> str:
        """Return "" when that could not be done; whoever asks the engine then learns why."""
        storage = EngineLayers.of(self.engine)
        if storage is None:
            return ""
        try:
            sizes = side_by_side(lambda want: self._hand_over_to(want, storage), self.wants)
        except (LayerUnreadableError, CommandFailedError):
            return ""
        return f"{sizes} bytes of layers were handed over" if all(sizes) else ""

    def _hand_over_to(self, want: Want, storage: EngineLayers) -> int:
        """Return how many bytes it was, 0 when it would be too many."""
        images: list[Described] = []
        lacking: dict[str, tuple[list[str], int]] = {}
        for ref in want.refs:
            config = storage.config(self.ids[ref])
            digests: list[str] = json.loads(config)["rootfs"]["diff_ids"]
            for number, digest in enumerate(digests):
                if not want.has(digest):
                    lacking.setdefault(digest, (digests, number))
            layers = [(digest, want.held.get(digest, 0)) for digest in digests]
            images.append(Described(config, layers, [_full_name(ref)]))
        if sum(storage.size(*place) for place in lacking.values()) > _IN_MEMORY:
            return 0
        found = {digest: storage.layer(*place) for digest, place in lacking.items()}
        sizes = {digest: len(data) for digest, data in found.items()}
        images = [
            Described(i.config, [(d, sizes.get(d, size)) for d, size in i.layers], i.names)
            for i in images
        ]
        want.node.run(*_IMPORT, stdin=_archive(found, images), timeout=self.timeout)
        return sum(sizes.values()) or 1

    def _stream(self, held: Sequence[Mapping[str, int]]) -> str:
        refs = self._refs
        plan = {
            "source": list(self.engine.argv("save", *refs)),
            "sinks": [
                {"argv": want.node.argv(*_IMPORT, interactive=True), "held": dict(content)}
                for want, content in zip(self.wants, held, strict=True)
            ],
            "layers": self._layers(),
            "names": {_tagged(ref): _full_name(ref) for ref in refs},
        }
        done = run(
            [sys.executable, *_SENDING],
            timeout=self.timeout,
            env={"PYTHONPATH": _CODE},
            stdin=json.dumps(plan, default=str),
        )
        told = json.loads(done.stdout)
        new = self.known.with_suffix(".new")
        new.write_text(json.dumps(dict(list(told["layers"].items())[-_LAYERS_KNOWN:]), indent=1))
        new.rename(self.known)
        return f"{told['sent']} bytes of layers were sent, {told['left_out']} left out"

    @property
    def _refs(self) -> list[str]:
        return list(dict.fromkeys(ref for want in self.wants for ref in want.refs))

    def _layers(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.known.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def _failed(self, error: CommandFailedError) -> ImageNotLoadedError:
        said = error.completed.stderr.strip() or error.completed.stdout.strip()
        return ImageNotLoadedError(self._refs, said[-2000:])


def _archive(layers: Mapping[str, bytes], images: Sequence[Described]) -> bytes:
    blobs = ((BLOBS + digest.removeprefix("sha256:"), data) for digest, data in layers.items())
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in (*blobs, *documents(images)):
            head = tarfile.TarInfo(name)
            head.size = len(data)
            archive.addfile(head, io.BytesIO(data))
    return target.getvalue()


def _tagged(ref: str) -> str:
    return ref if ":" in ref.rpartition("/")[2] else f"{ref}:latest"


def _full_name(ref: str) -> str:
    """Return a reference with what a runtime writes before a short one."""
    from docker.auth import INDEX_NAME, resolve_repository_name

    registry, name = resolve_repository_name(_tagged(ref))
    folder = "library/" if registry == INDEX_NAME and "/" not in name else ""
    return f"{registry}/{folder}{name}"
