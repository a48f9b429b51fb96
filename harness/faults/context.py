"""A copy of an image's build context, with one defect."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from harness.faults.fault import Fault, FaultWithoutEffectError
from harness.images.context import Context


@dataclass
class BrokenContext(Fault):
    """Sources from which an image cannot be built, in a folder of their own.

    Args:
        source: the good build context; only read.
        dockerfile: relative to it.
        file: the file that gets the defect, relative to it.
        pattern: regular expression; the first match in the file is replaced. Without one
            the file is removed.
        replacement: what stands there then.

    Attributes:
        folder: the copy, while the block lasts.

    """

    source: Path
    dockerfile: str
    file: str
    pattern: str = ""
    replacement: str = ""
    folder: Path = field(default_factory=Path, init=False)

    def describe(self) -> str:
        """Return what is broken."""
        if not self.pattern:
            return f"{self.file} is missing"
        return f"{self.file} has `{self.replacement}` in place of /{self.pattern}/"

    def _break(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deploy-context-"))
        wanted = [self.dockerfile, ".dockerignore", f"{self.dockerfile}.dockerignore"]
        names = {self.source / name for name in wanted if (self.source / name).is_file()}
        for file in {*Context(self.source, self.dockerfile).files(), *names}:
            copy = self.folder / file.relative_to(self.source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)
        broken = self.folder / self.file
        if not self.pattern:
            broken.unlink(missing_ok=True)
        elif broken.is_file():
            text = broken.read_text(encoding="utf-8")
            changed = re.sub(self.pattern, self.replacement, text, count=1, flags=re.MULTILINE)
            broken.write_text(changed, encoding="utf-8")

    def _check(self) -> None:
        good, broken = self.source / self.file, self.folder / self.file
        if not good.is_file():
            seen = "the good sources do not have this file"
        elif broken.is_file() and broken.read_bytes() == good.read_bytes():
            seen = "the file is as it was"
        else:
            return
        raise FaultWithoutEffectError(self.describe(), "another file", seen, str(broken))

    def _mend(self) -> None:
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)
