"""The images of one node: which it holds, what they are called, and which nobody needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.clusters.base import Engine
from harness.clusters.kind_node import KindNode
from harness.clusters.node_disk import Ledger, NodeImage, superseded
from harness.command import run
from harness.kube.pods import same_image

TAG = ("ctr", "--namespace=k8s.io", "images", "tag")
_STORE = "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"


@dataclass(frozen=True)
class Lacking:
    """What a node lacks of the images that are wanted.

    Attributes:
        refs: all that it lacks.
        unknown: those of them that it does not hold under another name either.
        held: what its content store has then, digests and sizes.

    """

    refs: tuple[str, ...]
    unknown: tuple[str, ...]
    held: Mapping[str, int]


class NodeImages:
    """The images of one node.

    Args:
        node: which.
        engine: where the images come from.
        ledger: what was loaded when, for tidying up.

    """

    def __init__(self, node: KindNode, engine: Engine, ledger: Ledger) -> None:
        self.node, self._engine, self._ledger = node, engine, ledger

    def lacking(self, wanted: Mapping[str, str]) -> Lacking:
        """Return what it lacks; what it holds under another tag gets the wanted one as well.

        Args:
            wanted: the engine's id of each reference.

        """
        held = self.held()
        refs = self._lost(wanted, held)
        unknown = [ref for ref in refs if not self._named_again(ref, wanted[ref], held)]
        if not refs:
            self._ledger.note(held, wanted)
        return Lacking(tuple(refs), tuple(unknown), self._content() if unknown else {})

    def settle(self, wanted: Mapping[str, str]) -> tuple[list[str], tuple[str, ...]]:
        """Look again after something was brought to it, and tidy up.

        Superseded images are removed, so that a node's disk does not grow with each build.

        Returns:
            what it lacks all the same, and the names of what was removed.

        """
        held = self.held()
        if lost := self._lost(wanted, held):
            return lost, ()
        self._ledger.note(held, wanted)
        known = self._ledger.read()
        old = superseded(tuple(wanted), held, set(wanted.values()), known)
        used = self._used() if old else set()
        removed = [image for image in old if image.id not in used]
        if removed:  # one that is used after all is refused by the runtime, and stays
            self.node.run("crictl", "rmi", *(image.id for image in removed), check=False)
        return [], tuple(image.tags[0] if image.tags else image.id for image in removed)

    def held(self) -> list[NodeImage]:
        """Return the images that the node's runtime gives to pods."""
        told = json.loads(self.node.run("crictl", "images", "--output", "json").stdout)
        return [
            NodeImage(str(image["id"]), tuple(image.get("repoTags") or ()))
            for image in told.get("images") or ()
        ]

    def _content(self) -> dict[str, int]:
        """Return digest and size of all that its store has, each layer in particular."""
        words = (_STORE, "-type", "f", "-printf", "sha256:%f %s\\n")
        lines = self.node.run("find", *words, check=False).stdout.splitlines()
        return {digest: int(size) for digest, _, size in (line.partition(" ") for line in lines)}

    def _lost(self, wanted: Mapping[str, str], held: Sequence[NodeImage]) -> list[str]:
        return [ref for ref, found in wanted.items() if not self._holds(ref, found, held)]

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
        done = self.node.run("crictl", "inspecti", "--output", "json", node_id, check=False)
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
                    return self.node.run(*TAG, "--force", tag, new, check=False).returncode == 0
        return False

    def _used(self) -> set[str]:
        told = json.loads(self.node.run("crictl", "ps", "--all", "--output", "json").stdout)
        found = set()
        for container in told.get("containers") or ():
            image = str((container.get("image") or {}).get("image"))
            found |= {image, str(container.get("imageRef")), str(container.get("imageId"))}
        return found


def _seconds(timestamp: Any) -> str:
    """Return a timestamp without its fraction, which the two sides round differently."""
    return str(timestamp or "")[:19]
