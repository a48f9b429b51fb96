"""`deploy accept`: the verdict without a cluster, then a run on one, and the verdict on both."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from harness.default_requirements import has_features
from harness.errors import DeployError, Fault
from harness.report.text import parts_of

HOME = Path(__file__).resolve().parents[1]
#: Of the words that the run wrote to its standard error, the last that are kept.
_KEPT = 16_000
_LONGEST = 6 * 3600.0  # seconds
_USAGE_ERROR = 4  # of pytest: what it was told cannot be


class RunEndedError(DeployError):
    """The run ended without a verdict; what it said stands above."""

    fault = Fault.HARNESS

    def __init__(self, code: int, words: Sequence[str], said: str) -> None:
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        super().__init__(
            needed="a run that comes to its end and leaves a verdict",
            seen=f"it ended with {ended}\n{said}".strip(),
            looked=" ".join(words),
            fix="see its last words",
        )


class RunRefusedError(DeployError):
    """The run did not begin, because of what it was told. It has said so itself."""

    fault = Fault.INPUT

    def __init__(self, words: Sequence[str], said: str) -> None:
        told = dict(parts_of(said))
        super().__init__(
            needed=told.get("needed", "options, a description and features that a run can take"),
            seen=told.get("seen", said or "pytest refused them"),
            looked=told.get("looked", " ".join(words)),
            fix=told.get("fix", "correct what is named above"),
        )


def command(folder: Path, file: Path, options: Sequence[str]) -> tuple[list[str], Path]:
    """Return how pytest is called for an acceptance, and the folder that it is called in.

    Args:
        folder: of the project.
        file: where the verdict is to be written.
        options: more, which come last and so win.

    """
    project = folder.resolve()
    words, root = [sys.executable, "-m", "pytest"], Path.cwd()
    if (HOME / "pytest.ini").is_file():  # the harness's own repository
        words, root = [*words, "-c", str(HOME / "pytest.ini"), f"--rootdir={HOME}"], HOME
    elif has_features(project):  # installed: its sentences are found where it is at home
        words, root = [*words, "-o", "testpaths=features"], project
    else:  # its own tests and settings are none of ours
        words += ["-c", os.devnull, f"--rootdir={root}", "-p", "no:anyio"]
    words += ["-m", "deploy", f"--deploy-project={project}", "--deploy-extended=yes"]
    return [*words, *options, f"--deploy-verdict={file}"], root


def run(folder: Path, options: Sequence[str], *, quiet: bool = False) -> dict[str, Any]:
    """Run the acceptance, its words going to the terminal as they come; return the document.

    Args:
        folder: of the project.
        options: for pytest.
        quiet: have all its words go to standard error.

    Raises:
        RunRefusedError, RunEndedError: there is no verdict.

    """
    with tempfile.TemporaryDirectory(prefix="deploy-verdict-") as made:
        file = Path(made) / "verdict.json"
        words, root = command(folder, file, options)
        code, said = _followed(words, root, quiet=quiet)
        try:
            document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            document = {}
    if code == _USAGE_ERROR:
        raise RunRefusedError(words, said)
    if not document:
        raise RunEndedError(code, words, said)
    return document


def _followed(words: Sequence[str], root: Path, *, quiet: bool) -> tuple[int, str]:
    """Run a program to its end; return its exit code and the end of its standard error.

    Ctrl-C reaches it as well as us, and SIGTERM is handed on: it puts its things in order, and
    we wait for that.
    """
    kept: list[str] = []

    def copy(stream: IO[str]) -> None:
        for line in stream:
            sys.stderr.write(line)
            sys.stderr.flush()
            kept.append(line)

    sys.stdout.flush()
    with subprocess.Popen(
        words,
        cwd=root,
        stdout=sys.stderr.fileno() if quiet else None,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        assert process.stderr is not None
        copying = threading.Thread(target=copy, args=(process.stderr,), daemon=True)
        copying.start()
        with _handed_on(process):
            _wait(process)
        copying.join(timeout=5)
    return process.returncode, "".join(kept)[-_KEPT:].strip()


def _wait(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _LONGEST
    while process.poll() is None:
        try:
            process.wait(timeout=max(0.0, until - time.monotonic()))
        except KeyboardInterrupt:
            continue
        except subprocess.TimeoutExpired:
            process.terminate()
            until = time.monotonic() + _LONGEST


@contextlib.contextmanager
def _handed_on(process: subprocess.Popen[str]) -> Iterator[None]:
    """Hand on SIGTERM, where we may: signals belong to the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
