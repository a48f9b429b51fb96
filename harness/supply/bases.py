"""Base images: the official one where it can be had, else a stand-in made from packages."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.cache import Cache
from harness.command import CommandFailedError, CommandTimedOutError
from harness.errors import DeployError
from harness.progress import Progress
from harness.supply import mirror
from harness.supply.engine import Engine
from harness.supply.recipe import Recipe
from harness.supply.recipes import OFFERED, recipe_for
from harness.supply.registry import answered, registry_of, registry_problem
from harness.supply.standin import STANDS_IN, StandIn

_PULL = 900.0  # seconds


class BaseUnknownError(DeployError):
    """A base image is not in the engine, not to be pulled, and cannot be stood in for."""

    def __init__(self, official: str, said: str) -> None:
        super().__init__(
            needed=f"the base image {official}",
            seen=said,
            looked="the engine's images, the image's registry, and what can be made from packages"
            f" ({'; '.join(OFFERED)})",
            fix=f"`docker pull {official}` or `docker load` it where a registry can be reached,"
            " name one that can be made from packages, or correct the name",
        )


@dataclass(frozen=True)
class Base:
    """A base image that is in the engine.

    Args:
        ref: the name to put into FROM.
        official: the name that was asked for.
        stand_in: whether it is ours rather than the official one.
        detail: what it is and why, in one line.

    """

    ref: str
    official: str
    stand_in: bool
    detail: str


@dataclass
class Bases:
    """Finds or makes base images, each once; safe for several threads and processes.

    Args:
        engine: where they are wanted.
        cache: holds the locks between processes, and downloads.
        progress: told what was chosen.
        environ: read for the PATH, and for a mirror.

    """

    engine: Engine
    cache: Cache
    progress: Progress
    environ: Mapping[str, str]
    _found: dict[str, Base] = field(default_factory=dict)
    _locks: defaultdict[str, threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )
    _unreached: dict[str, str] = field(default_factory=dict)

    def ensure(self, official: str) -> Base:
        """Return a base image for an official name, such as python:3.12-slim.

        In this order: the image of that name in the engine; the same, pulled from the
        mirror if one is named, or from its registry; a stand-in, found in the engine or
        made. A stand-in never gets the official name.

        Raises:
            BaseUnknownError: neither is possible.
            MirrorFailedError: a mirror is named and does not do its work.
            DeployError: making the stand-in failed; says at what.

        """
        with self._locks[official]:
            if official not in self._found:
                base = self._find(official)
                self.progress.choice(f"base {official}", base.ref, base.detail)
                self._found[official] = base
            return self._found[official]

    def missing(self, official: str) -> bool:
        """Say whether `ensure` would have to pull or make something. Changes nothing."""
        return self.present(official) is None

    def present(self, official: str) -> Base | None:
        """Return what the engine has of it, None when it has nothing. Changes nothing.

        Of a stand-in it is not sure that `ensure` takes it: a registry may be there by then.
        """
        if found := self._in_engine(official):
            return found
        if (recipe := recipe_for(official)) and (made := self._stand_in(recipe)).exists():
            return Base(made.ref, official, stand_in=True, detail=f"stand-in: {recipe.holds}")
        return None

    def _in_engine(self, official: str) -> Base | None:
        if official == "scratch":
            return Base(official, official, stand_in=False, detail="empty by definition")
        if self._present(official):
            return Base(official, official, stand_in=False, detail="already in the engine")
        if ref := mirror.present(self.engine, official, self.environ):
            return Base(ref, official, stand_in=False, detail="the mirror's, in the engine")
        return None

    def _find(self, official: str) -> Base:
        if found := self._in_engine(official):
            return found
        if ref := mirror.pull(self.engine, official, self.environ, self.progress):
            return Base(ref, official, stand_in=False, detail="pulled from the mirror")
        problem = self._pull(official)
        if not problem:
            return Base(official, official, stand_in=False, detail="pulled from its registry")
        recipe = recipe_for(official)
        if recipe is None:
            raise BaseUnknownError(official, problem)
        ref = self._stand_in(recipe).ensure()
        return Base(ref, official, stand_in=True, detail=f"stand-in: {recipe.holds}")

    def _present(self, official: str) -> bool:
        """Say whether the engine has it, and it is not a stand-in that somebody renamed."""
        labels = self.engine.image_labels(official)
        return STANDS_IN not in labels and (bool(labels) or self.engine.has_image(official))

    def _stand_in(self, recipe: Recipe) -> StandIn:
        return StandIn(recipe, self.engine, self.cache, self.progress, self.environ)

    def _pull(self, official: str) -> str:
        """Pull an image; return why it could not be, empty when it is there.

        A registry that was not reached once is not asked again in this run.
        """
        registry = registry_of(official)
        if registry in self._unreached:
            return self._unreached[registry]
        if problem := registry_problem(self.engine, official):
            if not answered(problem):
                self._unreached[registry] = problem
                self.progress.choice("registry", registry or "default", "cannot be reached")
            return problem
        try:
            with self.progress.step(f"pull {official}") as step:
                self.engine.run("pull", official, timeout=_PULL, on_line=step.note)
        except (CommandFailedError, CommandTimedOutError) as error:
            return error.seen
        return ""
