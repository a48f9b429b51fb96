"""Installing a chart while watching what becomes of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DeployError
from harness.kube.deaths import deaths
from harness.kube.details import Details
from harness.kube.jobs import failed_hook
from harness.kube.namespaces import ensure_namespace
from harness.kube.release import ReleaseReady
from harness.kube.selection import OfRelease, is_meant
from harness.kube.state import State
from harness.kube.waits import wait_for
from harness.kube.watch import Watcher
from harness.progress import Progress
from harness.redact import Redactor
from harness.scope import CommandCancelledError, Scope

if TYPE_CHECKING:
    from harness.helm import Helm
    from harness.kube.client import Kube

_HOOK = re.compile(r"\b(?:pre|post)-(?:install|upgrade|rollback|delete)\b")
_LAG = 2.0  # seconds by which a watch may be behind Helm's own


@dataclass(frozen=True)
class Rollout:
    """One installation or upgrade of a release, followed from its first object on.

    Helm itself does not wait: it applies, and our own watch of the namespace ends as soon
    as everything is ready, or as soon as something is hopeless, with the cause.

    Args:
        helm: applies the chart.
        kube: watches the namespace.
        progress: told what is still missing.
        redact: applied to what an error shows.
        timeout: seconds that all of it may take.

    """

    helm: Helm
    kube: Kube
    progress: Progress
    redact: Redactor
    timeout: float

    def run(self, chart: Path, release: str, namespace: str, values: Mapping[str, Any]) -> float:
        """Install or upgrade, and return the seconds until all was ready.

        Raises:
            DeployError: Helm's refusal, the hopeless state's cause, or the timeout with
                the last state seen.

        """
        ensure_namespace(self.kube, namespace)
        self._admit_accounts(chart, release, namespace, values)
        return self._follow(
            f"rolling out release {release}",
            release,
            namespace,
            lambda: self.helm.upgrade_install(
                chart, release, namespace, values, timeout=self.timeout
            ),
        )

    def _admit_accounts(
        self, chart: Path, release: str, namespace: str, values: Mapping[str, Any]
    ) -> None:
        """Let the accounts that the chart brings pull images, where that takes a secret.

        An account that is a hook is left out: Helm deletes what is there before it.
        """
        from harness.helm.manifest import release_objects

        tenancy = self.kube.tenancy
        if tenancy.pull is None:
            return
        rendered = self.helm.template(chart, release, namespace, values)
        for item in release_objects(rendered):
            if item.kind == "ServiceAccount" and not item.hook:
                tenancy.admit(self.kube, namespace, item.body, release)

    def back(self, release: str, namespace: str, revision: int) -> float:
        """Go back to a revision, and return the seconds until all was ready. Raises as `run`."""
        return self._follow(
            f"rolling release {release} back to revision {revision}",
            release,
            namespace,
            lambda: self.helm.rollback(release, namespace, revision, timeout=self.timeout),
        )

    def _follow(
        self, doing: str, release: str, namespace: str, change: Callable[[], object]
    ) -> float:
        applied, scope, since = threading.Event(), Scope(), datetime.now(UTC)
        with self.progress.step(doing) as step, Watcher(self.kube, namespace) as watcher:
            details = Details(self.kube, redact=self.redact)

            def apply() -> None:
                with scope.entered():
                    try:
                        change()
                    except CommandCancelledError:
                        return  # the watch knew better, and says so
                    except DeployError as error:
                        watcher.state.interrupt(
                            _named(error, release, watcher.state, details) or error
                        )
                        return
                    applied.set()
                    watcher.state.touch()

            thread = threading.Thread(target=apply, name="helm", daemon=True)
            thread.start()
            try:
                waited = wait_for(
                    ReleaseReady(namespace, release, applied=applied),
                    watcher,
                    self.timeout,
                    details=details,
                    redact=self.redact,
                    on_pending=lambda seen: step.note(seen.splitlines()[0]),
                )
            finally:
                scope.cancel()
                thread.join(30)
            meant = OfRelease(release)
            ours = [c for c in watcher.state.history if is_meant(c.obj, meant)]
            ended = [death.describe() for death in deaths(ours, since)]
            step.result = "all ready" + (f", though {'; '.join(ended)};" if ended else "")
        return waited.seconds


def _named(error: DeployError, release: str, state: State, details: Details) -> DeployError | None:
    """Return the hook that failed, if that is what Helm complains of; Helm does not say why."""
    if not _HOOK.search(error.seen):
        return None
    deadline = time.monotonic() + _LAG
    while True:
        _, version = state.snapshot()
        if cause := failed_hook(release, list(state.history), details):
            return cause
        if (left := deadline - time.monotonic()) <= 0:
            return None
        state.wait_change(version, left)
