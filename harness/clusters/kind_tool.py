"""pytest-kind's KindCluster, held to the paths, the engine and the deadline that we name."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pytest_kind import KindCluster

from harness.clusters.base import Engine
from harness.command import run
from harness.labels import MANAGED

_LAUNCH = Path(__file__).with_name("_launch.py")
_AMBIENT = "KUBECONFIG KIND_EXPERIMENTAL_DOCKER_NETWORK DOCKER_HOST DOCKER_CONTEXT"


class Kind(KindCluster):  # type: ignore[misc]
    """A KindCluster with all its files in a folder of ours.

    Its own constructor makes a folder in the current directory, and its commands take the
    `docker` that comes first on the PATH and have no deadline. So the `kind` it is given
    is a launcher that puts our engine's client first, labels what it runs, and ends in
    time.

    Args:
        name: of the cluster.
        folder: where kubeconfig, log and launcher lie.
        image: the node image.
        kind: path of the program.
        kubectl: path of the program.
        engine: which container engine.
        timeout: seconds for one call of kind.

    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        image: str,
        kind: Path,
        kubectl: Path,
        engine: Engine,
        timeout: float,
    ) -> None:
        self.name, self.image, self.path = name, image, folder
        self.kubeconfig_path = folder / "kubeconfig"
        self.kubectl_path = kubectl
        self.platform = sys.platform
        self.log = folder / "kind.log"
        self.lock = folder / "kind.lock"
        self.kind_path = _launcher(folder, kind, engine, timeout, self.log, self.lock)

    def log_tail(self, lines: int = 25) -> str:
        """Return the last lines that kind said."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no kind works on this cluster; return whether that is so."""
        try:
            with FileLock(self.lock, timeout=timeout):
                return True
        except Timeout:
            return False

    def has_created(self) -> bool:
        """Return whether the last `create` came to its end, by kind's own last words."""
        said = self.log_tail(1000)
        return f'Set kubectl context to "kind-{self.name}"' in said and "Deleting" not in said

    def export_kubeconfig(self) -> None:
        """Write the kubeconfig anew, from what the node has.

        Raises:
            CommandFailedError: the node cannot be asked.

        """
        self.kubeconfig_path.touch(0o600)
        flags = [f"--name={self.name}", f"--kubeconfig={self.kubeconfig_path}"]
        run([self.kind_path, "export", "kubeconfig", *flags], timeout=30)

    def create(self, config_file: Any = None) -> None:
        """Make the cluster; the log begins anew."""
        self.log.write_text("")
        self.kubeconfig_path.unlink(missing_ok=True)
        self.kubeconfig_path.touch(0o600)
        super().create(config_file)


def _launcher(
    folder: Path, kind: Path, engine: Engine, timeout: float, log: Path, lock: Path
) -> Path:
    tools = folder / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    client = shlex.join(engine.argv())
    _script(
        tools / "docker",
        f'if [ "$1" = run ]; then shift; set -- run --label {MANAGED}=true "$@"; fi',
        f'exec {client} "$@"',
    )
    launch = shlex.join([sys.executable, "-I", str(_LAUNCH), str(timeout), str(log), str(lock)])
    _script(
        tools / "kind",
        f"unset {_AMBIENT}",
        f"PATH={shlex.quote(str(tools))}:$PATH",
        "KIND_EXPERIMENTAL_PROVIDER=docker",
        "export PATH KIND_EXPERIMENTAL_PROVIDER",
        f'exec {launch} {shlex.quote(str(kind))} "$@"',
    )
    return tools / "kind"


def _script(file: Path, *lines: str) -> None:
    # Written aside and renamed: another run may be executing the present one.
    new = file.with_suffix(".new")
    new.write_text("\n".join(("#!/bin/sh", *lines, "")))
    new.chmod(0o755)
    new.rename(file)
