"""Why Helm could not do what was asked; one class a cause."""

from __future__ import annotations

from pathlib import Path

from harness.errors import DeployError, Fault


class HelmError(DeployError):
    """Something about a chart or a release."""


class ChartMissingError(HelmError):
    """There is no chart where one should be."""

    fault = Fault.PROJECT

    def __init__(self, chart: Path) -> None:
        seen = "the folder does not exist"
        if chart.is_dir():
            names = ", ".join(sorted(entry.name for entry in chart.iterdir())[:10])
            seen = f"a folder without Chart.yaml; it holds {names or 'nothing'}"
        elif chart.exists():
            seen = "a file, not a chart's folder"
        super().__init__(
            needed=f"a Helm chart in {chart}",
            seen=seen,
            looked=str(chart / "Chart.yaml"),
            fix="put the chart there, or correct chart.path in deploy.toml",
        )


class ChartInvalidError(HelmError):
    """What describes the chart (Chart.yaml, values.yaml, its schema, dependencies) is wrong."""

    fault = Fault.PROJECT

    def __init__(self, chart: Path, problem: str, fix: str = "") -> None:
        super().__init__(
            needed=f"a chart in {chart} that Helm can load",
            seen=problem,
            looked=str(chart),
            fix=fix or "correct the file that is named above",
        )


class ValuesRefusedError(HelmError):
    """The chart does not accept the values, by its schema or by a check in its templates.

    Attributes:
        paths: the values that the schema names, dotted (`frontend.service.nodePort`).

    """

    fault = Fault.PROJECT

    def __init__(self, chart: Path, problem: str, where: str, paths: tuple[str, ...] = ()) -> None:
        self.paths = paths
        super().__init__(
            needed=f"values that the chart {chart.name} accepts",
            seen=problem,
            looked=where,
            fix="correct the values that are named above (the chart's README describes them)",
        )


class TemplateFailedError(HelmError):
    """A template of the chart is wrong.

    Attributes:
        template: file and, where Helm tells it, line: `chart/templates/x.yaml:3`.

    """

    fault = Fault.PROJECT

    def __init__(self, chart: Path, template: str, problem: str) -> None:
        self.template = template
        super().__init__(
            needed=f"templates of the chart {chart.name} that render",
            seen=f"{template}: {problem}",
            looked=f"{template} in {chart.parent}",
            fix="correct the template at that place",
        )


class LintFailedError(HelmError):
    """`helm lint --strict` has found errors or warnings."""

    fault = Fault.PROJECT

    def __init__(self, chart: Path, findings: str) -> None:
        super().__init__(
            needed=f"`helm lint --strict` of {chart.name} to find nothing",
            seen=findings,
            looked=str(chart),
            fix="correct what it names",
        )


class ClusterUnreachableError(HelmError):
    """The cluster's API does not answer."""

    def __init__(self, context: str, problem: str, kubeconfig: Path) -> None:
        super().__init__(
            needed=f"the cluster of context {context}",
            seen=problem,
            looked=f"{kubeconfig}, context {context}",
            fix="see whether the cluster runs; a new one is made when it is deleted",
        )


class ReleaseMissingError(HelmError):
    """There is no release of that name."""

    def __init__(self, release: str, namespace: str, context: str) -> None:
        super().__init__(
            needed=f"release {release} in namespace {namespace}",
            seen="no such release",
            looked=f"namespace {namespace} of context {context}",
            fix="install it first, or correct name and namespace",
        )


class ReleaseFailedError(HelmError):
    """The cluster refused an object, a hook failed, or Helm could not go on."""

    fault = Fault.PROJECT

    def __init__(self, action: str, release: str, namespace: str, problem: str, fix: str) -> None:
        super().__init__(
            needed=f"{action} of release {release} in namespace {namespace}",
            seen=problem,
            looked="what Helm said",
            fix=fix,
        )


class TestFailedError(HelmError):
    """A test of the chart (`helm test`) has failed."""

    fault = Fault.PROJECT

    __test__ = False  # pytest takes every class named Test… for a test

    def __init__(self, release: str, namespace: str, said: str) -> None:
        super().__init__(
            needed=f"the tests of release {release} in namespace {namespace} to pass",
            seen=said,
            looked="`helm test` and the log of its pod",
            fix="see which address did not answer as expected",
        )
