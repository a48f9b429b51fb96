"""Helm, bound to one cluster: charts rendered and checked, releases installed and mended."""

from harness.helm.chart import ChartFacts, check_chart
from harness.helm.client import Helm
from harness.helm.errors import (
    ChartInvalidError,
    ChartMissingError,
    ClusterUnreachableError,
    HelmError,
    LintFailedError,
    ReleaseFailedError,
    ReleaseMissingError,
    TemplateFailedError,
    TestFailedError,
    ValuesRefusedError,
)
from harness.helm.history import Revision
from harness.helm.manifest import ReleaseObject, release_objects
from harness.helm.values import merged, values_from_paths

__all__ = [
    "ChartFacts",
    "ChartInvalidError",
    "ChartMissingError",
    "ClusterUnreachableError",
    "Helm",
    "HelmError",
    "LintFailedError",
    "ReleaseFailedError",
    "ReleaseMissingError",
    "ReleaseObject",
    "Revision",
    "TemplateFailedError",
    "TestFailedError",
    "ValuesRefusedError",
    "check_chart",
    "merged",
    "release_objects",
    "values_from_paths",
]
