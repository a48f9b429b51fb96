"""Runs kind for pytest-kind: with a deadline, a log, and a lock that outlives us.

`python _launch.py SECONDS LOG LOCK PROGRAM ARGUMENT…`

The lock is inherited by the program. When the run that started it is killed, the program
may go on for a while; whoever wants the same cluster next waits until it has ended. Uses
the standard library only and none of the harness, since it starts anew each time.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

TIMED_OUT = 124


def main(words: list[str]) -> int:
    """Run the program and return its exit code, 124 when its time was over."""
    seconds, log, lock, *argv = words
    with Path(lock).open("a") as held, Path(log).open("ab") as out:
        fcntl.flock(held, fcntl.LOCK_EX)
        # Its standard output is an answer (`get clusters`); all else is for the log.
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=out, pass_fds=(held.fileno(),)
        )
        # What ends us ends it; a Ctrl-C at the terminal reaches both already.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait(float(seconds))
        except subprocess.TimeoutExpired:
            out.write(f"ended after {seconds} s\n".encode())
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            return TIMED_OUT
        except KeyboardInterrupt:
            process.wait(30)
            return 128 + signal.SIGINT


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
