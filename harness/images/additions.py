"""What an image's build needs beside its sources, for want of a lock file or of Google."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness.images import constraints, google_fonts
from harness.images.as_of import AsOf, as_of
from harness.images.context import Context
from harness.images.dockerfile import Dockerfile
from harness.images.given import Given, secret_path
from harness.images.spec import ImageSpec
from harness.progress import Progress

if TYPE_CHECKING:
    from harness.supply.engine import Engine

_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True)
class Additions:
    """What one image's build is given.

    Attributes:
        dated: how its dependencies are resolved as of a date; None without a date.
        fonts: the calls that are answered in Google's place; None when Google is asked itself,
            or not at all.
        without: why Google cannot be.

    """

    dated: AsOf | None = None
    fonts: list[google_fonts.Call] | None = None
    without: str = ""

    @property
    def key(self) -> dict[str, str]:
        """What of it makes another image of the same sources."""
        key = {"as_of": self.dated.day} if self.dated and self.dated.held else {}
        return key | ({} if self.fonts is None else {"fonts": "stood in for"})


@dataclass
class Adder:
    """Finds out what builds need beside their sources, and says so.

    Args:
        engine: tells which Python a base has.
        progress: told what was done.
        environ: names proxies and certificates.
        day: as of which dependencies are resolved, YYYY-MM-DD; empty for today.

    """

    engine: Engine
    progress: Progress
    environ: Mapping[str, str]
    day: str = ""
    _unreached: list[str] = field(default_factory=list, init=False, repr=False)

    def look(self, spec: ImageSpec, context: Context) -> Additions:
        """Return what a build needs; nothing is fetched but whether Google answers."""
        files = context.files()
        dated = None
        if self.day:
            text = spec.file.read_text(encoding="utf-8-sig", errors="replace")
            dated = as_of(self.day, text, _below(spec.context, files), spec.context)
        fonts = google_fonts.calls(files)
        without = self._google() if fonts is not None else ""
        return Additions(dated, fonts if without else None, without)

    def tell(self, spec: ImageSpec, additions: Additions) -> None:
        """Say what an image is built with, or was when it is there already."""
        if dated := additions.dated:
            self.progress.choice("as of", dated.day, f"image {spec.name}: {dated.told}")
        if additions.fonts is not None:
            names = sorted({name.replace("_", " ") for name, _ in additions.fonts})
            why = f"{google_fonts.HOST} is not reached: {additions.without}"
            what = f"image {spec.name}: {', '.join(names) or 'of Google'}; {why}"
            self.progress.choice("fonts", "stood in for", what)

    def give(
        self,
        spec: ImageSpec,
        context: Context,
        dockerfile: Dockerfile,
        additions: Additions,
        bases: Mapping[str, str],
        folder: Path,
    ) -> Given:
        """Make what the build is given, in a folder that has to outlive it."""
        given = Given()
        if dated := additions.dated:
            given |= self._dated(dated, spec, context, dockerfile, bases, folder)
        if additions.fonts is not None:
            text = google_fonts.module(additions.fonts)
            given |= _file(google_fonts.VARIABLE, "google-fonts", ".cjs", text, folder)
        return given

    def _dated(
        self,
        dated: AsOf,
        spec: ImageSpec,
        context: Context,
        dockerfile: Dockerfile,
        bases: Mapping[str, str],
        folder: Path,
    ) -> Given:
        given = dated.given
        if "pip" not in dated.held:
            return given
        files = _below(spec.context, context.files())
        lines = constraints.requirements(dockerfile, spec.context, files)
        python = self._python(bases) if lines else ""
        if not lines:
            told = "none: no requirements are named, or all with hashes"
        elif not python:
            told = "none: its bases have no Python; a pip before 26 is not held to the date"
        else:
            found = constraints.resolve(lines, dated.day, python, self.environ)
            if found.text and not found.pinned:
                given |= _file("PIP_CONSTRAINT", "constraints", ".txt", found.text, folder)
            if found.newer:  # a pip that knows dates would refuse what is pinned
                given = given.without("PIP_UPLOADED_PRIOR_TO")
            told = found.told
        self.progress.choice("constraints", f"of {dated.day}", f"pip, image {spec.name}: {told}")
        return given

    def _python(self, bases: Mapping[str, str]) -> str:
        """Return the version of Python of the first base that has one, its namesakes before."""
        named = sorted(bases.items(), key=lambda item: "python" not in item[0] + item[1])
        for _, ref in named:
            done = self.engine.run(
                *("run", "--rm", "--network", "none", "--entrypoint", "python3", ref),
                *("-c", _VERSION),
                timeout=60,
                check=False,
            )
            if done.returncode == 0 and (version := done.stdout.strip()):
                return version
        return ""

    def _google(self) -> str:
        if not self._unreached:
            self._unreached.append(google_fonts.unreached(self.environ))
        return self._unreached[0]


def _below(root: Path, files: list[Path]) -> list[PurePosixPath]:
    below = (PurePosixPath(file.relative_to(root).as_posix()) for file in files)
    return [file for file in below if "node_modules" not in file.parts]


def _file(variable: str, name: str, suffix: str, text: str, folder: Path) -> Given:
    """Write a file, and name it by its content and in a variable."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    file = folder / f"{name}-{digest}{suffix}"
    file.write_text(text, encoding="utf-8")
    path = secret_path(file.name)
    return Given({variable: path}, {path: file})
