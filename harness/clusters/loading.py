"""Images brought from the engine into every node: as few bytes as needed, and verified."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.clusters.base import Engine, Loaded
from harness.clusters.errors import ImageMissingError, ImageNotLoadedError
from harness.clusters.kind_node import KindNode
from harness.clusters.node_disk import Ledger
from harness.clusters.node_images import NodeImages
from harness.command import CommandFailedError, run
from harness.jobs import side_by_side

_SEND = Path(__file__).with_name("_send.py")
_IMPORT = ("ctr", "--namespace=k8s.io", "images", "import", "-")
_LEDGERS = "images*.json"
_LAYERS = "images-layers.json"
_LAYERS_KNOWN = 400  # the latest, each some 150 bytes


def load_images(
    nodes: Sequence[KindNode],
    engine: Engine,
    folder: Path,
    refs: Sequence[str],
    *,
    timeout: float = 300.0,
) -> Loaded:
    """Bring images into every node; what a node holds with the same content is not sent.

    All that is missing goes in one stream from the engine's `save` to the `ctr` of each
    node that lacks it, with no file between, and without the layers that the node has.

    Args:
        nodes: which.
        engine: where the images come from.
        folder: keeps what is known of earlier times.
        refs: image references.
        timeout: seconds for the stream.

    Raises:
        ImageMissingError: the engine does not have one.
        ImageNotLoadedError: after the stream a node still lacks one.
        CommandTimedOutError: the stream took longer.

    """
    started = time.monotonic()
    wanted = _ids(engine, refs)
    files = ["images.json", *(f"images-{node.name}.json" for node in nodes[1:])]
    images = [
        NodeImages(node, engine, Ledger(folder / file))
        for node, file in zip(nodes, files, strict=True)
    ]
    found = side_by_side(lambda one: one.lacking(wanted), images)
    lacking = dict(zip(images, found, strict=True))
    said = "it was given another name"
    if any(one.unknown for one in found):
        unknown = {image: one.unknown for image, one in lacking.items() if one.unknown}
        said = _Delivery(engine, folder, unknown, timeout).run()
    settled = side_by_side(lambda one: one.settle(wanted), [i for i in images if lacking[i].refs])
    if lost := {ref for lost, _ in settled for ref in lost}:
        raise ImageNotLoadedError(sorted(lost), said)
    missing = {ref for one in found for ref in one.refs}
    return Loaded(
        loaded=tuple(ref for ref in wanted if ref in missing),
        already_there=tuple(ref for ref in wanted if ref not in missing),
        pruned=tuple(dict.fromkeys(name for _, names in settled for name in names)),
        seconds=time.monotonic() - started,
    )


def forget_images(folder: Path) -> None:
    """Forget what was loaded: the nodes that held it are gone."""
    for file in folder.glob(_LEDGERS):
        file.unlink(missing_ok=True)


def _ids(engine: Engine, refs: Sequence[str]) -> dict[str, str]:
    names = list(dict.fromkeys(refs))
    ids = dict(zip(names, side_by_side(engine.image_id, names), strict=True))
    if unknown := [ref for ref, found in ids.items() if not found]:
        raise ImageMissingError(unknown)
    return {ref: found for ref, found in ids.items() if found}


@dataclass
class _Delivery:
    """One stream to several nodes."""

    engine: Engine
    folder: Path
    unknown: Mapping[NodeImages, Sequence[str]]
    timeout: float
    _known: dict[str, str] = field(default_factory=dict, init=False)

    def run(self) -> str:
        """Send, and return what was said; once more with every layer if that fails.

        Raises:
            ImageNotLoadedError, CommandTimedOutError.

        """
        held = side_by_side(NodeImages.content, list(self.unknown))
        try:
            return self._send(held)
        except CommandFailedError as error:
            if not any(held):
                raise self._failed(error) from error
        try:
            return self._send([{} for _ in held])
        except CommandFailedError as error:
            raise self._failed(error) from error

    def _send(self, held: Sequence[Mapping[str, int]]) -> str:
        refs = list(dict.fromkeys(ref for some in self.unknown.values() for ref in some))
        plan = {
            "source": list(self.engine.argv("save", *refs)),
            "sinks": [
                {"argv": images.node.argv(*_IMPORT, interactive=True), "held": content}
                for images, content in zip(self.unknown, held, strict=True)
            ],
            "layers": self._layers(),
            "names": {_tagged(ref): _full_name(_tagged(ref)) for ref in refs},
        }
        done = run(
            [sys.executable, "-I", str(_SEND)],
            timeout=self.timeout,
            stdin=json.dumps(plan, default=str),
        )
        told = json.loads(done.stdout)
        latest = dict(list(told["layers"].items())[-_LAYERS_KNOWN:])
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(latest, indent=1))
        new.rename(self._file)
        return f"{told['sent']} bytes of layers were sent, {told['left_out']} left out"

    @property
    def _file(self) -> Path:
        return self.folder / _LAYERS

    def _layers(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def _failed(self, error: CommandFailedError) -> ImageNotLoadedError:
        said = error.completed.stderr.strip() or error.completed.stdout.strip()
        refs = dict.fromkeys(ref for some in self.unknown.values() for ref in some)
        return ImageNotLoadedError(list(refs), said[-2000:])


def _tagged(ref: str) -> str:
    return ref if ":" in ref.rpartition("/")[2] else f"{ref}:latest"


def _full_name(ref: str) -> str:
    """Return a reference with what a runtime writes before a short one."""
    from docker.auth import INDEX_NAME, resolve_repository_name

    registry, name = resolve_repository_name(ref)
    folder = "library/" if registry == INDEX_NAME and "/" not in name else ""
    return f"{registry}/{folder}{name}"
