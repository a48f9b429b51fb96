"""The project's chart as its files are, without a cluster: what renders, and what came before."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError
from harness.helm.rendering import Renderer
from harness.options import NONE

if TYPE_CHECKING:
    from harness.cache import Cache
    from harness.helm.earlier import EarlierChart
    from harness.progress import Progress
    from harness.redact import Redactor
    from harness.settings import Settings

_NOWHERE = Path(os.devnull)  # what needs no cluster gets none


@dataclass(frozen=True)
class Chart:
    """The chart of a run's project. All methods raise the DeployError of what failed."""

    settings: Settings
    helm: Path
    cache: Cache
    progress: Progress
    redact: Redactor

    def services(self) -> tuple[str, ...]:
        """Return the names of its Services with values of the right shape.

        None where it does not render: that is told elsewhere, and keeps nobody from more.
        """
        from harness.contract import placeholders
        from harness.helm import release_objects

        project = self.settings.project
        try:
            rendered = self.rendered(placeholders.values(project, placeholders.facts(project)))
        except DeployError:
            return ()
        return tuple(one.name for one in release_objects(rendered) if one.kind == "Service")

    def check(self, kube_version: str | None = None) -> None:
        """Render it with values of the right shape: the real ones are not known yet.

        Args:
            kube_version: of a cluster, which the chart may be too new for.

        """
        from harness.contract import placeholders

        project = self.settings.project
        if project.values:
            values = placeholders.values(project, placeholders.facts(project))
            self.rendered(values, kube_version)

    def rendered(self, values: Mapping[str, Any], kube_version: str | None = None) -> str:
        """Return the manifest of the release with the values that it is installed with."""
        project = self.settings.project
        renderer = Renderer(self.helm, _NOWHERE, "", self.cache.root, self.redact)
        return renderer.template(
            project.chart_path,
            project.chart.release,
            self.settings.namespace,
            values,
            kube_version=kube_version,
        )

    def images_from_elsewhere(
        self, values: Mapping[str, Any], own: Collection[str]
    ) -> dict[str, bool]:
        """Return the images that it runs and that are not in `own`, as it names them.

        Each with whether it is needed: one that only `helm test` runs is not.
        """
        from harness.contract.rendering import Installation, Rendering
        from harness.kube.pods import same_image

        found: dict[str, bool] = {}
        rendering = Rendering(Installation("", "", "", {}), self.rendered(values))
        for pod in rendering.pods:
            needed = "test" not in (pod.owner.hook or "")
            for name in pod.images:
                if not any(same_image(name, one) for one in own):
                    found[name] = found.get(name, False) or needed
        return found

    def find_earlier(self) -> EarlierChart:
        """Look for its version before the present one.

        Raises:
            EarlierChartError: the one that is named cannot be had.
            NoEarlierChartError: none is named and none can be found, or there is none.

        """
        from harness.helm.earlier import EarlierCharts, NoEarlierChartError, Puller

        chart, ref = self.settings.project.chart_path, self.settings.previous_chart
        if ref == NONE:
            raise NoEarlierChartError(chart, "the run was told that there is none")
        puller = Puller(self.helm, _NOWHERE, "", self.cache.root, self.redact)
        charts = EarlierCharts(chart, self.cache, puller)
        found = charts.named(ref, self.settings.root) if ref else charts.inferred()
        self.progress.choice("previous chart", found.facts.version, found.origin)
        return found
