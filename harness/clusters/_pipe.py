"""Connects two programs by a pipe, since one process cannot be asked to be two.

`python _pipe.py COUNT PROGRAM ARGUMENT… PROGRAM ARGUMENT…`: the first COUNT words are
the source, the others the sink. Ends with the exit code of the one that failed. Uses the
standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys


def main(words: list[str]) -> int:
    """Run both and return the first exit code that is not 0."""
    count = int(words[0])
    source = subprocess.Popen(
        words[1 : 1 + count], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    sink = subprocess.Popen(words[1 + count :], stdin=source.stdout)
    if source.stdout is not None:
        source.stdout.close()  # only the sink holds it now, so either end is seen at once
    taken, given = sink.wait(), source.wait()
    if given < 0 and taken:  # ended by the pipe that the sink had left
        return taken
    return given or taken


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]) & 0xFF)
