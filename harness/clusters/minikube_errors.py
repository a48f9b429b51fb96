"""Failures of getting a Minikube cluster."""

from __future__ import annotations

from pathlib import Path

from harness.clusters.minikube_events import Event
from harness.errors import DeployError

_SILENT = "it told no reason"


class MinikubeFailedError(DeployError):
    """A command of Minikube failed. `reason` is the identity that it gives its errors."""

    def __init__(self, needed: str, code: int, why: Event | None, log: Path, tail: str) -> None:
        self.reason = why.name if why else ""
        said = why.message if why else _SILENT
        lines = [f"{self.reason or 'failure'}, exit code {code}: {said}"]
        if tail:
            lines += ["its last words:", tail]
        super().__init__(
            needed=needed,
            seen="\n".join(lines),
            looked=f"Minikube's output, all of it in {log}",
            fix=(why.advice if why else "")
            or "read its last words above; the next run begins anew and cleans up first",
        )


class MinikubeDriverError(DeployError):
    """Minikube cannot use the driver on this machine."""

    def __init__(self, driver: str, why: Event, log: Path) -> None:
        self.reason = why.name
        super().__init__(
            needed=f"Minikube's driver {driver}",
            seen=f"{why.name}: {why.message}",
            looked=f"Minikube's own check of it, in {log}",
            fix=why.advice or "make the driver usable, or name another by --deploy-minikube-driver",
        )


class ForeignMinikubeError(DeployError):
    """Something of the cluster's name is in the engine and was not made by us."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            needed=f"a Minikube cluster {name} of our own",
            seen=f"{what} {name} exists without our label",
            looked="the engine's containers, volumes and networks",
            fix="choose another --deploy-cluster-name; or, if nobody needs it, "
            f"`minikube delete --profile {name}`",
        )


def failed(
    needed: str, driver: str, code: int, why: Event | None, log: Path, tail: str
) -> DeployError:
    """Return the error of a command that ended with this code."""
    if why is not None and why.name.startswith(("DRV_", "PROVIDER_", "HOST_DRV_")):
        return MinikubeDriverError(driver, why, log)
    return MinikubeFailedError(needed, code, why, log, tail)
