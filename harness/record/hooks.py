"""What surrounds scenarios: hooks, and those of them that belong to the run as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from harness.record.messages import BROKEN_OFF, UNKNOWN, Message, recorded, result, timestamp

RUN = "run"
BEFORE_RUN, AFTER_RUN = "BEFORE_TEST_RUN", "AFTER_TEST_RUN"


class Hooks:
    """Tells each hook once, and begins and ends those of the run, one within the other."""

    def __init__(self, write: Callable[..., None], worker: str) -> None:
        self._write, self._worker = write, worker
        self._known: set[str] = set()
        self._count = 0
        self._open: list[tuple[str, float]] = []

    def tell(self, name: str, kind: str, source: Message | None = None) -> str:
        """Return the id of a hook, which is among the messages from then on."""
        hook = f"{kind}: {name}"
        if hook not in self._known:
            self._known.add(hook)
            told: dict[str, Any] = {"id": hook, "sourceReference": source or {}}
            self._write({"hook": {**told, "name": name, "type": kind}})
        return hook

    @property
    def open(self) -> str:
        """The id of what goes on innermost, "" when nothing does."""
        return self._open[-1][0] if self._open else ""

    def begin(self, hook: str) -> None:
        """Begin a hook of the run."""
        self._count += 1
        now = time.time()
        started = {
            "id": f"{hook}@{self._worker or RUN}.{self._count}",
            "hookId": hook,
            "testRunStartedId": RUN,
            "timestamp": timestamp(now),
        }
        if self._worker:
            started["workerId"] = self._worker
        self._open.append((str(started["id"]), now))
        self._write({"testRunHookStarted": started})

    def end(self, status: str, message: str = "", exception: str = "") -> None:
        """End the innermost one."""
        begun, began = self._open.pop()
        now = time.time()
        told = recorded(result(status, now - began, message, exception))
        ends = {"testRunHookStartedId": begun, "result": told, "timestamp": timestamp(now)}
        self._write({"testRunHookFinished": ends})

    def close(self) -> None:
        """End what is still open: it was broken off."""
        while self._open:
            self.end(UNKNOWN, BROKEN_OFF)
