"""What a chart says of itself, checked before Helm is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.helm.errors import ChartInvalidError, ChartMissingError

# https://helm.sh/docs/chart_best_practices/conventions/, and the dots that Helm allows as well
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?")
# https://semver.org, as Helm reads it: a leading v and missing parts are accepted.
_VERSION = re.compile(r"v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class ChartFacts:
    """Name, version and application's version ("" when it has none) of a chart."""

    name: str
    version: str
    app_version: str


def check_chart(chart: Path) -> ChartFacts:
    """Return what Chart.yaml says.

    Raises:
        ChartMissingError: there is no Chart.yaml.
        ChartInvalidError: it cannot be read, or lacks a usable apiVersion, name or
            version. The folder may have another name than the chart.

    """
    file = chart / "Chart.yaml"
    if not file.is_file():
        raise ChartMissingError(chart)
    try:
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ChartInvalidError(chart, f"Chart.yaml is not YAML: {error}") from error
    if not isinstance(described, dict):
        raise ChartInvalidError(chart, "Chart.yaml is no mapping of names to values")
    name, version = described.get("name"), described.get("version")
    if described.get("apiVersion") not in ("v1", "v2"):
        raise ChartInvalidError(
            chart,
            f"Chart.yaml has the apiVersion {described.get('apiVersion')!r}",
            "write `apiVersion: v2`",
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ChartInvalidError(
            chart,
            f"Chart.yaml has the name {name!r}",
            "write a name of lower case letters, digits and dashes",
        )
    if not _VERSION.fullmatch(str(version or "")):
        raise ChartInvalidError(
            chart, f"Chart.yaml has the version {version!r}", "write a version such as 1.0.0"
        )
    return ChartFacts(name, str(version), str(described.get("appVersion") or ""))
