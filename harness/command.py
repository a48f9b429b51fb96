"""Running another program: argument list, timeout, explicit environment, clear failure."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import DeployError
from harness.redact import Redactor
from harness.scope import CommandCancelledError, Process, brief, end, present

# Variables by which a tool could silently act on something we were not told to use.
_AMBIENT = ("KUBECONFIG", "HELM_KUBECONTEXT", "HELM_NAMESPACE", "DOCKER_CONTEXT")
_TAIL = 30


@dataclass(frozen=True)
class Completed:
    """What a finished program said. `seconds` is wall time."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float


class CommandMissingError(DeployError):
    """The program is not on this machine."""

    def __init__(self, argv: Sequence[str]) -> None:
        super().__init__(
            needed=f"the program {argv[0]}",
            seen="it does not exist or is not executable",
            looked=f"{argv[0]} and the PATH",
            fix="run `make prepare`, which installs what is missing",
        )


class CommandFailedError(DeployError):
    """The program ended with an exit code other than 0. `completed` has all it said."""

    def __init__(self, completed: Completed, redact: Redactor) -> None:
        self.completed = completed
        output = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
        super().__init__(
            needed=f"`{redact(brief(completed.argv))}` to succeed",
            seen=redact(f"exit code {completed.returncode}\n" + "\n".join(output[-_TAIL:])),
            looked=f"its output, after {completed.seconds:.1f} s",
            fix="read its last lines above",
        )


class CommandTimedOutError(DeployError):
    """The program was ended because it took longer than it may."""

    def __init__(self, completed: Completed, timeout: float, redact: Redactor) -> None:
        self.completed = completed
        output = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
        super().__init__(
            needed=f"`{redact(brief(completed.argv))}` to end within {timeout:.0f} s",
            seen=redact("still running, last lines:\n" + "\n".join(output[-_TAIL:])),
            looked="its output until it was ended",
            fix="see what it was waiting for in the last lines above",
        )


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes | None = None,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
    on_start: Callable[[Process], None] | None = None,
    redact: Redactor | None = None,
) -> Completed:
    """Run a program to its end and return what it said.

    The environment is ours without the variables that would select a cluster or an
    engine behind our back; `env` is laid over it. On Ctrl-C and on timeout the whole
    process group is ended, so that nothing runs on unseen.

    Args:
        argv: program and arguments; never a shell string. Must hold no secret, since
            a process list shows it: use `stdin`, `env` or a file.
        timeout: seconds.
        cwd: folder to run in.
        env: variables added to the environment.
        stdin: text for its standard input; by default it has none.
        check: raise when the exit code is not 0.
        on_line: called (from another thread) with each line as it appears.
        on_start: called with the process, for whoever may have to end it (`scope.end`).
        redact: applied to what an error shows.

    Raises:
        CommandMissingError, CommandFailedError, CommandTimedOutError, CommandCancelledError.

    """
    words = tuple(str(word) for word in argv)
    redact = redact or Redactor()
    scope = present()
    started = time.monotonic()

    def start() -> Process:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    try:
        process = scope.begin(words, start)
    except (FileNotFoundError, PermissionError) as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise CommandMissingError(words) from error
    if on_start:
        on_start(process)
    out, err = _Reader(process.stdout, on_line), _Reader(process.stderr, on_line)
    feeder = _feed(process, stdin)
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        end(process)
    except BaseException:
        end(process)
        raise
    finally:
        scope.ended(process)
        for thread in (out, err, feeder):
            if thread is not None:
                thread.join(5)
    if scope.cancelled and process.returncode != 0:
        raise CommandCancelledError(words)
    completed = Completed(
        words, process.returncode, out.text(), err.text(), time.monotonic() - started
    )
    if timed_out:
        raise CommandTimedOutError(completed, timeout, redact)
    if check and completed.returncode != 0:
        raise CommandFailedError(completed, redact)
    return completed


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without what selects a cluster by accident, and with `extra`."""
    base = {name: value for name, value in os.environ.items() if name not in _AMBIENT}
    return base | dict(extra or {})


class _Reader(threading.Thread):
    """Drains one pipe, so that the program never blocks on it."""

    def __init__(self, pipe: IO[bytes] | None, on_line: Callable[[str], None] | None) -> None:
        super().__init__(daemon=True)
        self._pipe, self._on_line, self._lines = pipe, on_line, list[str]()
        self.start()

    def run(self) -> None:
        if self._pipe is None:
            return
        with self._pipe:
            for raw in self._pipe:
                line = raw.decode(errors="replace")
                self._lines.append(line)
                if self._on_line:
                    self._on_line(line.rstrip("\n"))

    def text(self) -> str:
        return "".join(self._lines)


def _feed(process: subprocess.Popen[bytes], stdin: str | bytes | None) -> threading.Thread | None:
    if stdin is None or process.stdin is None:
        return None
    pipe, data = process.stdin, stdin.encode() if isinstance(stdin, str) else stdin

    def write() -> None:
        try:
            pipe.write(data)
            pipe.close()
        except BrokenPipeError:
            return  # the program ended without reading all; its exit code tells why

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread
