"""Running a program in a container over one web socket, without another process."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from harness.kube.client import Kube
from harness.kube.resources import POD

# Only in this version of the protocol can standard input be closed. A server that does
# not know it refuses before anything runs.
_PROTOCOL = "v5.channel.k8s.io"
_MARGIN = 2.0  # seconds
_STDIN, _STDOUT, _STDERR, _STATUS = 0, 1, 2, 3


@dataclass
class Streamed:
    """What came over the socket. `exit_code` is None when the program was not run."""

    exit_code: int | None = None
    stdout: str = ""
    stderr: str = ""
    refusal: str = ""
    began: bool = False
    ended: bool = False
    seconds: float = 0.0


def stream(
    client: Kube,
    namespace: str,
    pod: str,
    argv: Sequence[str],
    *,
    container: str,
    stdin: str | None,
    timeout: float,
) -> Streamed:
    """Run a program and return what came.

    `began` is False when no socket could be had, in which case nothing was run; `ended`
    is False when the time was over first.
    """
    result = Streamed()
    query = [("command", word) for word in argv]
    query += [("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if stdin is not None else []
    query += [("container", container)] if container else []
    url = f"{client.server}{POD.path(namespace, pod, 'exec')}?{urlencode(query)}"
    started = time.monotonic()
    # In a thread, because the package's handshake knows no timeout.
    thread = threading.Thread(
        target=_talk, args=(client, url, stdin, timeout, result), name="exec", daemon=True
    )
    thread.start()
    thread.join(timeout + _MARGIN)  # its own deadline comes first, once it has begun
    result.seconds = time.monotonic() - started
    if thread.is_alive():
        result = Streamed(began=True, seconds=result.seconds)  # it may run: not once more
    return result


def _talk(client: Kube, url: str, stdin: str | None, timeout: float, result: Streamed) -> None:
    from kubernetes.stream import ws_client

    package: Any = ws_client  # its types stop here
    headers: dict[str, str] = {}
    client.api.update_params_for_auth(headers, [], ["BearerToken"], url, "GET", None)
    headers = {name.lower(): value for name, value in headers.items()}
    headers["sec-websocket-protocol"] = _PROTOCOL
    try:
        address = package.get_websocket_url(url)
        socket = package.WSClient(
            client.api.configuration, address, headers, capture_all=False, binary=True
        )
    except Exception as error:
        result.refusal = str(error)
        return
    result.began = True
    with contextlib.ExitStack() as stack:
        # `close` leaves the connection to the garbage collector when the server has said its
        # last word first; `shutdown` gives it back in any case.
        stack.callback(socket.sock.shutdown)
        stack.callback(socket.close)
        if stdin is not None:
            socket.write_channel(_STDIN, stdin.encode())
            socket.close_channel(_STDIN)
        try:
            socket.run_forever(timeout=timeout)
        except Exception as error:
            result.ended, result.refusal = True, f"the stream broke: {error}"
            return
        result.ended = not socket.is_open()
        result.stdout = socket.read_channel(_STDOUT).decode(errors="replace")
        result.stderr = socket.read_channel(_STDERR).decode(errors="replace")
        result.exit_code, result.refusal = exit_of(socket.read_channel(_STATUS))


def exit_of(told: bytes) -> tuple[int | None, str]:
    """Return the exit code from the stream's last word, or why the program was not run."""
    try:
        status = json.loads(told)
    except ValueError:
        return None, "the stream ended without a word about the program's end"
    if status.get("status") == "Success":
        return 0, ""
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"]), ""
    return None, str(status.get("message") or status.get("reason") or "no reason given")
