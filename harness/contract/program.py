"""The program of one image: its folder, its Dockerfile and what its sources tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.contract import python
from harness.contract.code import Code, Read, Text
from harness.contract.finding import Place
from harness.contract.javascript import Scripts, package
from harness.contract.script import Script
from harness.contract.stage import Stage, last_stage
from harness.images.dockerfile import Dockerfile
from harness.images.spec import ImageSpec
from harness.project import Image

_NOT_OURS = {
    "node_modules",
    "site-packages",
    "venv",
    "__pycache__",
    "dist",
    "build",
    "coverage",
    "tests",
    "test",
    "__tests__",
    "__mocks__",
    "e2e",
    "cypress",
}
_TEST = re.compile(
    r"(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$|\.(test|spec|stories)\.[cm]?[jt]sx?$"
)
_SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs")
#: Scripts, and configuration that variables are put into, as nginx's image does with templates.
_WORDS = (".sh", ".template", ".tmpl", ".conf")
_LARGEST = 400_000  # bytes; a larger source was made by a machine
_REQUIREMENT = re.compile(r"^\s*[\"']?([A-Za-z][\w.-]*)(?:\[[\w,-]*\])?\s*[<>=~!]=", re.MULTILINE)
_LISTEN = re.compile(
    r"^\s*listen\s+(?P<host>localhost(?=:)|127\.[\d.]+(?=:)|\[::1\])?[^;\n]*;", re.MULTILINE
)
_SHELL_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z0-9_]+)")


@dataclass
class Program:
    """One image that the project builds. `root` is the folder that places are relative to."""

    name: str
    image: Image
    root: Path

    @property
    def folder(self) -> Path:
        """Return the build context."""
        return self.root / self.image.context

    @property
    def spec(self) -> ImageSpec:
        """Return what would be built."""
        return ImageSpec(
            name=self.name,
            context=self.folder,
            repository=self.image.repository,
            dockerfile=self.image.dockerfile,
            build_args=self.image.build_args,
            bases=self.image.bases,
        )

    @cached_property
    def dockerfile(self) -> Dockerfile | None:
        """Return the parsed Dockerfile; None when it is missing."""
        file = self.spec.file
        return Dockerfile.read(file) if file.is_file() else None

    @cached_property
    def stage(self) -> Stage | None:
        """Return what the last stage of the Dockerfile comes to."""
        return last_stage(self.dockerfile, self.image.build_args) if self.dockerfile else None

    def docker_place(self, line: int | None = None) -> Place:
        """Return a line of the Dockerfile."""
        return self.place(self.spec.file, line)

    def place(self, file: Path, line: int | None = None) -> Place:
        """Return a place in a file of the context."""
        return Place(os.path.relpath(file, self.root).replace(os.sep, "/"), line)

    @cached_property
    def sources(self) -> dict[str, str]:
        """Return the text of each source file, tests apart, by its path from `root`."""
        found = {}
        for file in _walk(self.folder):
            name = self.place(file).file
            if not _TEST.search(name) and file.stat().st_size < _LARGEST:
                found[name] = file.read_text(encoding="utf-8", errors="replace")
        return found

    @cached_property
    def scripts(self) -> Scripts:
        """Return its TypeScript and JavaScript."""
        files = {
            name: Script(name, text)
            for name, text in self.sources.items()
            if name.endswith(_SCRIPTS)
        }
        return Scripts(self.place(self.folder).file, files)

    @cached_property
    def package(self) -> dict[str, object]:
        """Return its package.json, empty when there is none."""
        file = self.folder / "package.json"
        return package(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else {}

    @cached_property
    def packages(self) -> set[str]:
        """Return the names of the packages that it says it depends on."""
        dependencies = self.package.get("dependencies")
        found = set(dependencies) if isinstance(dependencies, dict) else set()
        for name in ("pyproject.toml", "requirements.txt"):
            file = self.folder / name
            if file.is_file():
                text = file.read_text(encoding="utf-8", errors="replace")
                found |= {match[1].lower() for match in _REQUIREMENT.finditer(text)}
        return found

    @property
    def next(self) -> bool:
        """Say whether it is an application of Next.js."""
        return "next" in self.packages

    @cached_property
    def code(self) -> Code:
        """Return what all its sources tell."""
        whole = Code()
        whole.add(python.scan({n: t for n, t in self.sources.items() if n.endswith(".py")}))
        whole.add(self.scripts.code)
        for name, text in self.sources.items():
            if name.endswith(_WORDS):
                whole.files += 1
                whole.reads += [Read(v, Place(name)) for v in _SHELL_VARIABLE.findall(text)]
                whole.binds += _listens(name, text)
        if self.dockerfile:
            whole.reads += [
                Read(variable, self.docker_place(one.line))
                for one in self.dockerfile.instructions
                if one.word in ("CMD", "ENTRYPOINT")
                for variable in _SHELL_VARIABLE.findall(one.rest)
            ]
        return whole


def _listens(name: str, text: str) -> Iterator[Text]:
    """Yield what a server of nginx's kind is bound to, where it is the container alone."""
    found = [*_LISTEN.finditer(text)]
    if found and all(match["host"] for match in found):  # one for the status may be so
        line = text.count("\n", 0, found[0].start()) + 1
        yield Text("bind", found[0]["host"].strip("[]"), Place(name, line))


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _NOT_OURS and not f.startswith("."))
        for file in sorted(files):
            path = Path(here) / file
            if path.suffix in (".py", *_WORDS, *_SCRIPTS) and not path.is_symlink():
                yield path
