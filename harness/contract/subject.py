"""What is judged: the description, the chart in all its renderings, the programs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.contract import placeholders
from harness.contract.chart import ChartFiles
from harness.contract.containers import Container, containers
from harness.contract.finding import Place
from harness.contract.program import Program
from harness.contract.rendering import Installation, Rendering, render
from harness.errors import DeployError
from harness.helm import merged, values_from_paths
from harness.project import FILE_NAME, Project

if TYPE_CHECKING:
    from harness.helm.rendering import Renderer

_OTHER = ("zebra", "elsewhere")
# As long as Helm allows: names made of it must still be names.
_LONG = ("another-release-with-the-longest-name-that-helm-takes", "far-away")


@dataclass(frozen=True)
class Outcome:
    """A rendering, or why there is none."""

    installation: Installation
    rendering: Rendering | None
    error: DeployError | None


@dataclass
class Subject:
    """A project, read and rendered once for all checks."""

    project: Project
    helm: Renderer

    @cached_property
    def chart(self) -> ChartFiles:
        """Return the chart's own files."""
        return ChartFiles(self.project.chart_path, self.project.root)

    @cached_property
    def programs(self) -> dict[str, Program]:
        """Return the program of each image."""
        root = self.project.root
        return {name: Program(name, image, root) for name, image in self.project.images.items()}

    @cached_property
    def facts(self) -> placeholders.Facts:
        """Return what stands in for a database, stand-ins, secrets and built images."""
        return placeholders.facts(self.project)

    @cached_property
    def changed_facts(self) -> placeholders.Facts:
        """Return the same with other secrets and addresses."""
        return placeholders.facts(self.project, "second")

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Return for each name in a rendering the first name of the same thing.

        Things are the same that come of the same file, as the same in the order of a kind.
        """
        first: dict[tuple[str, str, int], str] = {}
        found = {}
        for rendering in self.renderings:
            count = Counter[tuple[str, str]]()
            for item in rendering.objects:
                kind = (item.kind, item.source)
                same = first.setdefault((*kind, count[kind]), item.name)
                count[kind] += 1
                if item.name != same:
                    found[item.name] = same
        for rendering in self.renderings:
            release = rendering.installation.release
            if release != self.project.chart.release:
                found.setdefault(release, self.project.chart.release)
        return found

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """Return the renderings that have to succeed; the described one is the first."""
        values = placeholders.values(self.project, self.facts)
        asked = [self._own("as described", values)]
        # Each variant under other names too: a rendering takes time.
        names = itertools.cycle((_OTHER, _LONG))
        for variant in [*self.project.variants, *([""] * (2 - len(self.project.variants)))]:
            varied = placeholders.values(self.project, self.facts, variant)
            title = f"in the variant {variant}" if variant else "under other names"
            asked.append(Installation(title, *next(names), varied, variant))
        return self._render(asked)

    @cached_property
    def renderings(self) -> list[Rendering]:
        """Return all that could be rendered, under several names and in all variants."""
        return [each.rendering for each in self.outcomes if each.rendering]

    @property
    def main(self) -> Rendering | None:
        """Return the rendering as it is described."""
        return self.outcomes[0].rendering

    @cached_property
    def changed(self) -> Rendering | None:
        """Return the described rendering with other secrets and addresses, always pulled."""
        values = placeholders.values(self.project, self.changed_facts)
        pulled = values_from_paths(dict.fromkeys(self.pull_policies, "Always"))
        (outcome,) = self._render([self._own("after a change", merged(values, pulled))])
        return outcome.rendering

    def rendered(self, installation: Installation) -> Rendering | None:
        """Return one more rendering; None when there is none."""
        return self._render([installation])[0].rendering

    @cached_property
    def refusals(self) -> dict[str, Outcome]:
        """Return for each value that holds a secret what happens without it."""
        values = placeholders.values(self.project, self.facts)
        paths = placeholders.secret_paths(self.project)
        asked = [self._own(path, merged(values, values_from_paths({path: ""}))) for path in paths]
        return dict(zip(paths, self._render(asked), strict=True))

    def containers(self, rendering: Rendering) -> list[Container]:
        """Return the containers of a rendering."""
        key = id(rendering)
        if key not in self._containers:
            self._containers[key] = containers(rendering, self.project)
        return self._containers[key]

    @cached_property
    def _containers(self) -> dict[int, list[Container]]:
        return {}

    @cached_property
    def pull_policies(self) -> list[str]:
        """Return the paths of the values that say when the project's images are pulled."""
        beside = {path.rpartition(".")[0] for path in self.project.values if "image" in path}
        leaves = {leaf.dotted for leaf in self.chart.leaves}
        return [f"{path}.pullPolicy" for path in beside if f"{path}.pullPolicy" in leaves]

    def described(self) -> Place:
        """Return the place of the description."""
        return Place(FILE_NAME)

    def _own(self, title: str, values: Mapping[str, Any]) -> Installation:
        chart = self.project.chart
        return Installation(title, chart.release, chart.namespace, values)

    def _render(self, asked: Sequence[Installation]) -> list[Outcome]:
        rendered = render(self.helm, self.project.chart_path, asked)
        return [
            Outcome(installation, *((None, one) if isinstance(one, DeployError) else (one, None)))
            for installation, one in zip(asked, rendered, strict=True)
        ]
