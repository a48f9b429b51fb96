"""Work that goes on side by side, each piece once."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from harness.scope import Scope

S = TypeVar("S")
T = TypeVar("T")


def side_by_side(work: Callable[[S], T], things: Sequence[S]) -> list[T]:
    """Do the same with several things at once; return the results in their order.

    All of it has ended when this returns, or raises the first failure. The programs that
    are run belong to the caller's scope.
    """
    if len(things) < 2:
        return [work(thing) for thing in things]
    with ThreadPoolExecutor(len(things), thread_name_prefix="deploy") as pool:
        futures = [pool.submit(contextvars.copy_context().run, work, thing) for thing in things]
    return [future.result() for future in futures]


class Jobs:
    """Runs named pieces of work in threads; asking again gives the same result.

    A piece that failed fails again with the same error, so that everyone who needs it
    hears the one cause.
    """

    def __init__(self, most: int = 16) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="deploy")
        self._scope = Scope()
        self._lock = threading.Lock()
        self._futures: dict[str, Future[Any]] = {}
        self._under_way, self._since, self._busy = 0, 0.0, 0.0

    def start(self, name: str, work: Callable[[], T]) -> Future[T]:
        """Begin a piece of work if it has not begun yet."""
        with self._lock:
            if name not in self._futures:
                self._futures[name] = self._pool.submit(self._run, work)
            return self._futures[name]

    def all(self, futures: Iterable[Future[Any]]) -> None:
        """Wait for several pieces; raise the first failure at once, whatever still runs."""
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()

    def _run(self, work: Callable[[], T]) -> T:
        self._count(1)
        try:
            with self._scope.entered():
                return work()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        now = time.monotonic()
        with self._lock:
            if self._under_way:
                self._busy += now - self._since
            self._under_way, self._since = self._under_way + change, now

    @property
    def busy_seconds(self) -> float:
        """Wall time in which at least one piece was under way."""
        self._count(0)
        return self._busy

    def close(self, *, interrupted: bool) -> None:
        """Wait for what has begun; when interrupted, end its programs instead."""
        if interrupted:
            self._scope.cancel()
        self._pool.shutdown(wait=True, cancel_futures=interrupted)
