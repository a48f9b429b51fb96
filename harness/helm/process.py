"""Running Helm: with files of its own, values by standard input, and no ambient cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.command import Completed, run
from harness.helm.values import secret_values
from harness.progress import Progress
from harness.redact import Redactor

OnLine = Callable[[str], None]
ASK_SECONDS = 60.0
#: Arguments that make Helm read the values that `_run` is given.
VALUES = ("--values", "-")
_GRACE_SECONDS = 30.0  # Helm keeps its own time; ours is for when it does not
# What could turn Helm to another cluster or store than the one we name.
_SILENCED = (
    "HELM_DRIVER",
    "HELM_KUBEAPISERVER",
    "HELM_KUBETOKEN",
    "HELM_KUBEASUSER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBECAFILE",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_DEBUG",
)


@dataclass
class Program:
    """The program, and the cluster that it is told of.

    Args:
        binary: the program, Helm 3 or 4.
        kubeconfig: file that knows the cluster.
        context: which cluster of it.
        home: folder below which Helm keeps its own files, apart from the user's.
        redact: applied to what an error shows; values whose names sound secret are
            taken out as well.
        progress: told of repairs.

    """

    binary: Path
    kubeconfig: Path
    context: str
    home: Path
    redact: Redactor = field(default_factory=Redactor)
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The program's version, such as (4, 2, 4); the first number is what matters."""
        said = self._run("version", "--template", "{{.Version}}", timeout=ASK_SECONDS).stdout
        return tuple(int(part) for part in re.findall(r"\d+", said.split("-")[0].split("+")[0]))

    def _ask(
        self,
        *argv: str,
        timeout: float,
        values: Mapping[str, Any] | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        access = ("--kubeconfig", str(self.kubeconfig), "--kube-context", self.context)
        grace = timeout + _GRACE_SECONDS
        return self._run(*argv, *access, timeout=grace, values=values, on_line=on_line)

    def _run(
        self,
        *argv: str,
        timeout: float,
        values: Mapping[str, Any] | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        return run(
            [self.binary, *argv],
            timeout=timeout,
            env=self._environment(),
            stdin=None if values is None else json.dumps(values),
            on_line=on_line,
            redact=self.redact,
        )

    def _environment(self) -> dict[str, str]:
        home = self.home / "helm"
        own = {
            f"HELM_{name.upper()}_HOME": str(home / name) for name in ("cache", "config", "data")
        }
        return dict.fromkeys(_SILENCED, "") | own | {"HELM_PLUGINS": str(home / "data/plugins")}

    def _redacted(self, values: Mapping[str, Any], text: str) -> str:
        return Redactor(secret_values(values))(self.redact(text))
