"""Which images of a node nobody needs any more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.kube.pods import same_image

KEEP = 3  # superseded images of one repository that stay, for a rollback


@dataclass(frozen=True)
class NodeImage:
    """An image that the node holds: the id that its runtime gives it, and its names."""

    id: str
    tags: tuple[str, ...]

    def is_named(self, ref: str) -> bool:
        """Return whether one of its names is this reference."""
        return any(same_image(ref, tag) for tag in self.tags)


class Ledger:
    """A file that tells which image ids we have brought to a node, for which repository.

    An id tells more than a name: when a tag moves on to new content, the old content has
    no name any more and is still there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, held: Iterable[NodeImage], refs: Iterable[str]) -> None:
        """Note that these references were asked for now."""
        entries = self.read()
        for image in held:
            for ref in refs:
                if image.is_named(ref):
                    entries[image.id] = (repository(ref), time.time())
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(entries, indent=1))
        new.rename(self._file)

    def read(self) -> dict[str, tuple[str, float]]:
        """Return repository and last time of use (seconds since 1970) by image id."""
        try:
            told = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(id_): (str(entry[0]), float(entry[1])) for id_, entry in told.items()}


def superseded(
    wanted: Sequence[str],
    held: Iterable[NodeImage],
    used: set[str],
    ledger: Mapping[str, tuple[str, float]],
) -> list[NodeImage]:
    """Return the images to remove: of a repository just loaded, neither wanted nor used.

    The newest few of each repository stay, by their last use. Only images that the ledger
    knows are ever removed: what else is in the node is not ours.
    """
    old: dict[str, list[tuple[float, NodeImage]]] = {}
    repositories = {repository(ref) for ref in wanted}
    for image in held:
        of, when = ledger.get(image.id, ("", 0.0))
        if of not in repositories or image.id in used:
            continue
        if any(image.is_named(ref) for ref in wanted):
            continue
        old.setdefault(of, []).append((when, image))
    found: list[NodeImage] = []
    for images in old.values():
        newest = sorted(images, key=lambda entry: entry[0], reverse=True)
        found += [image for _, image in newest[KEEP:]]
    return found


def repository(ref: str) -> str:
    """Return a reference without its tag and digest."""
    name = ref.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
