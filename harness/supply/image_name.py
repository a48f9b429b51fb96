"""What the name of an official image asks for: a version, a variant, a release of Debian."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Releases of Debian by what tags call them.
SUITES = {"13": "trixie", "trixie": "trixie", "stable": "trixie", "latest": "trixie"}
SUITES |= {"12": "bookworm", "bookworm": "bookworm", "oldstable": "bookworm"}
SUITES |= {"11": "bullseye", "bullseye": "bullseye", "oldoldstable": "bullseye"}
# The engine's default registry by its name, and copies of the official images elsewhere.
_OFFICIAL = re.compile(r"^(docker\.io/(?=[^/]+$)|([a-z0-9.-]+(:\d+)?/([a-z0-9._-]+/)*)?library/)")
_NODES = "argon|boron|carbon|dubnium|erbium|fermium|gallium|hydrogen|iron|jod|krypton"
_VERSION = re.compile(rf"\d+(\.\d+)*|lts|current|latest|stable|mainline|edge|{_NODES}")
_ALPINE = re.compile(r"alpine(\d+\.\d+)?")


@dataclass(frozen=True)
class ImageName:
    """The parts of a name.

    Args:
        written: as it was asked for.
        name: without registry and tag, such as python, or nginxinc/nginx-unprivileged.
        tag: as written, `latest` where there is none.
        version: such as 3.12 or lts, empty where the tag has none.
        slim: whether the small variant is asked for.
        alpine: whether the one on Alpine is.
        alpine_version: such as 3.20, empty where the tag names none.
        suite: the release of Debian in the tag, empty where it has none.
        rest: words of the tag that are none of these.
        pinned: whether it is named by a digest too.

    """

    written: str
    name: str
    tag: str = "latest"
    version: str = ""
    slim: bool = False
    alpine: bool = False
    alpine_version: str = ""
    suite: str = ""
    rest: tuple[str, ...] = ()
    pinned: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version in numbers, empty when it is a word."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version))

    def on_debian(self, *, slim: bool) -> ImageName:
        """Return the name of the same version on Debian."""
        tag = "-".join(filter(None, (self.version, "slim" if slim else ""))) or "latest"
        return parse(f"{self.name}:{tag}")


def parse(written: str) -> ImageName:
    """Return the parts of an image's name."""
    short, _, digest = _OFFICIAL.sub("", written).partition("@")
    name, _, tag = short.partition(":")
    words = (tag or "latest").split("-")
    version = words.pop(0) if _VERSION.fullmatch(words[0]) else ""
    alpine = next((word for word in words if _ALPINE.fullmatch(word)), "")
    suite = next((word for word in words if word in SUITES), "")
    known = {"slim", alpine, suite}
    return ImageName(
        written,
        name,
        tag=tag or ("" if digest else "latest"),
        version=version,
        slim="slim" in words,
        alpine=bool(alpine),
        alpine_version=alpine.removeprefix("alpine"),
        suite=suite,
        rest=tuple(word for word in words if word not in known),
        pinned=bool(digest),
    )
