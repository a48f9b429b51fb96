"""Releases of one cluster: installed, mended, rolled back, removed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.command import CommandFailedError
from harness.errors import DeployError
from harness.helm import causes
from harness.helm.chart import check_chart
from harness.helm.errors import (
    ClusterUnreachableError,
    ReleaseMissingError,
    TestFailedError,
)
from harness.helm.history import Repair, Revision, repair_of
from harness.helm.manifest import release_objects
from harness.helm.process import ASK_SECONDS, VALUES, OnLine
from harness.helm.rendering import Renderer


class Helm(Renderer):
    """Helm 3 or 4, bound to one cluster by explicit kubeconfig and context.

    Values go in by its standard input: no argument and no file shows them. All methods
    raise CommandTimedOutError; those that act on the cluster also
    ClusterUnreachableError; those that take a chart also ChartMissingError,
    ChartInvalidError, ValuesRefusedError and TemplateFailedError.
    """

    def upgrade_install(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Mapping[str, Any],
        *,
        timeout: float,
        wait: bool = False,
        create_namespace: bool = False,
        on_line: OnLine | None = None,
    ) -> Revision:
        """Install the chart, or upgrade the release to it, and return the new revision.

        What an interrupted or failed run left is mended before. On Helm 4 the chart's
        values win over what was changed by hand (as `kubectl scale` does), as they
        always did on Helm 3.

        Args:
            chart: the chart's folder.
            release: its name.
            namespace: where it goes; has to exist, unless `create_namespace`.
            values: laid over the chart's own; values of earlier revisions are not kept.
            timeout: seconds for each hook and, with `wait`, for the objects.
            wait: let Helm wait until the objects are ready. Without, it ends when they
                are applied and the hooks have run.
            create_namespace: make the namespace when it is missing.
            on_line: told each line that Helm says.

        Raises:
            ReleaseFailedError: the cluster refused an object, or a hook failed.

        """
        check_chart(chart)
        self._repair(release, namespace, timeout)
        argv = ["upgrade", release, str(chart), "--install", "--reset-values", "--hide-notes"]
        argv += ["--namespace", namespace, *VALUES, "--timeout", _seconds(timeout)]
        argv += [*self._force(), *(["--wait"] if wait else [])]
        argv += ["--create-namespace"] if create_namespace else []
        try:
            self._ask(*argv, timeout=timeout, values=values, on_line=on_line)
        except CommandFailedError as error:
            raise self._failed(
                "installation or upgrade", release, namespace, error, chart=chart, values=values
            ) from error
        return self.history(release, namespace)[-1]

    def status(self, release: str, namespace: str) -> Revision | None:
        """Return the last revision, or None when there is no such release."""
        history = self.history(release, namespace)
        return history[-1] if history else None

    def history(self, release: str, namespace: str) -> list[Revision]:
        """Return all kept revisions, oldest first; none when there is no such release."""
        argv = ("history", release, "--namespace", namespace, "--max", "256", "--output", "json")
        try:
            said = self._ask(*argv, timeout=ASK_SECONDS).stdout
        except CommandFailedError as error:
            if causes.is_missing_release(error.completed.stderr):
                return []
            raise self._failed("the history", release, namespace, error) from error
        return [Revision.parse(entry) for entry in json.loads(said)]

    def rollback(
        self,
        release: str,
        namespace: str,
        revision: int | None = None,
        *,
        timeout: float,
        wait: bool = False,
        on_line: OnLine | None = None,
    ) -> Revision:
        """Go back to a revision (the one before the last by default); return the new one.

        Raises:
            ReleaseMissingError, ReleaseFailedError.

        """
        argv = ["rollback", release, *([str(revision)] if revision else [])]
        argv += ["--namespace", namespace, "--timeout", _seconds(timeout), *self._force()]
        argv += ["--wait"] if wait else []
        try:
            self._ask(*argv, timeout=timeout, on_line=on_line)
        except CommandFailedError as error:
            raise self._failed("rollback", release, namespace, error) from error
        return self.history(release, namespace)[-1]

    def uninstall(self, release: str, namespace: str, *, timeout: float, wait: bool = True) -> bool:
        """Remove the release; return whether there was one. Raises ReleaseFailedError.

        With `wait` it returns when the objects are gone, which may take the pods' grace
        period.
        """
        argv = ["uninstall", release, "--namespace", namespace, "--timeout", _seconds(timeout)]
        if wait:
            # Helm 4 with its own watch gives up when an object's first state comes late.
            strategy = "--wait=legacy" if self.version[0] >= 4 else "--wait"
            argv += ["--cascade", "foreground", strategy]
        try:
            self._ask(*argv, timeout=timeout)
        except CommandFailedError as error:
            if causes.is_missing_release(error.completed.stderr):
                return False
            raise self._failed("removal", release, namespace, error) from error
        return True

    def test(self, release: str, namespace: str, *, timeout: float) -> str:
        """Run the chart's tests and return what Helm says.

        Raises:
            TestFailedError, ReleaseMissingError.

        """
        argv = ("test", release, "--namespace", namespace, "--timeout", _seconds(timeout))
        try:
            return self._ask(*argv, timeout=timeout).stdout
        except CommandFailedError as error:
            cause = self._failed("the tests", release, namespace, error)
            if isinstance(cause, ClusterUnreachableError | ReleaseMissingError):
                raise cause from error
            said = f"{error.completed.stdout}\n{causes.message_of(error.completed.stderr)}"
            raise TestFailedError(release, namespace, self.redact(said.strip())) from error

    def get_values(self, release: str, namespace: str, *, computed: bool = False) -> dict[str, Any]:
        """Return the values that were given, or all that are in effect. They hold secrets."""
        argv = ["values", release, "--output", "json", *(["--all"] if computed else [])]
        return dict(json.loads(self._get(release, namespace, *argv)) or {})

    def get_manifest(self, release: str, namespace: str, revision: int | None = None) -> str:
        """Return what is installed, hooks apart. It holds the Secrets' data."""
        chosen = ["--revision", str(revision)] if revision else []
        return self._get(release, namespace, "manifest", release, *chosen)

    def _get(self, release: str, namespace: str, *argv: str) -> str:
        try:
            return self._ask("get", *argv, "--namespace", namespace, timeout=ASK_SECONDS).stdout
        except CommandFailedError as error:
            raise self._failed(f"the {argv[0]}", release, namespace, error) from error

    def _repair(self, release: str, namespace: str, timeout: float) -> None:
        history = self.history(release, namespace)
        needed = repair_of(history, holds_data=False)
        if needed is None:
            return
        if needed.to is None and history[-1].status != "uninstalling":
            manifest = self.get_manifest(release, namespace)
            kinds = {item.kind for item in release_objects(manifest)}
            needed = repair_of(history, holds_data="PersistentVolumeClaim" in kinds)
        if needed is not None:
            self._mend(release, namespace, needed, timeout)

    def _mend(self, release: str, namespace: str, needed: Repair, timeout: float) -> None:
        if needed.to is None:
            self.progress.say(f"  release {release}: {needed.reason}; it is removed first")
            self.uninstall(release, namespace, timeout=timeout)
        else:
            self.progress.say(
                f"  release {release}: {needed.reason}; revision {needed.to} is restored first"
            )
            self.rollback(release, namespace, needed.to, timeout=timeout)

    def _force(self) -> list[str]:
        # A release of Helm 3 would else be updated as Helm 3 does it, where force is an error.
        return ["--server-side=true", "--force-conflicts"] if self.version[0] >= 4 else []

    def _failed(
        self,
        action: str,
        release: str,
        namespace: str,
        error: CommandFailedError,
        *,
        chart: Path | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> DeployError:
        said = self._redacted(values or {}, causes.message_of(error.completed.stderr))
        if causes.is_missing_release(said):
            return ReleaseMissingError(release, namespace, self.context)
        if causes.is_unreachable(said):
            return ClusterUnreachableError(self.context, said, self.kubeconfig)
        if chart and (cause := causes.rendering_cause(chart, said)):
            return cause
        return causes.release_cause(action, release, namespace, said)


def _seconds(timeout: float) -> str:
    return f"{math.ceil(timeout)}s"
