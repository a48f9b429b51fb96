"""The minikube command, held to a home, a kubeconfig, an engine and a deadline of ours."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from harness.clusters import minikube_events
from harness.clusters.base import Engine
from harness.clusters.minikube_errors import failed
from harness.command import Completed, run
from harness.labels import CLUSTER, MANAGED

_LAUNCH = Path(__file__).with_name("_launch.py")
_PRIVATE = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,localhost,.internal"
# Nothing listens there: what it asks the internet for is refused at once, instead of being
# waited for where packets are swallowed.
_NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": _PRIVATE}
_GRACE = 15.0  # seconds that the launcher gets beyond what it gives minikube
_TAIL = 15


class Minikube:
    """One profile of Minikube, with all its files in a folder of ours.

    It runs the `docker` that comes first on the PATH, so that is a script that calls our
    engine's client, and labels what Minikube makes.

    Args:
        name: of the profile.
        folder: where home, kubeconfig, log and script lie.
        program: minikube.
        engine: which container engine.
        driver: what runs the node.
        downloads: where what Minikube downloads is kept for all profiles.
        offline: whether it shall ask nothing of the internet.

    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        program: Path,
        engine: Engine,
        driver: str,
        downloads: Path,
        offline: bool,
    ) -> None:
        self.name, self.folder, self.driver = name, folder, driver
        self.home = folder / ".minikube"
        self.kubeconfig = folder / "kubeconfig"
        self.log = folder / "minikube.log"
        self._lock = folder / "minikube.lock"
        self._program, self._engine = program, engine
        self._downloads, self._offline = downloads, offline

    def has_profile(self) -> bool:
        """Return whether Minikube knows the cluster."""
        return (self.home / "profiles" / self.name / "config.json").is_file()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no minikube works on this profile; return whether that is so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._lock, timeout=timeout):
                return True
        except Timeout:
            return False

    def start(self, words: Sequence[str], on_step: Callable[[str], None], timeout: float) -> None:
        """Make the cluster, or start it again; the log begins anew.

        Args:
            words: of `minikube start`.
            on_step: told what it does now.
            timeout: seconds.

        Raises:
            MinikubeFailedError, MinikubeDriverError: with Minikube's own reason.

        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        self.kubeconfig.touch(0o600)
        with self.log.open("a", buffering=1) as log:

            def heard(line: str) -> None:
                log.write(line + "\n")
                event = minikube_events.parse(line)
                if event and event.kind in ("step", "download"):
                    on_step(event.message)

            self._run("start", *words, "--output=json", timeout=timeout, on_line=heard)

    def update_kubeconfig(self) -> None:
        """Write into the kubeconfig where the API is now. Raises MinikubeFailedError."""
        self.kubeconfig.touch(0o600)
        self._run("update-context", timeout=60)

    def service_url(self, namespace: str, service: str) -> str:
        """Return the address of a Service's NodePort, as Minikube tells it.

        Raises:
            MinikubeFailedError: it has none.

        """
        words = ("service", service, f"--namespace={namespace}", "--url", "--wait=10")
        return self._run(*words, timeout=60).stdout.strip()

    def ask(self, *words: str) -> str:
        """Return what a command that only asks tells. Raises MinikubeFailedError."""
        return self._run(*words, timeout=60).stdout

    def stop(self) -> None:
        """Stop it with all that it holds. Raises MinikubeFailedError."""
        self._run("stop", timeout=180)

    def delete(self) -> None:
        """Have Minikube remove it, if it knows it, and remove all its files."""
        if self.home.exists():
            self._run("delete", timeout=180, check=False)
        for folder in (self.home, self.folder / "tmp"):
            shutil.rmtree(folder, ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)

    def _run(
        self,
        command: str,
        *words: str,
        timeout: float,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        self._prepare()
        argv: list[str | Path] = [
            sys.executable,
            "-I",
            _LAUNCH,
            f"{timeout:g}",
            self.log,
            self._lock,
        ]
        argv += [self._program, command, f"--profile={self.name}", *words]
        done = run(argv, timeout=timeout + _GRACE, env=self._env(), check=False, on_line=on_line)
        if check and done.returncode != 0:
            heard = [*done.stdout.splitlines(), *self._said()]
            why = minikube_events.reason(heard)
            needed = f"`minikube {command}` of {self.name} to succeed"
            raise failed(needed, self.driver, done.returncode, why, self.log, self._tail())
        return done

    def _env(self) -> Mapping[str, str]:
        # Each of its options can be set by a variable; an empty one is none.
        env = dict.fromkeys((name for name in os.environ if name.startswith("MINIKUBE_")), "")
        env |= {
            "MINIKUBE_HOME": str(self.home),
            "MINIKUBE_IN_STYLE": "false",
            "MINIKUBE_WANTUPDATENOTIFICATION": "false",
            "KUBECONFIG": str(self.kubeconfig),
            "DOCKER_HOST": _host(self._engine.argv()),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "TMPDIR": str(self.folder / "tmp"),  # its logs
        }
        return env | (_NOWHERE if self._offline else {})

    def _prepare(self) -> None:
        for folder in (self.home, self.folder / "tmp", self.folder / "bin", self._downloads):
            folder.mkdir(parents=True, exist_ok=True)
        kept = self.home / "cache"
        if not kept.is_symlink() and not kept.exists():
            kept.symlink_to(self._downloads)
        _write_client(self.folder / "bin" / "docker", self.name, self._engine.argv())

    def _said(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def _tail(self) -> str:
        """Return the last warnings and errors of Minikube's own log of the start."""
        file = self.home / "logs" / "lastStart.txt"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else self._said()
        grave = [line for line in lines if re.match(r"[WEF]\d{4} ", line)]
        return "\n".join((grave or lines)[-_TAIL:])


def _host(argv: Sequence[str]) -> str:
    """Return the engine's address out of its client's argument list."""
    words = list(map(str, argv))
    return words[words.index("--host") + 1] if "--host" in words else ""


def _write_client(file: Path, cluster: str, argv: Sequence[str]) -> None:
    """Write a docker client that labels what is made, and gives a node what is its own.

    That is cgroups, as kind does it: on cgroup v1 an engine would show it those of the host.
    And its address: whoever else comes into the network gets one of the upper half, so that
    nobody has taken the one that Minikube chooses for its node a moment later.
    """
    labels = f"--label {MANAGED}=true --label {shlex.quote(f'{CLUSTER}={cluster}')}"
    lines = (
        "#!/bin/sh",
        'case "$1 $2" in',
        '"run "*)',
        "\tshift",
        "\town=",
        '\tfor word; do [ "$word" != --privileged ] || own=--cgroupns=private; done',
        f'\tset -- run {labels} $own "$@" ;;',
        '"volume create" | "network create")',
        "\tmade=$1",
        "\tshift 2",
        "\tupper=",
        '\tfor word; do case "$made $word" in',
        '\t"network --subnet="*.0/24)',
        "\t\tsubnet=${word#--subnet=}",
        "\t\tupper=--ip-range=${subnet%.0/24}.128/25 ;;",
        "\tesac; done",
        f'\tset -- "$made" create {labels} $upper "$@" ;;',
        "esac",
        f'exec {shlex.join(map(str, argv))} "$@"',
        "",
    )
    # Written aside and renamed: another run may be executing the present one.
    new = file.with_suffix(".new")
    new.write_text("\n".join(lines))
    new.chmod(0o755)
    new.rename(file)
