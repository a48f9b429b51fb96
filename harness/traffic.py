"""Requests that go on while something happens: what a load balancer would have seen meanwhile."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType

from harness.errors import DeployError
from harness.request import Request, Sender

_MOST_SHOWN = 10  # failures in a description
_GRACE = 10.0  # seconds beyond its own timeout that a request may take to end


class TrafficEmptyError(DeployError):
    """Not one request was sent, so nothing would have been proven."""

    def __init__(self, url: str, seconds: float) -> None:
        super().__init__(
            needed="requests that go on",
            seen=f"not one has ended within {seconds:.1f} s",
            looked=url,
            fix="this is a fault of the harness: please report it with these words",
        )


class TrafficEndedError(DeployError):
    """The requests ended before what they were to accompany."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            needed="requests that go on until what they accompany has ended",
            seen=why,
            looked=url,
            fix="allow more requests or a longer time; after an exception it is a fault of the "
            "harness, to be reported with these words",
        )


class Traffic:
    """Sends requests to one address, one after another, for the length of a block.

    Each is on a fresh connection, as a load balancer's would be, and goes past every proxy
    of the environment. On entering, the first one has ended. On leaving, an end before the
    block's is an error, so that "nothing failed" never means "nothing was asked".

    Args:
        url: http or https.
        pace: seconds from the start of one request to that of the next, which starts later
            when the one before takes longer.
        timeout: seconds for one request.
        most: how many requests at most.
        longest: seconds that all of it may take at most.
        headers: sent with each request.
        good: the statuses of a good answer.

    Raises:
        ValueError: the address is none of http or https.
        TrafficEmptyError, TrafficEndedError: on entering, in `more` and on leaving.

    """

    def __init__(
        self,
        url: str,
        *,
        pace: float = 0.1,
        timeout: float = 5.0,
        most: int = 10_000,
        longest: float = 600.0,
        headers: Mapping[str, str] | None = None,
        good: Collection[int] = (200,),
    ) -> None:
        self.url, self.pace, self.timeout = url, pace, timeout
        self._sender = Sender(url, timeout, headers or {}, frozenset(good))
        self._most, self._longest = most, longest
        self._requests: list[Request] = []
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._ended = ""  # why it ended by itself
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._began = self._over = 0.0
        self._clock = datetime.now(UTC)

    def __enter__(self) -> Traffic:
        self._began, self._clock = time.monotonic(), datetime.now(UTC)
        self._thread.start()
        try:
            self.more(1)
        except DeployError:
            self._stop.set()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(self.timeout + _GRACE)
        self._over = self._over or self._now()
        if error is not None:
            error.add_note(f"meanwhile: {self.describe()}")
        elif self._ended:
            raise TrafficEndedError(self.url, self._ended)
        elif self._thread.is_alive():
            raise TrafficEndedError(self.url, "the last request does not end")

    def more(self, count: int, within: float | None = None) -> None:
        """Wait until as many further requests have ended, well or not.

        Args:
            count: how many.
            within: seconds; by default what they may take at the very most.

        """
        limit = within or count * max(self.pace, self.timeout) + _GRACE
        with self._news:
            wanted = len(self._requests) + count
            self._news.wait_for(lambda: self._ended or len(self._requests) >= wanted, limit)
            if len(self._requests) >= wanted:
                return
            if self._ended:
                raise TrafficEndedError(self.url, self._ended)
            raise TrafficEmptyError(self.url, limit)

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests that have ended, in order."""
        with self._news:
            return tuple(self._requests)

    @property
    def sent(self) -> int:
        """How many requests have ended."""
        return len(self.requests)

    @property
    def answered(self) -> int:
        """How many of them were answered well."""
        return sum(not request.failure for request in self.requests)

    @property
    def failures(self) -> tuple[Request, ...]:
        """Those that were not."""
        return tuple(request for request in self.requests if request.failure)

    @property
    def longest_gap(self) -> float:
        """The longest time in seconds without a good answer, the two ends included."""
        begin, end = self._gap()
        return end - begin

    def describe(self) -> str:
        """Return all of it in words: counts, the longest gap, the first failures."""
        failures, (begin, end) = self.failures, self._gap()
        lines = [
            f"{self.answered} of {self.sent} requests to {self.url} answered well in "
            f"{self._over or self._now():.1f} s; the longest time without a good answer was "
            f"{end - begin:.2f} s, from +{begin:.2f} s on"
        ]
        for request in failures[:_MOST_SHOWN]:
            at = self._clock + timedelta(seconds=request.at)
            lines.append(
                f"  +{request.at:.2f} s ({at:%H:%M:%S}), after {request.seconds:.2f} s: "
                f"{request.failure}: {request.words}"
            )
        if len(failures) > _MOST_SHOWN:
            lines.append(f"  and {len(failures) - _MOST_SHOWN} more")
        return "\n".join(lines)

    def _gap(self) -> tuple[float, float]:
        good = [request.ended for request in self.requests if not request.failure]
        marks = [0.0, *good, self._over or self._now()]
        return max(itertools.pairwise(marks), key=lambda pair: pair[1] - pair[0])

    def _now(self) -> float:
        return time.monotonic() - self._began if self._began else 0.0

    def _run(self) -> None:
        try:
            why = self._send_all()
        except Exception as error:  # a dead thread would look like "nothing failed"
            why = f"{type(error).__name__}: {error}"
        with self._news:
            self._over = self._now()
            self._ended = why
            self._news.notify_all()

    def _send_all(self) -> str:
        """Send until told to stop; return why it ended before that."""
        due = 0.0
        for number in range(self._most):
            if self._stop.wait(max(0.0, due - self._now())):
                return ""
            due = max(due, self._now()) + self.pace  # no burst to catch up after a slow one
            if self._now() > self._longest:
                return f"its {self._longest:.0f} s were over, after {number} requests"
            request = self._sender.send(self._now)
            with self._news:
                self._requests.append(request)
                self._news.notify_all()
        return f"its {self._most} requests were used up after {self._now():.1f} s"
