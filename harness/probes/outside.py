"""Asking the application from this machine, as a person's browser would reach it."""

from __future__ import annotations

import time

import httpx

from harness.errors import DeployError, Fault

_PAUSE = 0.2  # nothing can be watched here: a node's forwarding tells nobody when it is set


class NotAnsweringError(DeployError):
    """An address does not answer as it should."""

    fault = Fault.PROJECT

    def __init__(self, url: str, within: float, last: str) -> None:
        super().__init__(
            needed=f"an answer with status 200 within {within:.0f} s",
            seen=f"last: {last}",
            looked=url,
            fix="see whether the Service behind it has ready endpoints and the right target port",
        )


def wait_until_answers(url: str, *, within: float = 30.0, timeout: float = 10.0) -> float:
    """Ask until the answer is 200, and return the seconds that it took.

    Pods that are Ready are reached through a node's port a moment later, when every node
    forwards to them; until then connections are refused, or end without an answer.

    Args:
        url: what to ask; no proxy is used.
        within: seconds in all.
        timeout: seconds for one request.

    Raises:
        NotAnsweringError: with the last thing that was seen.

    """
    started, last = time.monotonic(), "nothing was asked"
    with httpx.Client(timeout=timeout, trust_env=False) as client:
        while (passed := time.monotonic() - started) < within:
            try:
                answer = client.get(url)
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == httpx.codes.OK:
                    return time.monotonic() - started
                last = f"status {answer.status_code}: {answer.text[:300]}"
            time.sleep(min(_PAUSE, max(0.0, within - passed)))
    raise NotAnsweringError(url, within, last)
