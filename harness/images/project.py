"""The images of the project that is accepted, each built once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.diagnosis import write_build_log
from harness.images.failure import BuildError
from harness.images.spec import BuiltImage, ImageSpec
from harness.jobs import Jobs
from harness.project import Project

if TYPE_CHECKING:
    from harness.images.build import Builder


@dataclass(frozen=True)
class ProjectImages:
    """What the project describes under `images`, from its present sources.

    `diagnosis` is the folder where the log of a failed build is kept; None for nowhere.
    `adopt` gives an image the name under which the cluster gets it, and returns that.
    All methods raise the DeployError of what failed, also in later calls.
    """

    project: Project
    builder: Builder
    jobs: Jobs
    diagnosis: Path | None = None
    adopt: Callable[[str], str] | None = None

    def check(self) -> None:
        """Refuse sources that cannot be built, before anything is started (EC-1)."""
        for name in self.project.images:
            self.builder.check(self._spec(name))

    def begin(self) -> list[Future[BuiltImage]]:
        """Start building all of them side by side."""
        return [self._start(name) for name in self.project.images]

    def get(self, name: str) -> BuiltImage:
        """Return an image, built."""
        return self._start(name).result()

    def all(self) -> dict[str, BuiltImage]:
        """Return all of them by name."""
        return {name: self.get(name) for name in self.project.images}

    def facts(self, names: Iterable[str] | None = None) -> dict[str, str]:
        """Return what `${images…}` stands for, of all images or of some."""
        facts: dict[str, str] = {}
        for name in self.project.images if names is None else names:
            image = self.get(name)
            facts |= {
                f"images.{name}.ref": image.ref,
                f"images.{name}.repository": image.repository,
                f"images.{name}.tag": image.tag,
            }
        return facts

    def _start(self, name: str) -> Future[BuiltImage]:
        return self.jobs.start(f"image {name}", lambda: self._build(name))

    def _build(self, name: str) -> BuiltImage:
        try:
            built = self.builder.build(self._spec(name))
        except BuildError as error:
            if self.diagnosis:
                written = write_build_log(self.diagnosis, name, error.log, error)
                error.add_note(written.note())
            raise
        if self.adopt is None:
            return built
        return replace(built, repository=self.adopt(built.ref).removesuffix(f":{built.tag}"))

    def _spec(self, name: str) -> ImageSpec:
        return spec_of(self.project, name)


def spec_of(project: Project, name: str) -> ImageSpec:
    """Return what is to be built for an image that the project describes."""
    image = project.images[name]
    return ImageSpec(
        name=name,
        context=project.root / image.context,
        repository=image.repository,
        dockerfile=image.dockerfile,
        build_args=image.build_args,
        bases=image.bases,
    )
