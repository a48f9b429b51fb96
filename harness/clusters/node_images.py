"""Images brought into a node: as few bytes as needed, and verified."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.clusters.base import Engine, Loaded
from harness.clusters.errors import ImageMissingError, ImageNotLoadedError
from harness.clusters.kind_node import KindNode
from harness.clusters.node_disk import Ledger, NodeImage, superseded
from harness.command import CommandFailedError, run
from harness.kube.pods import same_image

_PIPE = Path(__file__).with_name("_pipe.py")
_TAG = ("ctr", "--namespace=k8s.io", "images", "tag")
_IMPORT = ("ctr", "--namespace=k8s.io", "images", "import", "-")


class NodeImages:
    """The images of one kind node.

    Args:
        node: which.
        engine: where the images come from.
        ledger: what was loaded when, for tidying up.

    """

    def __init__(self, node: KindNode, engine: Engine, ledger: Ledger) -> None:
        self._node, self._engine, self._ledger = node, engine, ledger

    def load(self, refs: Sequence[str], *, timeout: float = 300.0) -> Loaded:
        """Bring images into the node; those it holds with the same content are not sent.

        All that is missing goes in one stream from the engine's `save` to the node's
        `ctr`, with no file between.

        Args:
            refs: image references.
            timeout: seconds for the stream.

        Raises:
            ImageMissingError: the engine does not have one.
            ImageNotLoadedError: after the stream the node still lacks one.
            CommandTimedOutError: the stream took longer.

        """
        started = time.monotonic()
        wanted = self._ids(refs)
        held = self.held()
        missing = [ref for ref, found in wanted.items() if not self._holds(ref, found, held)]
        if missing:
            unknown = [ref for ref in missing if not self._named_again(ref, wanted[ref], held)]
            said = self._send(unknown, timeout) if unknown else "it was given another name"
            held = self.held()
            lost = [ref for ref in missing if not self._holds(ref, wanted[ref], held)]
            if lost:
                raise ImageNotLoadedError(lost, said)
        self._ledger.note(held, wanted)
        there = tuple(ref for ref in wanted if ref not in missing)
        pruned = self._tidy(wanted, held) if missing else ()
        return Loaded(tuple(missing), there, pruned, time.monotonic() - started)

    def held(self) -> list[NodeImage]:
        """Return the images that the node's runtime gives to pods."""
        told = json.loads(self._node.run("crictl", "images", "--output", "json").stdout)
        return [
            NodeImage(str(image["id"]), tuple(image.get("repoTags") or ()))
            for image in told.get("images") or ()
        ]

    def _ids(self, refs: Sequence[str]) -> dict[str, str]:
        ids = {ref: self._engine.image_id(ref) for ref in dict.fromkeys(refs)}
        if unknown := [ref for ref, found in ids.items() if not found]:
            raise ImageMissingError(unknown)
        return {ref: found for ref, found in ids.items() if found}

    def _holds(self, ref: str, wanted: str, held: Iterable[NodeImage]) -> bool:
        """Return whether the node has this content under this name.

        The runtime's id is the digest of the image's configuration. So is the engine's,
        unless containerd keeps its images: then the layers and the time of creation,
        which both tell, decide.
        """
        return any(
            image.id == wanted or self._same_content(ref, image.id)
            for image in held
            if image.is_named(ref)
        )

    def _same_content(self, ref: str, node_id: str) -> bool:
        done = self._node.run("crictl", "inspecti", "--output", "json", node_id, check=False)
        if done.returncode != 0:
            return False
        inside = (json.loads(done.stdout).get("info") or {}).get("imageSpec") or {}
        told = run(self._engine.argv("image", "inspect", ref), timeout=30).stdout
        outside = json.loads(told)[0]
        layers = (inside.get("rootfs") or {}).get("diff_ids")
        return bool(
            layers
            and layers == (outside.get("RootFS") or {}).get("Layers")
            and _seconds(inside.get("created")) == _seconds(outside.get("Created"))
        )

    def _named_again(self, ref: str, wanted: str, held: Iterable[NodeImage]) -> bool:
        """Give what the node holds under another tag this one, and return whether it does."""
        for image in held:
            for tag in image.tags if image.id == wanted else ():
                head, colon, _ = tag.rpartition(":")
                new = f"{head}{colon}{ref.rpartition(':')[2]}"
                if same_image(ref, new):
                    return self._node.run(*_TAG, "--force", tag, new, check=False).returncode == 0
        return False

    def _send(self, refs: Sequence[str], timeout: float) -> str:
        """Stream images from the engine into the node; return what the importer said."""
        source = [str(word) for word in self._engine.argv("save", *refs)]
        sink = self._node.argv(*_IMPORT, interactive=True)
        pipe = [sys.executable, "-I", str(_PIPE), str(len(source)), *source, *sink]
        try:
            done = run(pipe, timeout=timeout)
        except CommandFailedError as error:
            said = error.completed.stderr.strip() or error.completed.stdout.strip()
            raise ImageNotLoadedError(refs, said[-2000:]) from error
        return (done.stdout + done.stderr).strip()

    def _tidy(self, wanted: dict[str, str], held: Sequence[NodeImage]) -> tuple[str, ...]:
        """Remove superseded images, so that a node's disk does not grow with each build."""
        used = self._used() | set(wanted.values())
        removed = superseded(tuple(wanted), held, used, self._ledger.read())
        if removed:  # one that is used after all is refused by the runtime, and stays
            self._node.run("crictl", "rmi", *(image.id for image in removed), check=False)
        return tuple(image.tags[0] if image.tags else image.id for image in removed)

    def _used(self) -> set[str]:
        told = json.loads(self._node.run("crictl", "ps", "--all", "--output", "json").stdout)
        found = set()
        for container in told.get("containers") or ():
            image = str((container.get("image") or {}).get("image"))
            found |= {image, str(container.get("imageRef")), str(container.get("imageId"))}
        return found


def _seconds(timestamp: Any) -> str:
    """Return a timestamp without its fraction, which the two sides round differently."""
    return str(timestamp or "")[:19]
