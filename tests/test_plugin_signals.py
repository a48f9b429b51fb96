"""A run that is told to end puts right what it broke."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kube_support import until

TEST = """\
import pathlib, time, pytest

@pytest.fixture
def fault():
    pathlib.Path("broken").touch()
    yield
    pathlib.Path("broken").unlink()
    pathlib.Path("mended").touch()

def test_that_lasts(fault):
    time.sleep(60)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_mends_what_it_broke(
    tmp_path: Path, told: signal.Signals
) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    environ = {
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    argv = [sys.executable, "-m", "pytest", "-p", "plugin.signals", "-p", "no:cacheprovider", "-q"]
    run = subprocess.Popen(
        argv,
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        # What is started in the background inherits that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until((tmp_path / "broken").exists, 30)
    run.send_signal(told)
    said, _ = run.communicate(timeout=30)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, said
    assert (tmp_path / "mended").exists()
    assert not (tmp_path / "broken").exists()
