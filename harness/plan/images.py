"""Which images would be built, and which are there already from just these sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import DeployError
from harness.images import precheck
from harness.images.build import Builder, wanted_bases
from harness.images.project import spec_of
from harness.images.spec import ImageSpec
from harness.plan.model import BROKEN, CACHED, TO_BUILD, UNKNOWN, PlannedBase, PlannedImage
from harness.supply.bases import Bases

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.plan.times import Times
    from harness.progress import Progress
    from harness.settings import Settings
    from harness.supply.engine import Engine

_NO_ENGINE = "no container engine answers that could tell"
_NO_BASE = "to be pulled, or made from packages"


@dataclass(frozen=True)
class ImagesPlan:
    """The images of a project, and of what stands in for services that it calls.

    Attributes:
        planned: in the order of the description.
        problems: sources that cannot be built.

    """

    planned: tuple[PlannedImage, ...]
    problems: tuple[DeployError, ...]

    @property
    def tags(self) -> dict[str, str]:
        """The tag of each image of the project that can be told."""
        named = [image for image in self.planned if image.ref and not image.stand_in]
        return {image.name: image.ref.rpartition(":")[2] for image in named}


def plan_images(
    settings: Settings,
    engine: Engine | None,
    cache: Cache,
    progress: Progress,
    times: Times,
    *,
    stand_ins: bool,
) -> ImagesPlan:
    """Look which images there are; without an engine only the sources can be looked at."""
    look = _Look(settings, engine, cache, progress, times)
    specs = [(spec_of(settings.project, name), False) for name in settings.project.images]
    if stand_ins:
        specs += [(spec, True) for spec in stand_in_specs(settings)]
    problems: list[DeployError] = []
    planned = [look.image(spec, problems, stand_in=stand_in) for spec, stand_in in specs]
    return ImagesPlan(tuple(planned), tuple(problems))


def stand_in_specs(settings: Settings) -> Iterator[ImageSpec]:
    """Yield what is built of the services that stand in for those of which no key is given."""
    project = settings.project
    for name, described in project.standins.items():
        if not settings.environ.get(described.unless):
            yield ImageSpec(
                name=name,
                context=project.root / described.context,
                repository=described.repository,
                bases=described.bases,
            )


class _Look:
    def __init__(
        self,
        settings: Settings,
        engine: Engine | None,
        cache: Cache,
        progress: Progress,
        times: Times,
    ) -> None:
        self._root, self._times = settings.project.root, times
        self._bases = Bases(engine, cache, progress, settings.environ) if engine else None
        self._builder = (
            Builder(engine, self._bases, cache, progress, settings.environ, as_of=settings.as_of)
            if engine and self._bases
            else None
        )

    def image(
        self, spec: ImageSpec, problems: list[DeployError], *, stand_in: bool
    ) -> PlannedImage:
        bases: tuple[PlannedBase, ...] = ()
        try:
            wanted = wanted_bases(spec, precheck.check(spec)[1])
            bases = tuple(self._base(name, official) for name, official in wanted.items())
            ref, state, why = self._state(spec, bases)
        except DeployError as error:
            problems.append(error)
            ref, state, why = "", BROKEN, error.headline
        within = spec.context.is_relative_to(self._root)
        return PlannedImage(
            name=spec.name,
            stand_in=stand_in,
            context=str(spec.context.relative_to(self._root) if within else spec.context),
            dockerfile=spec.dockerfile,
            bases=bases,
            ref=ref,
            state=state,
            why=why,
            seconds=self._times.phase(f"building image {spec.name}"),
        )

    def _state(self, spec: ImageSpec, bases: tuple[PlannedBase, ...]) -> tuple[str, str, str]:
        if self._builder is None:
            return "", UNKNOWN, _NO_ENGINE
        if missing := [base.official for base in bases if not base.ref]:
            return "", TO_BUILD, f"not in the engine: {', '.join(missing)}"
        ref, there = self._builder.find(spec, {base.name: base.ref for base in bases})
        if there:
            return ref, CACHED, "built from just these sources, in the engine"
        return ref, TO_BUILD, "no image of these sources is in the engine"

    def _base(self, name: str, official: str) -> PlannedBase:
        if self._bases is None:
            return PlannedBase(name, official, "", "")
        found = self._bases.present(official)
        if found is None:
            return PlannedBase(name, official, "", _NO_BASE)
        detail = found.detail
        if found.stand_in:
            detail += "; the official one where a registry can be reached"
        return PlannedBase(name, official, found.ref, detail)
