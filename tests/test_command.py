import os
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.command import (
    CommandFailedError,
    CommandMissingError,
    CommandTimedOutError,
    environment,
    run,
)
from harness.redact import Redactor
from harness.scope import CommandCancelledError, Scope

PY = sys.executable


def test_output_and_code_are_returned() -> None:
    done = run([PY, "-c", "import sys; print('out'); print('err', file=sys.stderr)"], timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 0)


def test_standard_input_reaches_the_program() -> None:
    done = run([PY, "-c", "print(input()[::-1])"], stdin="abc\n", timeout=20)
    assert done.stdout == "cba\n"


def test_large_output_on_both_pipes_does_not_block() -> None:
    script = "import sys\nfor f in (sys.stdout, sys.stderr): f.write('x' * 1_000_000)"
    done = run([PY, "-c", script], timeout=20)
    assert len(done.stdout) == len(done.stderr) == 1_000_000


def test_lines_are_passed_on_as_they_come() -> None:
    lines: list[str] = []
    run([PY, "-c", "print('a'); print('b')"], timeout=20, on_line=lines.append)
    assert lines == ["a", "b"]


def test_failure_shows_the_last_words_without_secrets() -> None:
    script = "import sys; sys.exit('no entry for hunter2-hunter2')"
    with pytest.raises(CommandFailedError) as caught:
        run([PY, "-c", script], timeout=20, redact=Redactor(["hunter2-hunter2"]))
    assert "exit code 1" in caught.value.seen
    assert "no entry for [redacted]" in caught.value.seen
    assert "hunter2" not in str(caught.value)


def test_missing_program_is_named() -> None:
    with pytest.raises(CommandMissingError, match="no-such-program"):
        run(["no-such-program"], timeout=5)


def test_timeout_ends_the_program_and_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os,time; open({str(mark)!r},'w').write(str(os.getpid())); time.sleep(60)"
    script = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(CommandTimedOutError, match="within 2 s"):
        run([PY, "-c", script], timeout=2)
    pid = int(mark.read_text())
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_ambient_cluster_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    monkeypatch.setenv("HELM_KUBECONTEXT", "production")
    seen = environment({"MORE": "1"})
    assert "KUBECONFIG" not in seen
    assert "HELM_KUBECONTEXT" not in seen
    assert seen["MORE"] == "1"
    assert os.environ["KUBECONFIG"] == "/somebody/elses"


def test_cancelled_scope_ends_what_another_thread_runs() -> None:
    scope, begun, seen = Scope(), threading.Event(), list[BaseException]()

    def work() -> None:
        with scope.entered():
            try:
                script = "import time; print('up', flush=True); time.sleep(60)"
                run([PY, "-c", script], timeout=60, on_line=lambda _: begun.set())
            except CommandCancelledError as error:
                seen.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(20)
    scope.cancel()
    thread.join(20)
    assert [type(error) for error in seen] == [CommandCancelledError]


def test_cancelled_scope_lets_nothing_begin() -> None:
    scope = Scope()
    scope.cancel()
    with scope.entered(), pytest.raises(CommandCancelledError, match="interrupted"):
        run([PY, "-c", ""], timeout=5)
