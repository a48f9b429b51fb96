"""A copy of a project into which a defect is put."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.contract.rendering import Rendered
from mutants.seeding.seed import CannotApplyError
from mutants.seeding.shape import Role, Shape
from mutants.seeding.text import Document, document, whole

_SOURCES = (".py", ".js", ".mjs", ".ts", ".tsx", ".template")


@dataclass(frozen=True)
class Piece:
    """A copy.

    Args:
        root: its folder.
        shape: what the project without a defect has.

    """

    root: Path
    shape: Shape

    @property
    def inner(self) -> Role:
        """The role that uses the database."""
        return self.shape.inner

    @property
    def front(self) -> Role:
        """The role that people open."""
        return self.shape.front

    @property
    def chart(self) -> Path:
        """The folder of the chart."""
        return self.root / self.shape.chart

    def two(self) -> None:
        """Go on only where a program is behind another. Raises CannotApplyError."""
        if not self.shape.both:
            raise CannotApplyError("there is one program only, with which the other defect does it")

    def dockerfile(self, role: Role) -> Document:
        """Return a role's Dockerfile."""
        return whole(self.root / role.dockerfile)

    def of(self, item: Rendered) -> Document:
        """Return what makes an object. Raises CannotApplyError."""
        return document(self.chart / item.source, item.kind, self.shape.number(item))

    def workload(self, role: Role) -> Document:
        """Return what makes a role's pods."""
        return self.of(role.container.owner)

    def service(self, role: Role) -> Document:
        """Return what makes a role's Service. Raises CannotApplyError."""
        if role.service is None:
            raise CannotApplyError(f"{role.name} has no Service")
        return self.of(role.service)

    def near(self, role: Role, pattern: str, new: str) -> None:
        """Replace a pattern wherever a role's pods are made, or in what is made for all.

        Raises:
            CannotApplyError: it is nowhere.

        """
        for part in (self.workload(role), *self.helpers()):
            try:
                part.sub(pattern, new, every=True)
            except CannotApplyError:
                continue
            return
        raise CannotApplyError(f"no template of {role.name} has anything like `{pattern}`")

    def helpers(self) -> Iterator[Document]:
        """Yield the chart's files of definitions."""
        for file in sorted(self.chart.rglob("templates/_*.tpl")):
            yield whole(file)

    def templates(self) -> Iterator[Document]:
        """Yield all files of the chart that make something, and those of sub-charts."""
        for file in sorted(self.chart.rglob("templates/*.yaml")):
            if file.is_file():
                yield whole(file)

    def sources(self, role: Role) -> Iterator[Document]:
        """Yield the sources of a program."""
        for file in sorted((self.root / role.image.context).rglob("*")):
            if file.is_file() and file.suffix in _SOURCES and "node_modules" not in file.parts:
                yield whole(file)

    def in_sources(self, role: Role, pattern: str, new: str, *, every: bool = False) -> None:
        """Replace a pattern in the first source that has it, or in all. Raises CannotApplyError."""
        done = False
        for part in self.sources(role):
            try:
                part.sub(pattern, new, every=every)
            except CannotApplyError:
                continue
            done = True
            if not every:
                return
        if not done:
            raise CannotApplyError(f"no source of {role.name} has anything like `{pattern}`")

    def set_value(self, path: str, new: str) -> None:
        """Give a value of the chart another default. Raises CannotApplyError."""
        files = self.shape.subject.chart
        leaf = next((one for one in [*files.leaves, *files.inner] if one.dotted == path), None)
        if leaf is None:
            raise CannotApplyError(f"the chart has no value {path}")
        part = whole(self.chart / leaf.file)
        line = Document(part.file, leaf.line - 1, leaf.line)
        key = re.escape(leaf.path[-1])
        line.sub(rf'(\b{key}:)\s*("[^"]*"|[^,}}\s#]*)', rf"\1 {new}")

    def value_of(self, reference: str) -> str:
        """Return the path of the value that is nothing but a reference. Raises CannotApplyError."""
        for path, text in self.shape.project.values.items():
            if text == f"${{{reference}}}":
                return path
        raise CannotApplyError(f"no value of the chart is {reference}")

    def secret(self, role: Role) -> tuple[str, str]:
        """Return a secret of a role, the database's address apart: its variable and its value.

        Raises:
            CannotApplyError: it has none.

        """
        names = {setting.name for setting in role.container.settings}
        for name, secret in self.shape.project.secrets.items():
            if secret.env in names:
                return secret.env, self.value_of(f"secrets.{name}")
        raise CannotApplyError(f"{role.name} has no secret but the database's address")

    def database(self) -> tuple[str, str]:
        """Return the variable of the database's address, and its value. Raises CannotApplyError."""
        if self.shape.project.database is None:
            raise CannotApplyError("there is no database")
        return self.shape.project.database.env, self.value_of("database.url")

    def address(self) -> str:
        """Return the variable by which the front is told where the other is.

        Raises:
            CannotApplyError: it is told by none that stands in its own template.

        """
        self.two()
        service = self.inner.service.name if self.inner.service else "?"
        for setting in self.front.container.settings:
            if setting.origin == "plain" and service in (setting.value or ""):
                return setting.name
        raise CannotApplyError(f"{self.front.name} is told no address of {self.inner.name}")

    def add(self, path: str, text: str) -> None:
        """Add a template to the chart."""
        file = self.chart / "templates" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def env(self, role: Role, entry: str) -> None:
        """Give a role's container a further variable."""
        part = self.workload(role)
        try:
            part.below(["containers", "env"], entry)
        except CannotApplyError:
            if re.search(r"^\s*env: \*", "\n".join(part.lines), re.MULTILINE):
                part.below(["env"], entry)  # where the anchor is
            else:
                raise
