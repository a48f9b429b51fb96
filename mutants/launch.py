"""Starting pytest: as a program of its own, or in a process that has loaded most of it before."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from harness.command import CommandTimedOutError, Completed, environment, run
from harness.redact import Redactor


class Launch(Protocol):
    """A way to run pytest to its end."""

    def __call__(self, words: Sequence[str], cwd: Path, timeout: float) -> Completed:
        """Run pytest with these words. Raises CommandTimedOutError."""


def as_program(words: Sequence[str], cwd: Path, timeout: float) -> Completed:
    """Run `python -m pytest`. Raises CommandTimedOutError."""
    argv = [sys.executable, "-m", "pytest", *words]
    return run(argv, timeout=timeout, cwd=cwd, check=False)


class Preloaded:
    """Runs pytest in forks of a process that has loaded what each run needs.

    Loading it is most of the time of a run that needs no cluster. The forks share nothing
    that one of them changes.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["mutants.loaded"])

    def __call__(self, words: Sequence[str], cwd: Path, timeout: float) -> Completed:
        """Run pytest with these words. Raises CommandTimedOutError."""
        started = time.monotonic()
        argv = ("pytest", *words)
        with tempfile.TemporaryDirectory(prefix="deploy-mutant-out-") as folder:
            said = Path(folder) / "said"
            process = self._context.Process(
                target=_pytest, args=(list(words), cwd, said, environment()), daemon=True
            )
            process.start()
            process.join(timeout)
            late = process.is_alive()
            if late:
                process.kill()
                process.join()
            text = said.read_text(errors="replace") if said.is_file() else ""
        code = process.exitcode if process.exitcode is not None else -1
        done = Completed(argv, code, text, "", time.monotonic() - started)
        process.close()
        if late:
            raise CommandTimedOutError(done, timeout, Redactor())
        return done


def _pytest(words: list[str], cwd: Path, said: Path, environ: dict[str, str]) -> None:
    """Be the process that runs pytest."""
    import pytest

    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    sys.path.insert(0, str(cwd))
    with said.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.exit(pytest.main(words))
