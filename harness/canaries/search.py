"""Looking for the secrets of a run in texts, files and streams, in every form they may have."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.images.needles import find, secret_needles

_LARGEST = 200 * 2**20  # bytes of a file that is looked through


@dataclass(frozen=True, order=True)
class Leak:
    """A secret that was found: where, which one by its name, and in what form. Never itself."""

    where: str
    secret: str
    form: str

    def __str__(self) -> str:
        return f"{self.where}: the value of {self.secret}, {self.form}"


@dataclass(frozen=True)
class Canaries:
    """The secrets to look for, by name."""

    secrets: Mapping[str, str]

    def in_bytes(self, where: str, content: bytes) -> Iterator[Leak]:
        """Yield what a text holds of them."""
        needles = secret_needles(self.secrets)
        for needle in find(io.BytesIO(content), needles):
            yield Leak(where, needle.label, needle.form)

    def in_files(self, folder: Path) -> Iterator[Leak]:
        """Yield what the files of a folder hold of them, links not followed."""
        needles = secret_needles(self.secrets)
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            with path.open("rb") as content:
                for needle in find(content, needles):
                    yield Leak(str(path), needle.label, needle.form)


def told(leaks: Iterable[Leak]) -> str:
    """Return a line for each leak; each place and secret once, in the plainest form."""
    best: dict[tuple[str, str], Leak] = {}
    for leak in sorted(leaks, key=lambda one: (one.form != "plain", one)):
        best.setdefault((leak.where, leak.secret), leak)
    return "\n".join(map(str, sorted(best.values())))
