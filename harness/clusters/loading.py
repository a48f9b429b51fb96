"""Images brought from the engine into every node: as few bytes as needed, and verified."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.clusters.base import Engine, Loaded
from harness.clusters.delivery import Delivery, Want
from harness.clusters.errors import ImageMissingError, ImageNotLoadedError
from harness.clusters.kind_node import KindNode
from harness.clusters.node_disk import Ledger
from harness.clusters.node_images import TAG, NodeImages
from harness.jobs import side_by_side
from harness.kube.pods import same_image, whole_name

_LEDGERS = "images*.json"
_LAYERS = "images-layers.json"


def load_images(
    nodes: Sequence[KindNode],
    engine: Engine,
    folder: Path,
    refs: Sequence[str],
    *,
    timeout: float = 300.0,
) -> Loaded:
    """Bring images into every node; what a node holds with the same content is not sent.

    Only layers that a node lacks go into its `ctr`: out of the engine's storage where that
    is on this machine, and few are lacking; else in one stream from the engine's `save` to
    all nodes, with no file between.

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
    wants = [
        Want(image.node, lacking.unknown, lacking.held)
        for image, lacking in zip(images, found, strict=True)
        if lacking.unknown
    ]
    said = "it was given another name"
    if wants:
        said = Delivery(engine, folder / _LAYERS, wants, wanted, timeout).run()
    changed = [one for one, lacking in zip(images, found, strict=True) if lacking.refs]
    settled = side_by_side(lambda one: one.settle(wanted), changed)
    if lost := {ref for lost, _ in settled for ref in lost}:
        raise ImageNotLoadedError(sorted(lost), said)
    missing = {ref for one in found for ref in one.refs}
    return Loaded(
        loaded=tuple(ref for ref in wanted if ref in missing),
        already_there=tuple(ref for ref in wanted if ref not in missing),
        pruned=tuple(dict.fromkeys(name for _, names in settled for name in names)),
        seconds=time.monotonic() - started,
    )


def name_images(nodes: Sequence[KindNode], names: Mapping[str, str]) -> None:
    """Give images that every node holds further names, so that pods find them by these.

    Args:
        nodes: which.
        names: the name that each image of the engine gets as well, and what it is called there.

    Raises:
        CommandFailedError: a node does not have one.

    """
    others = {name: ref for name, ref in names.items() if not same_image(name, ref)}

    def name_on(node: KindNode) -> None:
        for name, ref in others.items():
            node.run(*TAG, "--force", whole_name(ref), whole_name(name))

    side_by_side(name_on, nodes)


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
