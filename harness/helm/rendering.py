"""Charts as manifests, without a cluster."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.command import CommandFailedError
from harness.errors import DeployError
from harness.helm import causes
from harness.helm.chart import check_chart
from harness.helm.errors import LintFailedError
from harness.helm.process import VALUES, Program

# A finding of Helm 4 goes on for some lines.
_FINDING = re.compile(r"^\[(?:ERROR|WARNING)\].*(?:\n(?!\[|\n).+)*", re.MULTILINE)


class Renderer(Program):
    """Renders and checks charts; neither reads the kubeconfig.

    Both methods raise ChartMissingError, ChartInvalidError and CommandTimedOutError.
    """

    #: Seconds that one call of Helm may take.
    patience: ClassVar[float] = 60.0

    def template(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Mapping[str, Any],
        *,
        kube_version: str | None = None,
    ) -> str:
        """Return the manifest as it would be installed, hooks included; asks no cluster."""
        check_chart(chart)
        argv = ["template", release, str(chart), "--namespace", namespace, *VALUES]
        argv += ["--kubeconfig", os.devnull]
        if kube_version:
            argv += ["--kube-version", kube_version]
        try:
            return self._run(*argv, timeout=self.patience, values=values).stdout
        except CommandFailedError as error:
            raise self._rendering(chart, values, error) from error

    def lint(self, chart: Path, values: Mapping[str, Any]) -> str:
        """Return what `helm lint --strict` says. Raises LintFailedError."""
        check_chart(chart)
        argv = ["lint", str(chart), "--strict", *VALUES, "--kubeconfig", os.devnull]
        try:
            return self._run(*argv, timeout=self.patience, values=values).stdout
        except CommandFailedError as error:
            findings = _FINDING.findall(error.completed.stdout)
            text = "\n".join(findings) or error.completed.stdout + error.completed.stderr
            raise LintFailedError(chart, self._redacted(values, text)) from error

    def _rendering(
        self, chart: Path, values: Mapping[str, Any], error: CommandFailedError
    ) -> DeployError:
        said = self._redacted(values, causes.message_of(error.completed.stderr))
        return causes.rendering_cause(chart, said) or error
