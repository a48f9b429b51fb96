"""What a project has, found by role: which file of it makes what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from harness.contract.containers import Container
from harness.contract.rendering import Rendered, Rendering
from harness.contract.subject import Subject
from harness.helm.rendering import Renderer
from harness.project import Image, Project
from mutants.seeding.seed import CannotApplyError


@dataclass(frozen=True)
class Role:
    """A program that the chart runs.

    Attributes:
        name: of its image in the description.
        container: the one that runs it.
        service: the Service in front of it.

    """

    name: str
    image: Image
    container: Container = field(repr=False)
    service: Rendered | None = field(repr=False)

    @property
    def names(self) -> set[str]:
        """The names that a finding may call it."""
        return {self.name, str(self.container.body.get("name"))}

    @property
    def dockerfile(self) -> str:
        """The path of its Dockerfile."""
        return f"{self.image.context}/{self.image.dockerfile}"


class Shape:
    """A project without a defect: its description, its chart as it renders, its roles."""

    def __init__(self, project: Project, helm: Renderer) -> None:
        self.project = project
        self.subject = Subject(project, helm)

    @property
    def chart(self) -> str:
        """The path of the chart."""
        return self.project.chart.path

    @cached_property
    def main(self) -> Rendering:
        """The chart as it is described."""
        rendering = self.subject.main
        assert rendering is not None, "a project without a defect renders"
        return rendering

    @cached_property
    def roles(self) -> dict[str, Role]:
        """The programs by the names of their images."""
        found: dict[str, Role] = {}
        for container in self.subject.containers(self.main):
            if container.image is not None and container.main:
                image = self.project.images[container.image]
                found.setdefault(
                    container.image,
                    Role(container.image, image, container, self._service(container)),
                )
        return found

    @cached_property
    def front(self) -> Role:
        """The role that people open."""
        public = [s.image for s in self.project.services.values() if s.public]
        return next(role for name, role in self.roles.items() if not public or name in public)

    @cached_property
    def inner(self) -> Role:
        """The role that uses the database, one behind the other before the front itself."""
        database = self.project.database.env if self.project.database else ""
        others = [role for role in self.roles.values() if role is not self.front]
        using = [r for r in others if any(s.name == database for s in r.container.settings)]
        return next(iter([*using, *others]), self.front)

    @property
    def both(self) -> bool:
        """Whether there are two roles."""
        return self.inner is not self.front

    @property
    def names(self) -> dict[str, set[str]]:
        """What the words of a seed's patterns stand for."""
        return {"inner": self.inner.names, "front": self.front.names}

    def objects(self, *kinds: str) -> list[Rendered]:
        """Return the objects of some kinds, in whatever variant they are made."""
        for rendering in self.subject.renderings:
            if found := rendering.of(*kinds):
                return found
        return []

    def object(self, *kinds: str) -> Rendered:
        """Return the first of them. Raises CannotApplyError."""
        found = self.objects(*kinds)
        if not found:
            raise CannotApplyError(f"the chart makes no {' or '.join(kinds)}")
        return found[0]

    def number(self, item: Rendered) -> int:
        """Return the place of an object among those of its kind in its file."""
        beside = [o for o in self.objects(item.kind) if o.source == item.source]
        return [o.name for o in beside].index(item.name)

    def _service(self, container: Container) -> Rendered | None:
        labels = container.pod.labels
        for service in self.main.of("Service"):
            selector = service.spec.get("selector") or {}
            if selector and selector.items() <= labels.items():
                return service
        return None
