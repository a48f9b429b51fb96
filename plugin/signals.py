"""SIGTERM ends a run as Ctrl-C does: what was broken is put right, what was begun is ended.

It is what CI systems, `timeout` and service managers send; by default it would end the
process on the spot, with a fault still in place.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Take the signal over for the length of the run."""
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _interrupt)

        def give_back() -> None:
            signal.signal(signal.SIGTERM, before)

        config.add_cleanup(give_back)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt("SIGTERM")
