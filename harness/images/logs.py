"""Reading a container's log for signs of an error (US1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Words by which the usual runtimes, servers and loggers announce an error. A word inside
# another ("errors=0", "no error", "0 errors", a path /error) is not one.
_ERRORS = re.compile(
    r"Traceback \(most recent call last\)"
    r"|^\s*(?:[A-Za-z_.]+(?:Error|Exception))\b\s*:"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC)\b"
    r"|\blevel[\"']?\s*[=:]\s*[\"']?(?:error|fatal|critical|panic)\b"
    r"|^panic: |\bUnhandled(?:PromiseRejection| exception| rejection)\b|\bUncaught\b"
    r"|\u2a2f "
    r"|\b(?:EADDRINUSE|EACCES|EROFS|ENOENT|MODULE_NOT_FOUND)\b"
    r"|\bSegmentation fault\b|\bcannot open shared object\b|\bRead-only file system\b"
)
_LOWER = re.compile(r"^(?:\[?error\]?|fatal|npm ERR!)[\s:!]", re.IGNORECASE)


def error_lines(text: str, ignore: Iterable[str] = ()) -> list[str]:
    """Return the lines of a log that announce an error.

    Args:
        text: the log.
        ignore: regular expressions of lines that are known and accepted.

    """
    accepted = [re.compile(pattern) for pattern in ignore]
    return [
        line
        for line in text.splitlines()
        if (_ERRORS.search(line) or _LOWER.search(line))
        and not any(pattern.search(line) for pattern in accepted)
    ]
