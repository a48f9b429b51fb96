"""Starting Debian's dockerd on a machine where it does not run."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.cache import Cache
from harness.command import CommandFailedError, environment, run
from harness.progress import Progress
from harness.supply.engine_errors import EngineNotStartedError
from harness.supply.runtime import NAME, bounding_set_reduced, runtime_wrapper

_FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin:/bin"
_COMES_UP = 120.0  # seconds; an unclean end makes it repair its state first
_TAIL = 25
# Left by a daemon that did not end well, in folders that not every machine empties at boot.
_PIDS = (
    ("dockerd", "/var/run/docker.pid"),
    ("containerd", "/var/run/docker/containerd/containerd.pid"),
)


def program() -> Path | None:
    """Return dockerd, None when it is not installed."""
    found = shutil.which("dockerd", path=_FOLDERS)
    return Path(found) if found else None


def answers(host: str) -> bool:
    """Say whether something accepts connections on a socket such as unix:///run/x.sock.

    Of an address of another kind nothing is known: it passes.
    """
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


def start(cache: Cache, progress: Progress, environ: Mapping[str, str]) -> None:
    """Start the engine and return when it is ready. The caller holds the engine's lock.

    systemd does it where it runs. Elsewhere dockerd is started by itself; it outlives
    this process, and writes to `engine/dockerd.log` and `.pid` in the cache.

    Raises:
        EngineNotStartedError: with its last words.

    """
    if _systemd_runs():
        _by_systemd(progress)
        return
    dockerd = program()
    if dockerd is None:
        raise EngineNotStartedError("dockerd is not installed", _FOLDERS)
    folder = cache.root / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in (*_PIDS, ("dockerd", str(folder / "dockerd.pid"))):
        forget_stale(Path(file), name)
    argv = [str(dockerd), "--pidfile", str(folder / "dockerd.pid")]
    if bounding_set_reduced():
        wrapper = runtime_wrapper(cache, progress, environ)
        argv += ["--add-runtime", f"{NAME}={wrapper}", "--default-runtime", NAME]
        progress.choice(
            "runtime", str(wrapper), "this machine's capability bounding set is reduced"
        )
    with progress.step("start the container engine") as step:
        spawn_until_ready(argv, folder / "dockerd.log", _COMES_UP)
        step.result = f"ready, its log is {folder / 'dockerd.log'}"


def forget_stale(pid_file: Path, name: str) -> None:
    """Remove a pid file whose process is gone, or dead, or another program by now.

    A dead process keeps its number until its parent asks for it, which not every
    machine's first process does; the daemon would wait for it in vain.
    """
    with contextlib.suppress(FileNotFoundError):
        pid = pid_file.read_text().strip()
        if not (pid.isdecimal() and _runs(int(pid), name)):
            pid_file.unlink()


def _runs(pid: int, name: str) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # "12 (name) S ..."; the name may hold anything, closing brackets included.
    running, _, rest = told.partition("(")[2].rpartition(")")
    return running == name and rest.split()[0] not in ("Z", "X")


def spawn_until_ready(argv: list[str], log: Path, timeout: float) -> None:
    """Start a daemon in a session of its own; return when it notifies that it is ready.

    It tells so by the notify protocol of systemd (READY=1 to the socket NOTIFY_SOCKET),
    so that nothing has to be polled; an early end is noticed at once.

    Args:
        argv: the daemon.
        log: file that its output is added to.
        timeout: seconds that it may take.

    Raises:
        EngineNotStartedError: it ended, or was not ready in time.

    """
    with _notifications() as (listener, address):
        env = environment({"NOTIFY_SOCKET": address, "PATH": f"{os.environ['PATH']}:{_FOLDERS}"})
        before = log.stat().st_size if log.exists() else 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            argv[0],
            argv,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        process = os.pidfd_open(pid)
        try:
            # Its containers inherit this; many programs want more than the usual 1024.
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
            said = _wait(listener, process, timeout)
        finally:
            os.close(process)
        if said:
            words = log.read_bytes()[before:].decode(errors="replace").splitlines()[-_TAIL:]
            raise EngineNotStartedError("\n".join([said, *words]), str(log))


def _wait(listener: socket.socket, process: int, timeout: float) -> str:
    """Return why it is not ready, empty when it is."""
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        ready = select.select([listener.fileno(), process], [], [], left)[0]
        if listener.fileno() in ready:
            if b"READY=1" in listener.recv(4096):
                return ""
        elif process in ready:
            return "it ended before it was ready"
    return f"not ready after {timeout:.0f} s, and still running"


@contextlib.contextmanager
def _notifications() -> Iterator[tuple[socket.socket, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="deploy-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        address = str(Path(folder) / "notify")
        listener.bind(address)
        yield listener, address


def _systemd_runs() -> bool:
    return Path("/run/systemd/system").is_dir()


def _by_systemd(progress: Progress) -> None:
    with progress.step("start the container engine by systemd"):
        try:
            run(["systemctl", "start", "docker.service"], timeout=_COMES_UP)
        except CommandFailedError as error:
            words = ["journalctl", "--unit=docker.service", f"--lines={_TAIL}", "--no-pager"]
            said = run(words, timeout=30, check=False).stdout
            raise EngineNotStartedError(said or error.seen, " ".join(words)) from error
