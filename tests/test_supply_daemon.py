import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from harness.cache import Cache
from harness.progress import Progress
from harness.supply import daemon
from harness.supply.engine_errors import EngineNotStartedError

READY = """
import os, socket, sys, time
print("coming up", flush=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {os.getsid(0)}")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"STATUS=almost", os.environ["NOTIFY_SOCKET"])
    s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(60)
"""


def test_a_daemon_that_says_it_is_ready_runs_on_in_a_session_of_its_own(tmp_path: Path) -> None:
    told, log = tmp_path / "told", tmp_path / "log"
    daemon.spawn_until_ready([sys.executable, "-c", READY, str(told)], log, timeout=60)
    pid, session = map(int, told.read_text().split())
    try:
        assert session == pid
        assert Path(f"/proc/{pid}").is_dir()
        assert log.read_text() == "coming up\n"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_daemon_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("words of an earlier start\n")
    argv = [sys.executable, "-c", "import sys; sys.exit('no cgroups here')"]
    with pytest.raises(EngineNotStartedError) as caught:
        daemon.spawn_until_ready(argv, log, timeout=60)
    assert "ended before it was ready" in caught.value.seen
    assert "no cgroups here" in caught.value.seen
    assert "earlier start" not in caught.value.seen
    assert caught.value.looked == str(log)


def test_a_daemon_that_never_gets_ready_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    script = "import sys, time; open(sys.argv[1], 'w').write(str(__import__('os').getpid()));"
    told = tmp_path / "told"
    argv = [sys.executable, "-c", script + "time.sleep(60)", str(told)]
    with pytest.raises(EngineNotStartedError) as caught:
        daemon.spawn_until_ready(argv, tmp_path / "log", timeout=3)
    assert "not ready after 3 s" in caught.value.seen
    pid = int(told.read_text())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("content", ["", "no number", "999999999"])
def test_what_a_gone_process_left_is_removed(tmp_path: Path, content: str) -> None:
    file = tmp_path / "pid"
    file.write_text(content)
    daemon.forget_stale(file, "dockerd")
    assert not file.exists()


def test_the_number_of_another_program_is_stale(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    file.write_text(str(os.getpid()))
    daemon.forget_stale(file, "dockerd")
    assert not file.exists()


def test_the_number_of_the_program_itself_stays(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    file.write_text(str(os.getpid()))
    own = Path("/proc/self/comm").read_text().strip()
    daemon.forget_stale(file, own)
    assert file.exists()


def test_a_dead_process_that_nobody_asked_for_is_stale(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    file.write_text(str(pid))
    daemon.forget_stale(file, Path(f"/proc/{pid}/comm").read_text().strip())
    os.waitpid(pid, 0)
    assert not file.exists()


def test_no_file_is_nothing_to_forget(tmp_path: Path) -> None:
    daemon.forget_stale(tmp_path / "none", "dockerd")


def test_a_socket_answers_only_while_somebody_listens(tmp_path: Path) -> None:
    file = tmp_path / "socket"
    host = f"unix://{file}"
    assert not daemon.answers(host)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(file))
        server.listen()
        assert daemon.answers(host)
    assert file.exists()
    assert not daemon.answers(host)


class Started:
    """Stands in for the start of dockerd itself; keeps its arguments."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reduced: bool) -> None:
        self.argv: list[str] = []
        self.cache = Cache(tmp_path / "cache")
        monkeypatch.setattr(daemon, "_PIDS", ())
        monkeypatch.setattr(daemon, "_systemd_runs", lambda: False)
        monkeypatch.setattr(daemon, "program", lambda: Path("/usr/sbin/dockerd"))
        monkeypatch.setattr(daemon, "bounding_set_reduced", lambda: reduced)
        monkeypatch.setattr(daemon, "runtime_wrapper", lambda *_: Path("/cache/deploy-runtime"))
        monkeypatch.setattr(daemon, "spawn_until_ready", lambda argv, *_: self.argv.extend(argv))

    def __call__(self) -> list[str]:
        daemon.start(self.cache, Progress(quiet=True), {})
        return self.argv


def test_the_wrapper_is_the_runtime_where_capabilities_are_reduced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = Started(tmp_path, monkeypatch, reduced=True)()
    assert argv[-2:] == ["--default-runtime", "deploy-runtime"]
    assert "deploy-runtime=/cache/deploy-runtime" in argv


def test_the_engines_own_runtime_is_left_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = Started(tmp_path, monkeypatch, reduced=False)()
    assert argv == ["/usr/sbin/dockerd", "--pidfile", str(tmp_path / "cache/engine/dockerd.pid")]


def test_no_dockerd_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = Started(tmp_path, monkeypatch, reduced=False)
    monkeypatch.setattr(daemon, "program", lambda: None)
    with pytest.raises(EngineNotStartedError, match="not installed"):
        started()
